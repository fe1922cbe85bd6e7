"""Platforms, storage and quotas by the API."""

from __future__ import annotations

from tests.api.rig import PLATFORM, PlantRig

from jackbean.simulator.universe import BRANCH


def test_stacks_that_run_here_come_first(rig: PlantRig) -> None:
    answer = rig.eb.list_available_solution_stacks()
    assert PLATFORM in answer["SolutionStacks"]
    assert answer["SolutionStacks"][0].endswith("running Python 3.11")
    assert [d["SolutionStackName"] for d in answer["SolutionStackDetails"]] == answer[
        "SolutionStacks"
    ]
    assert answer["SolutionStackDetails"][0]["PermittedFileTypes"] == ["zip"]


def test_the_newest_version_of_a_branch_comes_first(rig: PlantRig) -> None:
    """Tools ask for one record and take it."""
    wanted = [{"Type": "PlatformBranchName", "Operator": "=", "Values": [BRANCH]}]
    answer = rig.eb.list_platform_versions(Filters=wanted, MaxRecords=1)
    (found,) = answer["PlatformSummaryList"]
    assert found["PlatformArn"].endswith("/4.13.7")
    assert found["PlatformLifecycleState"] == "Recommended"
    assert answer["NextToken"]
    described = rig.eb.describe_platform_version(PlatformArn=found["PlatformArn"])
    assert described["PlatformDescription"]["SolutionStackName"] == PLATFORM
    assert described["PlatformDescription"]["PlatformBranchName"] == BRANCH


def test_branches_in_pages(rig: PlantRig) -> None:
    first = rig.eb.list_platform_branches(MaxRecords=1)
    (found,) = first["PlatformBranchSummaryList"]
    assert found["BranchName"] == BRANCH
    assert found.keys() >= {"PlatformName", "LifecycleState", "BranchOrder", "SupportedTierList"}
    second = rig.eb.list_platform_branches(MaxRecords=1, NextToken=first["NextToken"])
    assert second["PlatformBranchSummaryList"][0]["BranchName"] != BRANCH
    orders = [
        b["BranchOrder"] for b in rig.eb.list_platform_branches()["PlatformBranchSummaryList"]
    ]
    assert orders[0] == max(orders)


def test_filters_that_cannot_be(rig: PlantRig) -> None:
    for wanted in (
        {"Type": "Colour", "Operator": "=", "Values": ["x"]},
        {"Type": "PlatformName", "Operator": "~", "Values": ["x"]},
        {"Type": "PlatformName", "Operator": "=", "Values": []},
    ):
        answer = rig.refusal(rig.eb.list_platform_versions, Filters=[wanted])
        assert answer[:2] == (400, "InvalidParameterValue")


def test_platforms_that_are_not_here(rig: PlantRig) -> None:
    answer = rig.refusal(rig.eb.describe_platform_version, PlatformArn="arn:aws:x")
    assert answer[:2] == (400, "InvalidParameterValue")
    stacks = rig.eb.list_available_solution_stacks()["SolutionStacks"]
    other = next(s for s in stacks if "Python" not in s)
    status, code, message = rig.refusal(
        rig.eb.create_environment,
        ApplicationName="app",
        EnvironmentName="web1",
        SolutionStackName=other,
    )
    assert (status, code) == (400, "InvalidParameterValue")
    assert "does not run here" in message


def test_storage_is_made_once(rig: PlantRig) -> None:
    bucket = rig.eb.create_storage_location()["S3Bucket"]
    assert bucket == "elasticbeanstalk-us-east-1-123456789012"
    assert rig.eb.create_storage_location()["S3Bucket"] == bucket
    assert [b["Name"] for b in rig.client("s3").list_buckets()["Buckets"]] == [bucket]


def test_quotas(rig: PlantRig) -> None:
    quotas = rig.eb.describe_account_attributes()["ResourceQuotas"]
    assert quotas["ApplicationVersionQuota"] == {"Maximum": 1000}
    assert all(quota["Maximum"] > 0 for quota in quotas.values())
