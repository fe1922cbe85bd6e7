"""Environments by the API: what is taken, what is refused and in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.api.rig import HOST, PLATFORM, PlantRig, option

from jackbean.ports.depths import Depth
from jackbean.simulator.universe import BRANCH

ASG = "aws:autoscaling:asg"
SQSD = "aws:elasticbeanstalk:sqsd"
INVALID = (400, "InvalidParameterValue")


def create(rig: PlantRig, name: str = "web1", **given: Any) -> dict[str, Any]:
    base = {"ApplicationName": "app", "EnvironmentName": name, "SolutionStackName": PLATFORM}
    return dict(rig.eb.create_environment(**{**base, **given}))


def refused(rig: PlantRig, **given: Any) -> tuple[int, str, str]:
    base = {"ApplicationName": "app", "EnvironmentName": "web1", "SolutionStackName": PLATFORM}
    asked = {k: v for k, v in {**base, **given}.items() if v is not None}
    return rig.refusal(rig.eb.create_environment, **asked)


def test_the_answer_describes_what_was_begun(rig: PlantRig) -> None:
    made = create(rig, VersionLabel="v1", CNAMEPrefix="My-Site", Description="ours")
    assert (made["Status"], made["Health"], made["VersionLabel"]) == ("Launching", "Grey", "v1")
    assert made["CNAME"] == "my-site.us-east-1.elasticbeanstalk.localhost:7080"
    assert (made["Description"], made["SolutionStackName"]) == ("ours", PLATFORM)
    assert made["AbortableOperationInProgress"] is False
    request_id = made["ResponseMetadata"]["RequestId"]
    assert rig.told(request_id=request_id)[0] == "createEnvironment is starting."


@pytest.mark.parametrize(
    "named",
    [
        {"SolutionStackName": PLATFORM},
        {"PlatformArn": f"arn:aws:elasticbeanstalk:us-east-1::platform/{BRANCH}/4.13.7"},
        {"PlatformArn": f"arn:aws:elasticbeanstalk:eu-west-1::platform/{BRANCH}"},
        {"PlatformArn": PLATFORM},  # the EB CLI sends a stack's name so
    ],
)
def test_platforms_are_named_in_several_ways(rig: PlantRig, named: dict[str, str]) -> None:
    made = rig.eb.create_environment(ApplicationName="app", EnvironmentName="web1", **named)
    assert made["SolutionStackName"] == PLATFORM


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"EnvironmentName": None}, "MissingRequiredParameter", "EnvironmentName must be given"),
        ({"EnvironmentName": "x"}, INVALID[1], "4 to 40 letters"),
        ({"ApplicationName": "nobody"}, INVALID[1], "No Application named 'nobody' found."),
        ({"VersionLabel": "v9"}, INVALID[1], "No Application Version named 'v9' found."),
        ({"SolutionStackName": None}, "MissingRequiredParameter", "A platform must be given"),
        ({"SolutionStackName": "none such"}, INVALID[1], "No Solution Stack named 'none such'"),
        ({"PlatformArn": "arn:x"}, "InvalidParameterCombination", "exclude one another"),
        ({"TemplateName": "t"}, INVALID[1], "No Configuration Template named 't' found."),
        (
            {"Tier": {"Name": "Worker", "Type": "SQS/HTTP"}, "CNAMEPrefix": "jobs"},
            "InvalidParameterCombination",
            "has no CNAME",
        ),
        ({"Tier": {"Name": "Worker", "Type": "Standard"}}, INVALID[1], "Tier Worker/Standard"),
        ({"Tier": {"Name": "Worker", "Version": "new"}}, INVALID[1], "'new' is no version"),
        ({"OptionSettings": [option(SQSD, "HttpPath", "/x")]}, INVALID[1], "Only a worker"),
        ({"Tier": {"Name": "Moon", "Type": "Base"}}, INVALID[1], "Tier Moon/Base is not"),
        ({"CNAMEPrefix": "a"}, INVALID[1], "'CNAMEPrefix' failed to satisfy"),
        ({"Description": "d" * 201}, INVALID[1], "at most 200"),
        ({"OptionSettings": [option(ASG, "MinSize", "x")]}, INVALID[1], "MinSize"),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, INVALID[1], "reserved"),
        ({"Tags": [{"Key": "Name", "Value": "y"}]}, INVALID[1], "gives these tags itself: Name"),
        (
            {"Tags": [{"Key": f"k{n}", "Value": "y"} for n in range(48)]},
            INVALID[1],
            "48 tags, and at most 47",
        ),
    ],
)
def test_what_cannot_be_created(rig: PlantRig, given: dict[str, Any], code: str, text: str) -> None:
    status, told, message = refused(rig, **given)
    assert (status, told) == (400, code)
    assert text in message


@pytest.mark.parametrize(
    ("given", "version"),
    [({}, "2.3"), ({"Version": "1.0"}, "1.0"), ({"Version": " "}, "2.3"), ({"Version": ""}, "2.3")],
)
def test_a_worker_is_reached_by_nobody(rig: PlantRig, given: dict[str, str], version: str) -> None:
    tier = {"Name": "Worker", "Type": "SQS/HTTP", **given}
    create(rig, Tier=tier, OptionSettings=[option(SQSD, "HttpConnections", "7")])
    (found,) = rig.eb.describe_environments()["Environments"]
    assert found["Tier"] == {"Name": "Worker", "Type": "SQS/HTTP", "Version": version}
    assert "CNAME" not in found
    assert "EndpointURL" not in found
    assert (rig.environment().cname_prefix, rig.environment().slot) == ("", 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HttpConnections", "101"),
        ("ConnectTimeout", "61"),
        ("InactivityTimeout", "36001"),
        ("VisibilityTimeout", "43201"),
        ("ErrorVisibilityTimeout", "43201"),
        ("RetentionPeriod", "59"),
        ("MaxRetries", "0"),
        ("HttpPath", "no path"),
    ],
)
def test_what_a_daemon_cannot_be_told(rig: PlantRig, name: str, value: str) -> None:
    told = refused(rig, Tier={"Name": "Worker"}, OptionSettings=[option(SQSD, name, value)])
    assert told[:2] == INVALID
    assert name in told[2]


def test_names_that_are_taken_in_the_words_that_clients_match(rig: PlantRig) -> None:
    create(rig, CNAMEPrefix="site")
    assert refused(rig) == (*INVALID, "Environment web1 already exists.")
    assert refused(rig, EnvironmentName="web2", CNAMEPrefix="site") == (
        *INVALID,
        "DNS name (site.us-east-1.elasticbeanstalk.localhost) is not available.",
    )


def test_the_last_of_settings_that_are_given_twice_counts(rig: PlantRig) -> None:
    settings = [option(ASG, "MinSize", "1"), option(ASG, "MinSize", "3")]
    create(rig, OptionSettings=[*settings, option(ASG, "MaxSize", "5")])
    assert rig.environment().desired == 3


def test_47_tags_fit_beside_those_that_every_environment_has(rig: PlantRig) -> None:
    made = create(rig, Tags=[{"Key": f"k{n:02}", "Value": "v"} for n in range(47)])
    tags = rig.eb.list_tags_for_resource(ResourceArn=made["EnvironmentArn"])["ResourceTags"]
    assert len(tags) == 50
    found = {t["Key"]: t["Value"] for t in tags}
    assert found["Name"] == found["elasticbeanstalk:environment-name"] == "web1"
    assert found["elasticbeanstalk:environment-id"] == made["EnvironmentId"]


# Naming


def test_environments_are_named_by_id_by_name_or_by_both(rig: PlantRig) -> None:
    id_ = rig.launch()
    for given in (
        {"EnvironmentId": id_},
        {"EnvironmentName": "web1"},
        {"EnvironmentId": id_, "EnvironmentName": "web1"},
    ):
        found = rig.eb.describe_environment_resources(**given)["EnvironmentResources"]
        assert found["EnvironmentName"] == "web1"
    call = rig.eb.describe_environment_resources
    assert rig.refusal(call)[1] == "MissingRequiredParameter"
    assert rig.refusal(call, EnvironmentName="web2")[:2] == INVALID
    both = rig.refusal(call, EnvironmentId=id_, EnvironmentName="web2")
    assert both[1] == "InvalidParameterCombination"


# Updating


def test_an_update_answers_with_what_was_begun(rig: PlantRig) -> None:
    rig.launch()
    answer = rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v2")
    assert (answer["Status"], answer["AbortableOperationInProgress"]) == ("Updating", True)
    again = rig.refusal(rig.eb.update_environment, EnvironmentName="web1", VersionLabel="v1")
    assert again == (
        *INVALID,
        "Environment named web1 is in an invalid state for this operation. Must be Ready.",
    )
    rig.settle()
    (found,) = rig.eb.describe_environments()["Environments"]
    assert (found["VersionLabel"], found["AbortableOperationInProgress"]) == ("v2", False)


def test_properties_are_removed(rig: PlantRig) -> None:
    properties = "aws:elasticbeanstalk:application:environment"
    rig.launch(OptionSettings=[option(properties, "A", "1"), option(properties, "B", "2")])
    rig.eb.update_environment(
        EnvironmentName="web1", OptionsToRemove=[{"Namespace": properties, "OptionName": "A"}]
    )
    rig.settle()
    described = rig.eb.describe_configuration_settings(
        ApplicationName="app", EnvironmentName="web1"
    )["ConfigurationSettings"]
    found = {
        s["OptionName"] for s in described[0]["OptionSettings"] if s["Namespace"] == properties
    }
    assert "B" in found
    assert "A" not in found


def test_empty_lists_as_the_eb_cli_sends_them(rig: PlantRig) -> None:
    """It sends `Tags=` and `OptionSettings=` where it has none."""
    create(rig, Tags=[], OptionSettings=[])
    rig.settle()
    rig.eb.update_environment(EnvironmentName="web1", OptionSettings=[], OptionsToRemove=[])
    assert rig.settle().releases == 2


# Ending


def test_ending_by_name(rig: PlantRig) -> None:
    id_ = rig.launch()
    answer = rig.eb.terminate_environment(EnvironmentName="web1")
    assert (answer["Status"], answer["EnvironmentId"]) == ("Terminating", id_)
    rig.settle(id_)
    assert rig.refusal(rig.eb.terminate_environment, EnvironmentName="web1")[:2] == INVALID


# Listing


def names(rig: PlantRig, **given: Any) -> list[str]:
    return [e["EnvironmentName"] for e in rig.eb.describe_environments(**given)["Environments"]]


def test_filters(rig: PlantRig) -> None:
    first, second = rig.launch("web1"), rig.launch("web2", VersionLabel="v2")
    assert names(rig) == ["web1", "web2"]
    assert names(rig, EnvironmentIds=[second]) == ["web2"]
    assert names(rig, EnvironmentIds=[first, second], EnvironmentNames=["web1"]) == ["web1"]
    assert names(rig, VersionLabel="v2") == ["web2"]
    assert names(rig, ApplicationName="nobody") == []
    assert names(rig, EnvironmentNames=["nobody"]) == []
    assert names(rig, EnvironmentNames=[]) == ["web1", "web2"]


def test_the_ended_are_shown_for_an_hour_or_back_to_a_date(rig: PlantRig) -> None:
    id_ = rig.launch("web1")
    rig.eb.terminate_environment(EnvironmentName="web1")
    rig.settle(id_)
    ended = datetime.fromtimestamp(rig.environment(id_).updated, UTC)
    assert names(rig) == names(rig, IncludeDeleted=True) == ["web1"]
    assert names(rig, IncludeDeleted=False) == []
    assert names(rig, IncludeDeleted=False, IncludedDeletedBackTo=ended - timedelta(days=9)) == []
    hour = timedelta(hours=1)
    assert names(rig, IncludedDeletedBackTo=ended - hour) == ["web1"]
    assert names(rig, IncludedDeletedBackTo=ended + hour) == []
    answers = rig.plant.world.clock
    answers.advance(700)  # within what a signature may be off
    assert names(rig) == ["web1"]


def test_pages(rig: PlantRig) -> None:
    for number in range(5):
        create(rig, f"web{number}")
    first = rig.eb.describe_environments(MaxRecords=2)
    assert [e["EnvironmentName"] for e in first["Environments"]] == ["web0", "web1"]
    second = rig.eb.describe_environments(MaxRecords=3, NextToken=first["NextToken"])
    assert [e["EnvironmentName"] for e in second["Environments"]] == ["web2", "web3", "web4"]
    assert "NextToken" not in second
    everything = rig.eb.get_paginator("describe_environments").paginate(
        PaginationConfig={"PageSize": 2}
    )
    assert len([e for page in everything for e in page["Environments"]]) == 5


@pytest.mark.parametrize(
    "given",
    [
        {"MaxRecords": 0},
        {"MaxRecords": -1},
        {"MaxRecords": 1001},
        {"NextToken": "x"},
        {"NextToken": "-1"},
        {"NextToken": "9" * 13},
        {"NextToken": "²"},
    ],
)
def test_pages_that_cannot_be(rig: PlantRig, given: dict[str, Any]) -> None:
    for call in (
        rig.eb.describe_environments,
        rig.eb.describe_events,
        rig.eb.describe_application_versions,
    ):
        assert rig.refusal(call, **given)[:2] == INVALID


def test_prefixes_that_are_free(rig: PlantRig) -> None:
    create(rig, CNAMEPrefix="site")
    taken = rig.eb.check_dns_availability(CNAMEPrefix="SITE")
    assert (taken["Available"], taken["FullyQualifiedCNAME"]) == (
        False,
        "site.us-east-1.elasticbeanstalk.localhost:7080",
    )
    assert rig.eb.check_dns_availability(CNAMEPrefix="other")["Available"] is True
    assert rig.refusal(rig.eb.check_dns_availability, CNAMEPrefix="a.b.c.d")[:2] == INVALID


def test_resources_of_a_v2_balancer_are_named_by_arn(rig: PlantRig) -> None:
    kind = option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application")
    rig.launch(OptionSettings=[kind])
    found = rig.eb.describe_environment_resources(EnvironmentName="web1")["EnvironmentResources"]
    assert found["LoadBalancers"][0]["Name"].startswith("arn:aws:elasticloadbalancing:")
    assert len(found["AutoScalingGroups"]) == len(found["LaunchTemplates"]) == 1
    assert [i["Id"] for i in found["Instances"]] == [m.id for m in rig.environment().members]


# Queues of workers


def queues(rig: PlantRig) -> list[dict[str, str]]:
    found = rig.eb.describe_environment_resources(EnvironmentName="jobs")["EnvironmentResources"]
    assert found["LoadBalancers"] == []
    return list(found["Queues"])


def test_a_worker_has_two_queues_where_the_caller_finds_them(rig: PlantRig) -> None:
    create(rig, "jobs", Tier={"Name": "Worker", "Type": "SQS/HTTP"})
    assert queues(rig) == []
    rig.settle()
    names = [
        rig.environment().resource(f"AWSEBWorker{one}") for one in ("Queue", "DeadLetterQueue")
    ]
    assert queues(rig) == [
        {"Name": label, "URL": f"http://{HOST}/123456789012/{made.name}"}
        for label, made in zip(("WorkerQueue", "WorkerDeadLetterQueue"), names, strict=True)
        if made
    ]
    assert all(names)


def test_a_worker_may_have_a_queue_of_somebody_s(rig: PlantRig) -> None:
    rig.universe.depths.found["mine"] = Depth()
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/mine"
    chosen = [option(SQSD, "WorkerQueueURL", url)]
    create(rig, "jobs", Tier={"Name": "Worker", "Type": "SQS/HTTP"}, OptionSettings=chosen)
    rig.settle()
    assert queues(rig) == [{"Name": "WorkerQueue", "URL": f"http://{HOST}/123456789012/mine"}]
    assert rig.environment().resource("AWSEBWorkerQueue") is None


def test_a_queue_that_is_not_there_cannot_be_chosen(rig: PlantRig) -> None:
    chosen = [option(SQSD, "WorkerQueueURL", "http://localhost/123456789012/none")]
    told = refused(rig, Tier={"Name": "Worker", "Type": "SQS/HTTP"}, OptionSettings=chosen)
    assert told[:2] == INVALID
    assert "There is no queue 'http://localhost/123456789012/none' here" in told[2]


def test_a_queue_that_has_gone_holds_up_no_other_change(rig: PlantRig) -> None:
    rig.universe.depths.found["mine"] = Depth()
    chosen = [option(SQSD, "WorkerQueueURL", "http://localhost/123456789012/mine")]
    create(rig, "jobs", Tier={"Name": "Worker", "Type": "SQS/HTTP"}, OptionSettings=chosen)
    rig.settle()
    rig.universe.depths.found.clear()
    settings = [option(SQSD, "HttpPath", "/other")]
    updated = rig.eb.update_environment(EnvironmentName="jobs", OptionSettings=settings)
    assert updated["Status"] == "Updating"


def test_a_secure_listener_is_told_of_once(rig: PlantRig) -> None:
    listener = [
        option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
        option("aws:elbv2:listener:443", "Protocol", "HTTPS"),
    ]
    rig.launch("web1", 1, OptionSettings=listener)
    said = "aws:elbv2:listener:443: load balancers do not serve HTTPS yet"
    assert len([t for t in rig.told() if t.startswith(said)]) == 1
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v2")
    rig.settle()
    assert len([t for t in rig.told() if t.startswith(said)]) == 1
