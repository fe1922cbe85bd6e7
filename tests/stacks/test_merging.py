"""What bundles say of their environment's template, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.control.scenes import INSTALLATION, environment
from tests.stacks.test_synthesis import FACTS, template

from jackbean.control.stacks.surroundings import OWNED, Surroundings
from jackbean.core.extensions import Declared
from jackbean.core.options.settings import Setting, Settings
from jackbean.stacks.advice import advised
from jackbean.stacks.difference import fingerprint, kinds
from jackbean.stacks.graph import blueprints
from jackbean.stacks.merging import RESOURCES_MAX, Merged, check, merge
from jackbean.stacks.portable import portable
from jackbean.stacks.synthesis import ENVIRONMENT, LAUNCH
from jackbean.stacks.types import Reality, kind

GROUP = "AWSEBAutoScalingGroup"


def merged(text: str, **sections: Any) -> Merged:
    resources = yaml.safe_load(text) or {}
    return merge(template(), Declared(resources=resources, **sections), OWNED)


def test_nothing_declared_changes_nothing() -> None:
    found = merged("")
    assert found.template == template()
    assert not found.faults
    assert not found.warnings


def test_a_resource_of_the_bundles_own_is_added() -> None:
    found = merged("Q: {Type: 'AWS::SQS::Queue', Properties: {DelaySeconds: 3}}")
    assert kinds(found.template) == {**kinds(template()), "Q": "AWS::SQS::Queue"}
    assert found.template["Resources"]["Q"]["Properties"] == {"DelaySeconds": 3}
    assert not found.faults
    assert not found.warnings


def test_one_that_is_there_is_changed_property_by_property() -> None:
    found = merged(f"{GROUP}: {{Properties: {{HealthCheckType: ELB, MinSize: '2'}}}}")
    before, after = (t["Resources"][GROUP] for t in (template(), found.template))
    assert after["Type"] == before["Type"]
    wanted = {**before["Properties"], "HealthCheckType": "ELB", "MinSize": "2"}
    assert after["Properties"] == wanted
    assert "what runs here follows option settings" in found.warnings[0]


def test_a_function_takes_the_place_of_another_whole() -> None:
    found = merged(f"{GROUP}: {{Properties: {{AvailabilityZones: {{Ref: Zones}}}}}}")
    assert found.template["Resources"][GROUP]["Properties"]["AvailabilityZones"] == {"Ref": "Zones"}


def test_credentials_for_files_are_no_change_to_tell_of() -> None:
    text = f"{GROUP}: {{Metadata: {{'AWS::CloudFormation::Authentication': {{A: {{type: S3}}}}}}}}"
    assert merged(text).warnings == []


def test_what_is_to_be_removed_is() -> None:
    found = merged(
        f"""
        AWSEBLoadBalancer: {{"CmpFn::Remove": {{}}}}
        {GROUP}: {{Properties: {{LoadBalancerNames: {{"CmpFn::Remove": {{}}}}}}}}
        Never: {{"CmpFn::Remove": {{}}}}
        """
    )
    assert "AWSEBLoadBalancer" not in found.template["Resources"]
    assert "LoadBalancerNames" not in found.template["Resources"][GROUP]["Properties"]
    assert not found.faults


def test_what_instances_are_launched_from_can_be_changed() -> None:
    text = "{Properties: {LaunchTemplateData: {EbsOptimized: true}}}"
    found = merged(f"AWSEBEC2LaunchTemplate: {text}")
    assert fingerprint(found.template) != fingerprint(template())


def test_one_that_this_environment_lacks() -> None:
    dropped = merged("AWSEBRDSDatabase: {Properties: {Iops: 1}}")
    assert "this environment has none" in dropped.warnings[0]
    assert kinds(dropped.template) == kinds(template())
    added = merged("AWSEBRDSDatabase: {Type: 'AWS::RDS::DBInstance', Properties: {Iops: 1}}")
    assert "AWSEBRDSDatabase" in kinds(added.template)


WRONG = {
    "no type": ("X: {Properties: {}}", "has no Type"),
    "not a mapping": ("X: text", "is a mapping"),
    "an unknown type": ("X: {Type: 'AWS::SQS::Queu'}", "AWS::SQS::Queue"),
    "a misspelt type": ("X: {Type: 'AWS::SQS::Qeue'}", "the nearest: AWS::SQS::Queue"),
    "a type of nobody": ("X: {Type: 'Vendor::A::B'}", "is not known here"),
    "a bad name": ("X-1: {Type: 'AWS::SQS::Queue'}", "letters and digits"),
    "properties": ("X: {Type: 'AWS::SQS::Queue', Properties: [a]}", "Properties is a mapping"),
    "another type": (f"{GROUP}: {{Type: 'AWS::SQS::Queue'}}", "cannot be changed"),
    "a policy": ("X: {Type: 'AWS::SQS::Queue', DeletionPolicy: Keep}", "DeletionPolicy is one of"),
    "a snapshot": ("X: {Type: 'AWS::SQS::Queue', DeletionPolicy: Snapshot}", "no snapshots"),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    faults = merged(text).faults
    assert len(faults) == 1
    assert says in faults[0]
    assert repr(next(iter(yaml.safe_load(text)))) in faults[0]


def test_too_much() -> None:
    many = {f"Q{n}": {"Type": "AWS::SQS::Queue"} for n in range(RESOURCES_MAX)}
    assert "at most 500" in merge(template(), Declared(resources=many), OWNED).faults[0]
    big = {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "x" * (1 << 20)}}}
    assert "bytes" in merge(template(), Declared(resources=big), OWNED).faults[0]


MEANINGS = {
    "AWS::IAM::Role": Reality.INERT,
    "AWS::CloudWatch::Alarm": Reality.INERT,
    "AWS::EFS::FileSystem": Reality.INERT,
    "Custom::Thing": Reality.INERT,
    "AWS::ElastiCache::CacheCluster": Reality.UNBUILT,
    "AWS::EC2::SecurityGroup": Reality.FOLLOWED,
    "AWS::S3::Bucket": Reality.PROVIDED,
}


@pytest.mark.parametrize(("name", "reality"), MEANINGS.items())
def test_what_a_type_is_here(name: str, reality: Reality) -> None:
    found = kind(name)
    assert found is not None
    assert found.reality is reality
    told = merged(f"X: {{Type: '{name}', Properties: {{A: b}}}}").warnings
    assert len(told) == (reality is not Reality.PROVIDED)


def test_a_table_of_past_years() -> None:
    found = merged(
        """
        T:
          Type: AWS::DynamoDB::Table
          Properties:
            KeySchema:
              HashKeyElement: {AttributeName: email, AttributeType: S}
              RangeKeyElement: {AttributeName: at, AttributeType: N}
        """
    )
    properties = found.template["Resources"]["T"]["Properties"]
    assert properties == {
        "KeySchema": [
            {"AttributeName": "email", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "email", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
    }
    assert any("HashKeyElement" in text for text in found.warnings)


def test_other_sections_are_merged() -> None:
    found = merged("", parameters={"P": {"Type": "String"}}, outputs={"O": {"Value": "x"}})
    assert set(found.template["Parameters"]) == {"ImageId", "P"}
    assert found.template["Outputs"] == {"O": {"Value": "x"}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("Ref", "Fn::GetAtt", "Fn::If", "Fn::Sub", "CmpFn::Remove", "A")),
            inner,
            max_size=2,
        )
    ),
    max_leaves=8,
)
BODIES = JSON | st.fixed_dictionaries(
    {"Type": st.sampled_from(("AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::IAM::Role"))},
    optional={
        "Properties": JSON | st.dictionaries(st.sampled_from(("KeySchema", "B")), JSON),
        "DependsOn": JSON,
        "Condition": JSON,
        "DeletionPolicy": JSON,
        "UpdateReplacePolicy": JSON,
    },
)


OWN = {
    "single": (Setting(ENVIRONMENT, "EnvironmentType", "SingleInstance"),),
    "classic": (),
    "application": (Setting(ENVIRONMENT, "LoadBalancerType", "application"),),
    "network": (Setting(ENVIRONMENT, "LoadBalancerType", "network"),),
    "a reference as text": (Setting(LAUNCH, "SecurityGroups", '`{"Ref": "Nobody"}`'),),
}


@pytest.mark.parametrize("tier", ["WebServer", "Worker"])
@pytest.mark.parametrize("own", OWN.values(), ids=OWN.keys())
def test_nothing_is_to_be_said_of_a_template_that_is_all_our_own(
    own: tuple[Setting, ...], tier: str
) -> None:
    made = template(*own, facts=replace(FACTS, tier=tier))
    around = Surroundings(INSTALLATION, environment(), Settings(own), Declared())
    assert check(made, around) == []  # which nobody asks (`control.releases`)
    assert list(advised(made["Resources"])) == []


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(("A", "B", GROUP, "AWSEBRDSDatabase")), BODIES))
def test_nothing_that_a_bundle_says_breaks_us(resources: dict[str, Any]) -> None:
    declared = Declared(resources=resources)
    found = merge(template(), declared, OWNED)
    around = Surroundings(INSTALLATION, environment(), Settings(), declared)
    if not found.faults and not check(found.template, around):
        blueprints(found.template, around)
        json.dumps(portable(found.template, lambda namespace, name: None, "web"))
