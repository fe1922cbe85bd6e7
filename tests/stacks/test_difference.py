"""The difference of two templates, and the name of a launch template."""

from __future__ import annotations

import re

from jackbean.stacks.difference import Difference, difference, fingerprint, kinds, replacement


def template(**resources: object) -> dict[str, object]:
    return {"Resources": resources}


A, B, C = ({"Type": f"AWS::X::{name}", "Properties": {}} for name in "ABC")


def test_what_comes_changes_and_goes_in_the_order_of_the_templates() -> None:
    changed = {**B, "Properties": {"x": 1}}
    found = difference(template(B=B, A=A, Z=A, Y=A), template(D=C, C=C, B=changed, A=A))
    assert found == Difference(added=("D", "C"), modified=("B",), removed=("Z", "Y"))
    assert not found.empty


def test_the_same_is_no_difference() -> None:
    assert difference(template(A=A, B=B), template(B=B, A=A)).empty
    assert difference({}, {}).empty
    assert difference({}, template(A=A)).added == ("A",)


def test_a_fingerprint_is_of_the_launch_template_alone() -> None:
    launch = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"a": 1, "b": [2, 3]}}
    shuffled = {"Properties": {"b": [2, 3], "a": 1}, "Type": "AWS::EC2::LaunchTemplate"}
    one = fingerprint(template(AWSEBEC2LaunchTemplate=launch, A=A))
    assert re.fullmatch("[0-9a-f]{16}", one)
    assert one == fingerprint(template(AWSEBEC2LaunchTemplate=shuffled, B=B))
    other = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"a": 1, "b": [3, 2]}}
    assert one != fingerprint(template(AWSEBEC2LaunchTemplate=other))


def test_kinds() -> None:
    assert kinds(template(B=B, A=A)) == {"B": "AWS::X::B", "A": "AWS::X::A"}
    assert list(kinds(template(B=B, A=A))) == ["B", "A"]
    assert kinds({}) == {}


def test_whether_a_change_replaces() -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "a", "DelaySeconds": 1}}

    def changed(**properties: object) -> dict[str, object]:
        return {**queue, "Properties": {**queue["Properties"], **properties}}

    assert replacement(queue, changed(DelaySeconds=2)) == "False"
    assert replacement(queue, changed(QueueName="b")) == "True"
    assert replacement(queue, changed(QueueName={"Ref": "P"})) == "Conditional"
    assert replacement(queue, changed(QueueName={"Ref": "P"}, FifoQueue=True)) == "True"
    assert replacement(queue, {**queue, "Type": "AWS::SNS::Topic"}) == "True"
