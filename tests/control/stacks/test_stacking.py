"""The resources of an environment, from a bundle to what its instances are told, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.control.rig import ASG, Rig

from jackbean.control.aborting import abort
from jackbean.control.environments import Update
from jackbean.control.rehearsal.endings import Result
from jackbean.control.rehearsing import Asked, rehearse_update
from jackbean.control.returning import roll_back
from jackbean.core.environments import Environment, Status, Tier
from jackbean.core.errors import Fault
from jackbean.core.events import Severity
from jackbean.core.options.settings import Setting
from jackbean.simulator.engine import Behaviour

QUEUE, TOPIC = "AWS::SQS::Queue", "AWS::SNS::Topic"
FIRST = """
Resources:
  Queue: {Type: "AWS::SQS::Queue", Properties: {DelaySeconds: 1}}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties: {Queues: [{Ref: Queue}], PolicyDocument: {Statement: []}}
"""


def tagged(kind: str, tag: str, value: object) -> str:
    """Return what a resource of the simulator says of itself by a tag."""
    properties = {"Tags": [{"Key": tag, "Value": value}]}
    return json.dumps({"Type": kind, "Properties": properties})


SLOW = f"  Slow: {tagged('AWS::SNS::Topic', 'TakesLooks', 100000)}\n"
ONE = (Setting(ASG, "MinSize", "1"), Setting(ASG, "MaxSize", "2"))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def config(rig: Rig, label: str, text: str) -> str:
    rig.version(label, {".ebextensions/01.config": text, "application.py": ""})
    return label


def created(rig: Rig, text: str = FIRST) -> Environment:
    rig.create(label=config(rig, "first", text), settings=ONE)
    return rested(rig)


def rested(rig: Rig) -> Environment:
    return rig.settle()


def deployed(rig: Rig, label: str, text: str) -> Environment:
    rig.update(label=config(rig, label, text))
    return rested(rig)


def there(rig: Rig) -> dict[str, str]:
    return dict(rig.universe.resources.there.keys())


def told(rig: Rig, severity: Severity = Severity.INFO) -> list[str]:
    """Return what was told, of that severity at least."""
    return [e.message for e in rig.events() if e.severity.level >= severity.level]


def test_resources_of_a_bundle_are_there_before_instances(rig: Rig) -> None:
    environment = created(rig)
    queue = environment.resource("Queue")
    assert queue is not None
    assert there(rig)[QUEUE] == queue.name
    texts = told(rig)
    made = texts.index(f"Created SQS queue named: {queue.name}")
    policy = next(i for i, t in enumerate(texts) if t.startswith("Created SQS queue policy"))
    added = next(i for i, t in enumerate(texts) if t.startswith("Added instance"))
    assert made < policy < added


def test_a_change_in_place_a_replacement_and_an_end(rig: Rig) -> None:
    before = created(rig)
    changed = FIRST.replace("DelaySeconds: 1", "DelaySeconds: 2")
    after = deployed(rig, "second", changed)
    assert before.resource("Queue").name == after.resource("Queue").name
    replaced = deployed(rig, "third", FIRST.replace("DelaySeconds: 1", "FifoQueue: true"))
    queue = replaced.resource("Queue")
    assert queue.name.endswith(".fifo")
    assert there(rig)[QUEUE] == queue.name
    assert f"Deleted SQS queue named: {after.resource('Queue').name}" in told(rig)
    deployed(rig, "fourth", "Resources: {}")
    assert there(rig) == {}


def test_what_fails_names_itself_and_everything_is_as_it_was(rig: Rig) -> None:
    before = created(rig)
    bad = FIRST + f"  Bad: {tagged('AWS::SNS::Topic', 'RefuseToBe', 'no topics today')}\n"
    after = deployed(rig, "second", bad.replace("DelaySeconds: 1", "DelaySeconds: 9"))
    assert after.resources == before.resources
    assert after.release == before.release
    assert (
        '"DelaySeconds": "1"'
        in rig.universe.resources.there[QUEUE, before.resource("Queue").name][1]
    )
    errors = told(rig, Severity.ERROR)
    assert any(
        t.startswith("Creating SNS topic named: ") and t.endswith("Reason: no topics today")
        for t in errors
    )
    assert any("failed to update: [Bad]" in t for t in errors)
    assert "Failed to deploy application." in errors


def test_an_environment_whose_resources_cannot_be_had_has_no_instances(rig: Rig) -> None:
    bad = tagged("AWS::SNS::Topic", "RefuseToBe", "never")
    environment = created(rig, f"Resources: {{Bad: {bad}}}")
    assert environment.status is Status.READY
    assert environment.members == ()
    assert environment.resources == ()
    assert there(rig) == {}
    rig.run(rig.universe.pass_time(30.0))
    assert rig.environment().members == ()
    mended = deployed(rig, "second", FIRST)
    assert mended.resource("Queue") is not None
    assert len(mended.members) == 1


def test_termination_ends_all_but_what_is_to_be_retained(rig: Rig) -> None:
    created(rig, FIRST + "  Topic: {Type: 'AWS::SNS::Topic', DeletionPolicy: Retain}\n")
    rig.terminate()
    rig.run(rig.universe.pass_time(60.0))
    assert list(there(rig)) == [TOPIC]
    assert any(t.startswith("Kept SNS topic named: ") for t in told(rig))
    assert "terminateEnvironment completed successfully." in told(rig)


def test_what_cannot_be_ended_is_kept_and_told_of(rig: Rig) -> None:
    bucket = f"  B: {tagged('AWS::S3::Bucket', 'RefuseToEnd', 'it is not empty')}\n"
    created(rig, FIRST + bucket)
    rig.terminate()
    rig.run(rig.universe.pass_time(60.0))
    assert list(there(rig)) == ["AWS::S3::Bucket"]
    kept = [t for t in told(rig, Severity.WARN) if t.endswith("It is kept.")]
    assert "it is not empty" in kept[0]
    assert "terminateEnvironment completed successfully." in told(rig)


def test_what_takes_too_long_has_failed(rig: Rig) -> None:
    before = created(rig)
    slow = FIRST + SLOW
    rig.update(label=config(rig, "second", slow))
    rig.run(rig.universe.pass_time(1200.0))
    after = rig.environment()
    assert after.operation is None
    assert after.resources == before.resources
    assert any("more than 900 seconds. It takes its time." in t for t in told(rig, Severity.ERROR))


def test_an_abort_while_resources_are_made_leaves_all_as_it_was(rig: Rig) -> None:
    before = created(rig)
    slow = FIRST + SLOW
    rig.update(label=config(rig, "second", slow))
    rig.run(rig.universe.pass_time(10.0))
    rig.run(abort(rig.world, "web1", rig.request()))
    after = rested(rig)
    assert after.resources == before.resources
    assert after.release == before.release
    assert list(there(rig)) == [QUEUE, "AWS::SQS::QueuePolicy"]


def test_termination_while_resources_are_made(rig: Rig) -> None:
    slow = FIRST + SLOW
    rig.create(label=config(rig, "first", slow), settings=ONE)
    rig.run(rig.universe.pass_time(10.0))
    rig.terminate()
    rig.run(rig.universe.pass_time(60.0))
    assert there(rig) == {}


REFUSED = {
    "an unknown type": ("Q: {Type: 'AWS::SQS::Nothing'}", "is not known here"),
    "a reference to nothing": (
        "Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: {Ref: Nobody}}}",
        "there is no resource or parameter 'Nobody'",
    ),
    "an attribute that it has not": (
        "Q: {Type: 'AWS::SQS::Queue'}\n"
        "  T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: {'Fn::GetAtt': [Q, Url]}}}",
        "has no attribute 'Url'; it has Arn, QueueName, QueueUrl",
    ),
    "a circle": (
        "A: {Type: 'AWS::SQS::Queue', DependsOn: B}\n  B: {Type: 'AWS::SQS::Queue', DependsOn: A}",
        "Circular dependency between resources: [A, B]",
    ),
    "a dependency on nothing": (
        "A: {Type: 'AWS::SQS::Queue', DependsOn: [B]}",
        "DependsOn names what is not there: B",
    ),
}


@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_refused_at_once(rig: Rig, text: str, says: str) -> None:
    label = config(rig, "first", f"Resources:\n  {text}\n")
    with pytest.raises(Fault) as raised:
        rig.create(label=label, settings=ONE)
    assert says in raised.value.message


def test_conditions_and_options_decide(rig: Rig) -> None:
    text = """
option_settings:
  aws:elasticbeanstalk:customoption: {Wait: 7}
Parameters: {Name: {Type: String, Default: no}}
Conditions: {Wanted: {"Fn::Equals": [{Ref: Name}, "yes"]}}
Resources:
  Never: {Type: "AWS::SNS::Topic", Condition: Wanted}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: {"Fn::GetOptionSetting": {OptionName: Wait, DefaultValue: 3}}
      DelaySeconds: {"Fn::GetOptionSetting": {OptionName: Delay, DefaultValue: 4}}
"""
    environment = created(rig, text)
    assert environment.resource("Never") is None
    (_, properties) = rig.universe.resources.there[QUEUE, environment.resource("Queue").name]
    assert properties == '{"DelaySeconds": "4", "VisibilityTimeout": "7"}'


def test_a_worker_has_its_queues(rig: Rig) -> None:
    worker = Tier("Worker", "SQS/HTTP", "3.0")
    sqsd = "aws:elasticbeanstalk:sqsd"
    settings = (*ONE, Setting(sqsd, "MaxRetries", "3"), Setting(sqsd, "VisibilityTimeout", "60"))
    rig.create(tier=worker, settings=settings)
    for _ in range(20):
        rig.run(rig.universe.step(1.0))
    environment = rig.environment()
    queue, dead = (environment.resource(f"AWSEBWorker{n}Queue") for n in ("", "DeadLetter"))
    _, properties = rig.universe.resources.there[QUEUE, queue.name]
    assert '"VisibilityTimeout": 60' in properties
    assert '"maxReceiveCount": 3' in properties
    assert f'"deadLetterTargetArn": "arn:{dead.name}"' in properties
    assert environment.resource("AWSEBWorkerCronLeaderRegistry") is not None
    assert {kind for kind, _ in rig.universe.resources.there} == {QUEUE}
    assert environment.resource("AWSEBLoadBalancer") is None


def test_a_change_of_settings_that_replaces_a_resource_reaches_instances(rig: Rig) -> None:
    text = """
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: {"Fn::GetOptionSetting": {OptionName: Name, DefaultValue: first}}}
"""
    created(rig, text)
    custom = "aws:elasticbeanstalk:customoption"
    rig.update(settings=(Setting(custom, "Name", "second"),))
    after = rested(rig)
    assert there(rig) == {QUEUE: "second"}
    assert after.deployment == after.release
    rig.update(settings=(Setting(custom, "Other", "x"),))
    assert rested(rig).deployment == after.deployment  # nobody has to know


FAILING = Behaviour(fails_activating=frozenset({2}))


def test_a_deployment_that_stops_half_way_ends_nothing(tmp_path: Path) -> None:
    with Rig(tmp_path, behaviour=FAILING) as rig:
        before = created(rig)
        replaced = FIRST.replace("DelaySeconds: 1", "FifoQueue: true")
        after = deployed(rig, "second", replaced)
        assert after.release == before.release
        assert after.resource("Queue").name == before.resource("Queue").name
        kept = [r for r in after.resources if r.leaving and r.id == "Queue"]
        assert len(kept) == 1
        assert {name for kind, name in rig.universe.resources.there if kind == QUEUE} == {
            before.resource("Queue").name,
            kept[0].name,
        }
        last = deployed(rig, "third", replaced)
        assert last.resource("Queue").name == kept[0].name
        assert there(rig)[QUEUE] == kept[0].name


def test_a_release_refers_to_the_resources_that_it_has(rig: Rig) -> None:
    before = created(rig)
    rig.update(label=config(rig, "second", FIRST.replace("DelaySeconds: 1", "FifoQueue: true")))
    rig.until(lambda: len(rig.environment().resources) > len(before.resources))
    between = rig.environment()
    (old,) = [r.name for r in between.resources_of(1) if r.id == "Queue"]
    (new,) = [r.name for r in between.resources_of(2) if r.id == "Queue" and not r.leaving]
    assert old == before.resource("Queue").name
    assert new.endswith(".fifo")
    assert rested(rig).resources_of(1) == rig.environment().resources


def test_parked_instances_keep_what_they_refer_to(rig: Rig) -> None:
    command = "aws:elasticbeanstalk:command"
    parking = Setting("jackbean:deployment", "ParkingTime", "60")
    settings = (*ONE, Setting(command, "DeploymentPolicy", "Immutable"), parking)
    rig.create(label=config(rig, "first", FIRST), settings=settings)
    before = rested(rig).resource("Queue")
    replaced = FIRST.replace("DelaySeconds: 1", "FifoQueue: true")
    after = deployed(rig, "second", replaced)
    assert after.parked is not None
    queues = {name for kind, name in rig.universe.resources.there if kind == QUEUE}
    assert queues == {before.name, after.resource("Queue").name}
    rig.run(roll_back(rig.world, "web1", rig.request()))
    back = rested(rig)
    assert back.resource("Queue").name == before.name
    assert {name for kind, name in rig.universe.resources.there if kind == QUEUE} == {before.name}


def test_an_environment_that_fails_to_deploy_has_its_resources(tmp_path: Path) -> None:
    with Rig(tmp_path, behaviour=Behaviour(fails_staging=frozenset({1}))) as rig:
        environment = created(rig)
        assert "Create environment operation is complete, but with errors." in str(told(rig))
        queue = environment.resource("Queue")
        assert there(rig)[QUEUE] == queue.name


def test_a_plan_has_its_resources_made(rig: Rig) -> None:
    created(rig)
    label = config(rig, "second", FIRST.replace("DelaySeconds: 1", "FifoQueue: true"))
    asked = Asked(Update(rig.request(), label=label))
    found = rig.run(rehearse_update(rig.world, "web1", asked)).rehearsal
    assert found.ending.result is Result.SUCCEEDED
    assert found.ending.new == 1
    assert len(there(rig)) == 2  # and nothing was touched


def test_a_bad_property_is_told_with_its_file_and_line(rig: Rig) -> None:
    bad = FIRST.replace("DelaySeconds: 1", "DelaySeconds: soon")
    rig.version("bad", {".ebextensions/a.config": FIRST, ".ebextensions/b.config": bad})
    with pytest.raises(Fault) as refused:
        rig.create(label="bad")
    where = ".ebextensions/b.config: line 3: Resources: 'Queue': Properties.DelaySeconds: "
    assert where in refused.value.message


def test_a_property_that_nothing_comes_of_is_told(rig: Rig) -> None:
    table = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    }
    created(rig, f"Resources:\n  People: {json.dumps(table)}\n")
    text = "StreamSpecification: taken as it is, and nothing comes of it here."
    warned = told(rig, Severity.WARN)
    assert any(one.endswith(text) and "'People'" in one for one in warned), warned
