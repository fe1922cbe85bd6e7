"""Every operation through the real door with AWS's own client, in every state of an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.api.rig import PLATFORM, PlantRig, option

from jackbean.api.authority import INSTANCES_MAY
from jackbean.api.elasticbeanstalk.operations import OPERATIONS

ENV = {"EnvironmentName": "web1"}
APP = {"ApplicationName": "app"}
ARN = "arn:aws:elasticbeanstalk:us-east-1:123456789012:environment/app/web1"

# Operations that need nothing made first, with what they are asked, and members that are there in
# any case: clients index them without asking.
READS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "CheckDNSAvailability": ({"CNAMEPrefix": "free-name"}, ("Available", "FullyQualifiedCNAME")),
    "DescribeAccountAttributes": ({}, ("ResourceQuotas",)),
    "DescribeApplicationVersions": (APP, ("ApplicationVersions",)),
    "DescribeApplications": ({}, ("Applications",)),
    "DescribeConfigurationOptions": ({"SolutionStackName": PLATFORM}, ("Options",)),
    "DescribeConfigurationSettings": ({**APP, **ENV}, ("ConfigurationSettings",)),
    "DescribeEnvironmentHealth": (
        {**ENV, "AttributeNames": ["All"]},
        (
            "EnvironmentName",
            "HealthStatus",
            "Status",
            "Color",
            "Causes",
            "ApplicationMetrics",
            "InstancesHealth",
            "RefreshedAt",
        ),
    ),
    "DescribeEnvironmentResources": (ENV, ("EnvironmentResources",)),
    "DescribeEnvironments": ({}, ("Environments",)),
    "DescribeEvents": ({}, ("Events",)),
    "DescribeInstancesHealth": (
        {**ENV, "AttributeNames": ["All"]},
        ("InstanceHealthList", "RefreshedAt"),
    ),
    "DescribePlatformVersion": ({"PlatformArn": PLATFORM}, ("PlatformDescription",)),
    "ListAvailableSolutionStacks": ({}, ("SolutionStacks", "SolutionStackDetails")),
    "ListPlatformBranches": ({}, ("PlatformBranchSummaryList",)),
    "ListPlatformVersions": ({}, ("PlatformSummaryList",)),
    "ListTagsForResource": ({"ResourceArn": ARN}, ("ResourceArn", "ResourceTags")),
    "RetrieveEnvironmentInfo": ({**ENV, "InfoType": "tail"}, ("EnvironmentInfo",)),
    "ValidateConfigurationSettings": (
        {**APP, **ENV, "OptionSettings": [option("aws:autoscaling:asg", "MinSize", "1")]},
        ("Messages",),
    ),
}
CHANGES = {
    "AbortEnvironmentUpdate",
    "ComposeEnvironments",
    "CreateApplication",
    "CreateApplicationVersion",
    "CreateEnvironment",
    "CreateStorageLocation",
    "DeleteApplication",
    "DeleteApplicationVersion",
    "RequestEnvironmentInfo",
    "RestartAppServer",
    "SwapEnvironmentCNAMEs",
    "TerminateEnvironment",
    "UpdateApplication",
    "UpdateApplicationVersion",
    "UpdateEnvironment",
}


def test_every_operation_is_tried_here() -> None:
    assert set(OPERATIONS) == set(READS) | CHANGES
    assert set(INSTANCES_MAY["elasticbeanstalk"]) <= set(READS)


def call(rig: PlantRig, operation: str, **given: Any) -> dict[str, Any]:
    """Call an operation by its name."""
    client = rig.eb
    (method,) = (m for m, op in client.meta.method_to_api_mapping.items() if op == operation)
    return dict(getattr(client, method)(**given))


def launching(rig: PlantRig) -> None:
    rig.eb.create_environment(
        **APP, **ENV, SolutionStackName=PLATFORM, VersionLabel="v1", OptionSettings=[]
    )
    rig.until(lambda: bool(rig.environment().members))


def just_asked(rig: PlantRig) -> None:
    rig.eb.create_environment(**APP, **ENV, SolutionStackName=PLATFORM, VersionLabel="v1")


def ready(rig: PlantRig) -> None:
    rig.launch()


def updating(rig: PlantRig) -> None:
    rig.launch()
    settings = [option("aws:elasticbeanstalk:application:environment", "A", "b")]
    rig.eb.update_environment(**ENV, VersionLabel="v2", OptionSettings=settings)
    rig.step(1.0)


def terminating(rig: PlantRig) -> None:
    rig.launch()
    rig.eb.terminate_environment(**ENV)
    rig.step(1.0)


STATES: dict[str, Callable[[PlantRig], None]] = {
    "Launching": launching,
    "Launching, just asked for": just_asked,
    "Ready": ready,
    "Updating": updating,
    "Terminating": terminating,
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_every_read_is_answered_in_every_state(
    rig: PlantRig, state: Callable[[PlantRig], None]
) -> None:
    state(rig)
    for operation, (given, members) in READS.items():
        answer = call(rig, operation, **given)
        missing = [m for m in members if m not in answer]
        assert not missing, f"{operation} lacks {missing}"
    check_environments(rig)
    check_resources(rig)
    check_settings(rig)


def check_environments(rig: PlantRig) -> None:
    (found,) = rig.eb.describe_environments()["Environments"]
    assert found.keys() >= {
        "AbortableOperationInProgress",
        "ApplicationName",
        "CNAME",
        "DateCreated",
        "DateUpdated",
        "EndpointURL",
        "EnvironmentArn",
        "EnvironmentId",
        "EnvironmentLinks",
        "EnvironmentName",
        "Health",
        "HealthStatus",
        "PlatformArn",
        "SolutionStackName",
        "Status",
        "Tier",
        "VersionLabel",
    }
    assert found["Tier"] == {"Name": "WebServer", "Type": "Standard", "Version": "1.0"}
    assert found["EnvironmentArn"] == ARN
    assert found["Health"] in {"Green", "Yellow", "Red", "Grey"}


def check_resources(rig: PlantRig) -> None:
    found = rig.eb.describe_environment_resources(**ENV)["EnvironmentResources"]
    assert found.keys() >= {
        "AutoScalingGroups",
        "EnvironmentName",
        "Instances",
        "LaunchConfigurations",
        "LaunchTemplates",
        "LoadBalancers",
        "Queues",
        "Triggers",
    }
    assert all(instance["Id"] for instance in found["Instances"])


def check_settings(rig: PlantRig) -> None:
    described = rig.eb.describe_configuration_settings(**APP, **ENV)["ConfigurationSettings"]
    assert described[0]["DeploymentStatus"] == "deployed"
    for one in described:
        assert one.keys() >= {
            "ApplicationName",
            "DateCreated",
            "DateUpdated",
            "DeploymentStatus",
            "EnvironmentName",
            "OptionSettings",
            "PlatformArn",
            "SolutionStackName",
        }
        names = [(s["Namespace"], s["OptionName"]) for s in one["OptionSettings"]]
        assert [n for n, _ in names] == sorted(n for n, _ in names)
        own = [s for s in one["OptionSettings"] if s["Namespace"].endswith(":environment")]
        first = next(s for s in own if s["Namespace"] == "aws:elasticbeanstalk:environment")
        assert (first["OptionName"], first["Value"]) == ("EnvironmentType", "LoadBalanced")
    assert rig.wire.last is not None
    root = ET.fromstring(rig.wire.last.body)
    tiers = [e for e in root.iter() if e.tag.endswith("}Tier")]
    assert len(tiers) == len(described)
    assert all(tier.findtext("{*}Name") == "WebServer" for tier in tiers)


def test_an_environment_that_has_ended(rig: PlantRig) -> None:
    id_ = rig.launch()
    rig.eb.terminate_environment(**ENV)
    rig.settle(id_)
    (found,) = rig.eb.describe_environments()["Environments"]
    assert (found["Status"], found["EnvironmentId"]) == ("Terminated", id_)
    assert found.keys() >= {"Tier", "SolutionStackName", "PlatformArn", "EnvironmentArn"}
    assert rig.eb.describe_environments(IncludeDeleted=False)["Environments"] == []
    for operation in ("DescribeEnvironmentHealth", "DescribeEnvironmentResources"):
        client = rig.eb
        (name,) = (m for m, op in client.meta.method_to_api_mapping.items() if op == operation)
        status, code, message = rig.refusal(getattr(client, name), **READS[operation][0])
        assert (status, code) == (400, "InvalidParameterValue")
        assert "No Environment found" in message
    events = rig.eb.describe_events(EnvironmentName="web1")["Events"]
    assert events[0]["Message"] == "terminateEnvironment completed successfully."


def test_empty_lists_are_there(tmp_path: Any) -> None:
    with PlantRig(tmp_path) as rig:
        rig.eb.create_application(ApplicationName="bare")
        for operation, member in (
            ("DescribeEnvironments", "Environments"),
            ("DescribeEvents", "Events"),
            ("DescribeApplicationVersions", "ApplicationVersions"),
        ):
            given: dict[str, Any] = {"ApplicationName": "bare"}
            if operation == "DescribeEvents":
                given = {"ApplicationName": "nobody"}
            assert call(rig, operation, **given)[member] == []
        (found,) = rig.eb.describe_applications(ApplicationNames=["bare"])["Applications"]
        assert (found["Versions"], found["ConfigurationTemplates"]) == ([], [])
        assert rig.eb.describe_applications(ApplicationNames=["nobody"])["Applications"] == []
        arn = found["ApplicationArn"]
        assert rig.eb.list_tags_for_resource(ResourceArn=arn)["ResourceTags"] == []
