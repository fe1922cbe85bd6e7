"""Events, health and logs by the API."""

from __future__ import annotations

import urllib.parse
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.api.rig import HOST, PlantRig, ask, option

from jackbean.api.elasticbeanstalk.monitoring import ATTRIBUTES, INSTANCE_ATTRIBUTES
from jackbean.core.events import Event, Severity
from jackbean.ports.store import AddEvent
from jackbean.services.objects import Incoming, Write

SYSTEM = "aws:elasticbeanstalk:healthreporting:system"
BAD = (400, "InvalidParameterValue")


def events(rig: PlantRig, **given: Any) -> list[dict[str, Any]]:
    return list(rig.eb.describe_events(**given)["Events"])


def messages(rig: PlantRig, **given: Any) -> list[str]:
    return [e["Message"] for e in events(rig, **given)]


def tell(rig: PlantRig, *texts: str, **facts: Any) -> None:
    for text in texts:
        event = Event(text, **{"application": "told", **facts})
        rig.run(rig.world.store.commit([AddEvent(event)]))


# Events


def test_newest_first_with_all_that_is_known(rig: PlantRig) -> None:
    tell(rig, "one", "two", version_label="v1", request_id="r", severity=Severity.WARN)
    newer, older = events(rig, ApplicationName="told")
    assert (newer["Message"], older["Message"]) == ("two", "one")
    assert (newer["VersionLabel"], newer["RequestId"]) == ("v1", "r")
    assert newer["Severity"] == "WARN"
    assert newer["EventDate"] > older["EventDate"]
    assert "EnvironmentName" not in newer


def test_filters_are_all_to_match(rig: PlantRig) -> None:
    id_ = rig.launch()
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v2")
    assert rig.wire.last is not None
    request_id = rig.wire.last.headers["x-amzn-requestid"]
    rig.settle()
    assert messages(rig, RequestId=request_id)[-1] == "Environment update is starting."
    assert messages(rig, RequestId=request_id, EnvironmentName="web2") == []
    assert messages(rig, EnvironmentId=id_) == messages(rig, EnvironmentName="web1")
    assert messages(rig, ApplicationName="app", VersionLabel="v1")[0].startswith("createApplic")
    assert messages(rig, PlatformArn="arn:x") == []


@pytest.mark.parametrize(
    ("severity", "texts"),
    [
        ("TRACE", ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"]),
        ("WARN", ["FATAL", "ERROR", "WARN"]),
        ("FATAL", ["FATAL"]),
    ],
)
def test_a_severity_means_at_least(rig: PlantRig, severity: str, texts: list[str]) -> None:
    for one in Severity:
        tell(rig, one.value, severity=one)
    assert messages(rig, ApplicationName="told", Severity=severity) == texts
    assert rig.refusal(rig.eb.describe_events, Severity="LOUD")[:2] == BAD


def test_the_time_is_from_inclusive_to_exclusive(rig: PlantRig) -> None:
    tell(rig, "one", "two", "three")
    three, two, one = events(rig, ApplicationName="told")
    millisecond = timedelta(milliseconds=1)
    base = {"ApplicationName": "told"}
    assert messages(rig, **base, StartTime=two["EventDate"]) == ["three", "two"]
    assert messages(rig, **base, StartTime=two["EventDate"] + millisecond) == ["three"]
    assert messages(rig, **base, EndTime=two["EventDate"]) == ["one"]
    assert messages(rig, **base, StartTime=one["EventDate"], EndTime=three["EventDate"]) == [
        "two",
        "one",
    ]


def test_as_the_eb_cli_asks_for_news(rig: PlantRig) -> None:
    """It asks from a millisecond after the last one that it saw, for ever."""
    tell(rig, *map(str, range(20)))
    oldest_first = events(rig, ApplicationName="told")[::-1]
    for number, event in enumerate(oldest_first):
        start = event["EventDate"] + timedelta(0, 0, 1000)
        after = messages(rig, ApplicationName="told", StartTime=start)[::-1]
        assert after == [str(n) for n in range(number + 1, 20)]


def test_a_part_of_a_millisecond_is_not_before(rig: PlantRig) -> None:
    tell(rig, "one")
    (one,) = events(rig, ApplicationName="told")
    date = one["EventDate"].astimezone(UTC)
    base = {"ApplicationName": "told"}
    assert messages(rig, **base, StartTime=iso(date)) == ["one"]
    assert messages(rig, **base, StartTime=iso(date + timedelta(microseconds=1))) == []
    assert messages(rig, **base, EndTime=iso(date + timedelta(microseconds=1))) == ["one"]


def iso(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_events_in_pages(rig: PlantRig) -> None:
    tell(rig, *map(str, range(5)))
    first = rig.eb.describe_events(ApplicationName="told", MaxRecords=2)
    assert [e["Message"] for e in first["Events"]] == ["4", "3"]
    second = rig.eb.describe_events(
        ApplicationName="told", MaxRecords=3, NextToken=first["NextToken"]
    )
    assert [e["Message"] for e in second["Events"]] == ["2", "1", "0"]
    assert "NextToken" not in second
    pages = rig.eb.get_paginator("describe_events").paginate(
        ApplicationName="told", PaginationConfig={"PageSize": 2}
    )
    assert [e["Message"] for page in pages for e in page["Events"]] == ["4", "3", "2", "1", "0"]


def test_at_most_a_thousand_at_a_time(rig: PlantRig) -> None:
    told = [AddEvent(Event(str(n), application="told")) for n in range(1001)]
    rig.run(rig.world.store.commit(told))
    answer = rig.eb.describe_events(ApplicationName="told")
    assert (len(answer["Events"]), answer["NextToken"]) == (1000, "1000")


def test_texts_that_xml_cannot_hold_are_told_as_far_as_they_can(rig: PlantRig) -> None:
    tell(rig, "a\x00b\ud800c<&>\x1b[2Jd\r\n")
    (message,) = messages(rig, ApplicationName="told")
    assert message.startswith("a\ufffdb\ufffdc<&>\ufffd[2Jd")


def test_events_of_what_is_gone(rig: PlantRig) -> None:
    id_ = rig.launch()
    rig.eb.delete_application(ApplicationName="app", TerminateEnvByForce=True)
    rig.settle(id_)
    rig.step(5)
    assert rig.eb.describe_applications()["Applications"] == []
    deleted = "The application has been deleted successfully."
    assert deleted in messages(rig, ApplicationName="app")
    assert "terminateEnvironment completed successfully." in messages(rig, EnvironmentId=id_)


# Health


def test_only_the_attributes_that_were_asked_for(rig: PlantRig) -> None:
    rig.launch()

    def health(*names: str) -> set[str]:
        answer = rig.eb.describe_environment_health(
            EnvironmentName="web1", AttributeNames=list(names)
        )
        return set(answer) - {"ResponseMetadata"}

    assert health() == {"EnvironmentName"}
    assert health("Color", "Causes") == {"EnvironmentName", "Color", "Causes"}
    assert health("All") == {"EnvironmentName", *ATTRIBUTES}

    def instances(*names: str) -> set[str]:
        answer = rig.eb.describe_instances_health(
            EnvironmentName="web1", AttributeNames=list(names)
        )
        assert len(answer["InstanceHealthList"]) == 2
        assert answer["RefreshedAt"]
        return set(answer["InstanceHealthList"][0])

    assert instances() == {"InstanceId"}
    assert instances("Color") == {"InstanceId", "Color"}
    assert instances("All") <= {"InstanceId", *INSTANCE_ATTRIBUTES}
    assert instances("All") >= {"InstanceId", "HealthStatus", "Color", "Causes", "LaunchedAt"}


def test_attributes_that_are_none(rig: PlantRig) -> None:
    rig.launch()
    for call in (rig.eb.describe_environment_health, rig.eb.describe_instances_health):
        status, code, message = rig.refusal(
            call, EnvironmentName="web1", AttributeNames=["Color", "Mood"]
        )
        assert (status, code) == (400, "InvalidRequestException")
        assert "no attributes Mood" in message


def test_basic_health_has_no_details_in_the_words_that_clients_match(rig: PlantRig) -> None:
    rig.launch(OptionSettings=[option(SYSTEM, "SystemType", "basic")])
    for call in (rig.eb.describe_environment_health, rig.eb.describe_instances_health):
        assert rig.refusal(call, EnvironmentName="web1", AttributeNames=["All"]) == (
            400,
            "InvalidRequestException",
            "DescribeEnvironmentHealth is not supported.",
        )
    (found,) = rig.eb.describe_environments()["Environments"]
    assert found["Health"] in {"Green", "Grey", "Yellow", "Red"}


# Logs


def request(rig: PlantRig, kind: str = "tail") -> str:
    rig.eb.request_environment_info(EnvironmentName="web1", InfoType=kind)
    assert rig.wire.last is not None
    return rig.wire.last.headers["x-amzn-requestid"]


def test_logs_from_the_request_to_the_link(rig: PlantRig) -> None:
    rig.launch()
    bucket = rig.eb.create_storage_location()["S3Bucket"]
    before = rig.eb.retrieve_environment_info(EnvironmentName="web1", InfoType="tail")
    assert before["EnvironmentInfo"] == []
    request_id = request(rig)
    assert messages(rig, RequestId=request_id) == ["requestEnvironmentInfo is starting."]
    for member in rig.environment().members:
        (wanted,) = rig.logs.wanted(member.id)
        key = f"resources/environments/logs/tail/{member.id} & co.out"
        rig.run(rig.objects.put(Write(bucket, key), Incoming(content(b"the end of a log"))))
        rig.run(rig.logs.answered(wanted, member.id, key))
    assert messages(rig, RequestId=request_id)[0] == "Pulled logs for environment instances."
    found = rig.eb.retrieve_environment_info(EnvironmentName="web1", InfoType="tail")
    listed = found["EnvironmentInfo"]
    assert {i["Ec2InstanceId"] for i in listed} == {m.id for m in rig.environment().members}
    for info in listed:
        assert (info["InfoType"], bool(info["SampleTimestamp"])) == ("tail", True)
        url = urllib.parse.urlsplit(info["Message"])
        assert (url.scheme, url.netloc) == ("http", HOST)
        answer = rig.run(ask(rig.door, "GET", info["Message"], {"Host": HOST}))
        assert (answer.status, answer.body) == (200, b"the end of a log")
    other = rig.eb.retrieve_environment_info(EnvironmentName="web1", InfoType="bundle")
    assert other["EnvironmentInfo"] == []


async def content(data: bytes) -> Any:
    yield data


def test_logs_that_are_not_here(rig: PlantRig) -> None:
    rig.launch()
    call = rig.eb.request_environment_info
    assert rig.refusal(call, EnvironmentName="web1", InfoType="analyze")[:2] == BAD
    assert rig.refusal(call, EnvironmentName="web2", InfoType="tail")[:2] == BAD
