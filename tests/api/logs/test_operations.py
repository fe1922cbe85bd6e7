"""CloudWatch Logs as boto3 speaks to it: each operation, and what each refuses."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from tests.api.rig import PlantRig

from jackbean.ports.logs import EventQuery
from jackbean.services.logs import limits

G, S = "/app/web", "i-1"


@pytest.fixture
def logs(rig: PlantRig) -> Any:
    client = rig.client("logs")
    client.create_log_group(logGroupName=G, tags={"team": "a"})
    client.create_log_stream(logGroupName=G, logStreamName=S)
    return client


def now_ms(rig: PlantRig) -> int:
    return int(rig.world.clock.now() * 1000)


def put(rig: PlantRig, *texts: str, stream: str = S, apart_ms: int = 1) -> int:
    """Put lines one millisecond apart, the last one now; return when the first was."""
    start = now_ms(rig) - len(texts) * apart_ms
    events = [{"timestamp": start + n * apart_ms, "message": t} for n, t in enumerate(texts)]
    rig.client("logs").put_log_events(logGroupName=G, logStreamName=stream, logEvents=events)
    return start


def said(answer: Any) -> list[str]:
    return [one["message"] for one in answer["events"]]


# Groups


def test_groups_are_made_described_and_gone(rig: PlantRig, logs: Any) -> None:
    logs.create_log_group(logGroupName="/app/other")
    put(rig, "four", "five")
    first, second = logs.describe_log_groups(logGroupNamePrefix="/app/")["logGroups"]
    assert first["logGroupName"] == "/app/other"
    assert second["storedBytes"] == 8 + 2 * 26
    assert second["arn"].endswith(f":log-group:{G}:*")
    assert second["logGroupArn"] == second["arn"][:-2]
    assert abs(second["creationTime"] - now_ms(rig)) < 5_000
    assert "retentionInDays" not in second
    (found,) = logs.describe_log_groups(logGroupNamePattern="OTH")["logGroups"]
    assert found["logGroupName"] == "/app/other"
    logs.delete_log_group(logGroupName=G)
    assert rig.refusal(logs.delete_log_group, logGroupName=G) == (
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    names = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    assert names == ["/app/other"]


def test_groups_come_in_pages(rig: PlantRig, logs: Any) -> None:
    for n in range(7):
        logs.create_log_group(logGroupName=f"/p/{n}")
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="/p/", PaginationConfig={"PageSize": 3}
    )
    found = [[one["logGroupName"] for one in page["logGroups"]] for page in pages]
    assert [len(page) for page in found] == [3, 3, 1]
    assert [*chain(*found)] == [f"/p/{n}" for n in range(7)]
    assert rig.refusal(logs.describe_log_groups, nextToken="what?")[1] == (
        "InvalidParameterException"
    )
    assert "from 1 to 50" in rig.refusal(logs.describe_log_groups, limit=51)[2]


def test_names_are_checked_and_taken_once(rig: PlantRig, logs: Any) -> None:
    assert rig.refusal(logs.create_log_group, logGroupName=G) == (
        400,
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    for bad in ("a b", "a:b", "x" * 513, "ä"):
        code = rig.refusal(logs.create_log_group, logGroupName=bad)[1]
        assert code == "InvalidParameterException", bad
    assert rig.refusal(logs.create_log_stream, logGroupName=G, logStreamName=S)[1:] == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    for bad in ("a:b", "a*", "x" * 513):
        code = rig.refusal(logs.create_log_stream, logGroupName=G, logStreamName=bad)[1]
        assert code == "InvalidParameterException", bad
    assert rig.refusal(logs.create_log_stream, logGroupName="/none", logStreamName="s")[1] == (
        "ResourceNotFoundException"
    )


def test_a_protected_group_stays(rig: PlantRig, logs: Any) -> None:
    logs.create_log_group(logGroupName="/kept", deletionProtectionEnabled=True)
    assert rig.refusal(logs.delete_log_group, logGroupName="/kept")[1] == "ValidationException"


def test_retention_is_one_of_awss_and_can_end(rig: PlantRig, logs: Any) -> None:
    logs.put_retention_policy(logGroupName=G, retentionInDays=7)
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["retentionInDays"] == 7
    assert rig.refusal(logs.put_retention_policy, logGroupName=G, retentionInDays=8)[1] == (
        "InvalidParameterException"
    )
    logs.delete_retention_policy(logGroupName=G)
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    for call, more in (
        (logs.delete_retention_policy, {}),
        (logs.put_retention_policy, {"retentionInDays": 7}),
    ):
        code = rig.refusal(call, logGroupName="/none", **more)[1]
        assert code == "ResourceNotFoundException"


def test_what_was_kept_long_enough_goes(rig: PlantRig, logs: Any) -> None:
    logs.put_retention_policy(logGroupName=G, retentionInDays=1)
    put(rig, "old")
    began = rig.world.clock.now()
    rig.universe.clock.set(began + 2)
    put(rig, "young")
    rig.universe.clock.set(began + 86_401)
    assert rig.run(rig.plant.log_groups.tidy()) == 1
    left = rig.run(rig.world.logs.events(EventQuery(G)))
    assert [one.text for one in left] == ["young"]


def test_tags_are_kept_by_both_of_their_apis(rig: PlantRig, logs: Any) -> None:
    arn = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"stage": "prod"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "a", "stage": "prod"}
    logs.untag_resource(resourceArn=arn, tagKeys=["team"])
    logs.tag_log_group(logGroupName=G, tags={"x": "y"})
    assert logs.list_tags_log_group(logGroupName=G)["tags"] == {"stage": "prod", "x": "y"}
    logs.untag_log_group(logGroupName=G, tags=["x", "stage"])
    assert logs.list_tags_log_group(logGroupName=G)["tags"] == {}
    gone = arn.replace("web", "none")
    assert rig.refusal(logs.list_tags_for_resource, resourceArn=gone)[1] == (
        "ResourceNotFoundException"
    )
    many = {f"k{n}": "v" for n in range(51)}
    assert rig.refusal(logs.tag_resource, resourceArn=arn, tags=many)[1] == (
        "InvalidParameterException"
    )


# Streams


def test_streams_are_ordered_by_name_or_by_their_last_event(rig: PlantRig, logs: Any) -> None:
    for name in ("b", "a", "c"):
        logs.create_log_stream(logGroupName=G, logStreamName=name)
    put(rig, "x", stream="c")
    rig.universe.clock.advance(1)
    put(rig, "x", stream="a")

    def names(**asked: Any) -> list[str]:
        found = logs.describe_log_streams(logGroupName=G, **asked)["logStreams"]
        return [one["logStreamName"] for one in found]

    assert names() == ["a", "b", "c", S]
    assert names(descending=True, limit=2) == [S, "c"]
    assert names(orderBy="LastEventTime", descending=True)[:2] == ["a", "c"]
    assert names(logStreamNamePrefix="i-") == [S]
    assert rig.refusal(
        logs.describe_log_streams,
        logGroupName=G,
        orderBy="LastEventTime",
        logStreamNamePrefix="i",
    )[1:] == (
        "InvalidParameterException",
        "Cannot order by LastEventTime with a logStreamNamePrefix.",
    )
    first = logs.describe_log_streams(logGroupName=G, limit=3)
    rest = logs.describe_log_streams(logGroupName=G, limit=3, nextToken=first["nextToken"])
    assert [one["logStreamName"] for one in rest["logStreams"]] == [S]
    assert "nextToken" not in rest


def test_a_stream_tells_of_its_events(rig: PlantRig, logs: Any) -> None:
    start = put(rig, "a", "b")
    arn = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
    (stream,) = logs.describe_log_streams(logGroupIdentifier=arn)["logStreams"]
    assert stream["firstEventTimestamp"] == start
    assert stream["lastEventTimestamp"] == start + 1
    assert stream["lastIngestionTime"] == now_ms(rig)
    assert stream["arn"].endswith(f":log-group:{G}:log-stream:{S}")
    logs.delete_log_stream(logGroupName=G, logStreamName=S)
    for call in (logs.delete_log_stream, logs.get_log_events):
        code = rig.refusal(call, logGroupName=G, logStreamName=S)[1:]
        assert code == ("ResourceNotFoundException", "The specified log stream does not exist.")
    assert "either" in rig.refusal(logs.describe_log_streams)[2]


# Putting


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([(0, "a"), (-1, "b")], "chronological order"),
        ([(-86_400_001, "a"), (0, "b")], "24 hours"),
        ([(0, "x" * limits.EVENT_BYTES_MAX + "y")], "Log event too large: 1048577 bytes"),
        ([(0, "x" * 600_000), (0, "x" * 600_000)], "Upload too large: 1200052 bytes"),
        ([(0, "")], "empty message"),
        ([(0, "x")] * 10_001, "Upload too large: 10001 events"),
    ],
)
def test_batches_that_are_refused_leave_nothing(
    rig: PlantRig, logs: Any, events: list[tuple[int, str]], words: str
) -> None:
    rows = [{"timestamp": now_ms(rig) + at, "message": text} for at, text in events]
    status, code, message = rig.refusal(
        logs.put_log_events, logGroupName=G, logStreamName=S, logEvents=rows
    )
    assert (status, code) == (400, "InvalidParameterException")
    assert words in message
    assert said(logs.get_log_events(logGroupName=G, logStreamName=S)) == []


def test_the_largest_batches_are_taken(rig: PlantRig, logs: Any) -> None:
    put(rig, "," * limits.EVENT_BYTES_MAX)
    put(rig, *["x"] * 10_000, apart_ms=0)
    assert len(said(logs.get_log_events(logGroupName=G, logStreamName=S))) == 10_000


def test_events_too_old_and_too_new_are_left_out_and_told(rig: PlantRig, logs: Any) -> None:
    now, day = now_ms(rig), 86_400_000

    def rejected(*ages: int) -> dict[str, int]:
        rows = [{"timestamp": now - age, "message": "x"} for age in ages]
        answer = logs.put_log_events(logGroupName=G, logStreamName=S, logEvents=rows)
        return dict(answer.get("rejectedLogEventsInfo", {}))

    assert rejected(15 * day, 14 * day + 1, 14 * day - 1000) == {"tooOldLogEventEndIndex": 2}
    assert rejected(0, -3 * 3_600_000) == {"tooNewLogEventStartIndex": 1}
    logs.put_retention_policy(logGroupName=G, retentionInDays=3)
    assert rejected(4 * day, 3 * day + 1, 3 * day - 1000) == {"expiredLogEventEndIndex": 2}
    assert rejected(0) == {}
    assert len(said(logs.get_log_events(logGroupName=G, logStreamName=S))) == 4
    assert rig.refusal(logs.put_log_events, logGroupName=G, logStreamName="none", logEvents=[])[
        1:
    ] == ("ResourceNotFoundException", "The specified log stream does not exist.")


# Reading


def test_a_stream_is_read_in_both_directions(rig: PlantRig, logs: Any) -> None:
    start = put(rig, *"abcdefg")

    def page(**asked: Any) -> Any:
        return logs.get_log_events(logGroupName=G, logStreamName=S, limit=3, **asked)

    last = page()
    assert said(last) == ["e", "f", "g"]
    before = page(nextToken=last["nextBackwardToken"])
    assert said(before) == ["b", "c", "d"]
    assert said(page(nextToken=before["nextForwardToken"])) == ["e", "f", "g"]
    head = page(startFromHead=True)
    assert said(head) == ["a", "b", "c"]
    nothing = page(nextToken=head["nextBackwardToken"])
    assert said(nothing) == []
    assert nothing["nextBackwardToken"] == head["nextBackwardToken"]
    assert said(page(nextToken=nothing["nextForwardToken"])) == ["a", "b", "c"]
    assert said(page(startTime=start + 2, endTime=start + 4)) == ["c", "d"]
    event = page()["events"][0]
    assert event["timestamp"] == start + 4
    assert event["ingestionTime"] == now_ms(rig)


def test_who_is_at_the_end_reads_on_when_more_comes(rig: PlantRig, logs: Any) -> None:
    def page(**asked: Any) -> Any:
        return logs.get_log_events(logGroupName=G, logStreamName=S, **asked)

    empty = page()
    put(rig, "a")
    first = page(nextToken=empty["nextForwardToken"])
    assert said(first) == ["a"]
    end = page(nextToken=first["nextForwardToken"])
    assert end["nextForwardToken"] == first["nextForwardToken"]
    assert said(end) == []
    rig.universe.clock.advance(1)
    put(rig, "b")
    assert said(page(nextToken=end["nextForwardToken"])) == ["b"]
    assert said(page(nextToken=end["nextBackwardToken"])) == ["a"]
    assert rig.refusal(logs.get_log_events, logGroupName=G, logStreamName=S, nextToken="f/1")[
        1
    ] == ("InvalidParameterException")


def test_a_place_says_more_than_an_instant(rig: PlantRig, logs: Any) -> None:
    """As on AWS: `eb logs --stream` moves the start while it reads on from a token."""

    def page(**asked: Any) -> Any:
        return logs.get_log_events(logGroupName=G, logStreamName=S, **asked)

    put(rig, "a", "b")
    later = now_ms(rig) + 5_000
    token = page(limit=1, startFromHead=True)["nextForwardToken"]
    assert said(page(nextToken=token, startTime=later)) == ["b"]
    empty = page(startTime=later)
    assert said(empty) == []
    assert said(page(nextToken=empty["nextForwardToken"])) == []
    last = page(startTime=later - 10_000)
    assert said(page(nextToken=last["nextBackwardToken"], startTime=later)) == []


def test_a_page_is_a_megabyte_at_most(rig: PlantRig, logs: Any) -> None:
    for _ in range(3):
        put(rig, "x" * 500_000)
        rig.universe.clock.advance(1)
    first = logs.get_log_events(logGroupName=G, logStreamName=S, startFromHead=True)
    assert len(first["events"]) == 2


# Filtering


def test_a_group_is_searched_across_streams_by_time(rig: PlantRig, logs: Any) -> None:
    logs.create_log_stream(logGroupName=G, logStreamName="i-2")
    for n in range(6):
        put(rig, f"ERROR {n}" if n % 2 else f"fine {n}", stream=("i-2", S)[n % 3 == 0])
        rig.universe.clock.advance(1)

    def found(**asked: Any) -> list[str]:
        return said(logs.filter_log_events(logGroupName=G, **asked))

    assert found() == ["fine 0", "ERROR 1", "fine 2", "ERROR 3", "fine 4", "ERROR 5"]
    assert found(filterPattern="ERROR") == ["ERROR 1", "ERROR 3", "ERROR 5"]
    assert found(filterPattern="ERROR", startFromHead=False) == ["ERROR 5", "ERROR 3", "ERROR 1"]
    assert found(logStreamNames=["i-1"]) == ["fine 0", "ERROR 3"]
    assert found(logStreamNamePrefix="i-2", filterPattern="fine") == ["fine 2", "fine 4"]
    event = logs.filter_log_events(logGroupName=G, limit=1)["events"][0]
    assert event["logStreamName"] == S
    assert len(event["eventId"]) == 56
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=G, filterPattern="?ERROR ?2", PaginationConfig={"PageSize": 2}
    )
    listed = [said(page) for page in pages]
    assert [*chain(*listed)] == ["ERROR 1", "fine 2", "ERROR 3", "ERROR 5"]
    assert max(map(len, listed)) == 2


def test_what_cannot_be_searched_is_said(rig: PlantRig, logs: Any) -> None:
    def why(**asked: Any) -> tuple[str, str]:
        return rig.refusal(logs.filter_log_events, logGroupName=G, **asked)[1:]

    assert why(logStreamNames=["none"])[0] == "ResourceNotFoundException"
    assert "mutually exclusive" in why(logStreamNames=[S], logStreamNamePrefix="i")[1]
    assert why(nextToken="x")[0] == "InvalidParameterException"
    assert "columns in brackets" in why(filterPattern="[ip, user]")[1]
    assert why(filterPattern="{ $.a = }")[0] == "InvalidParameterException"


# Instances


def test_an_instance_uses_the_groups_of_its_own_environment(rig: PlantRig, logs: Any) -> None:
    rig.launch("web1", size=1)
    mine = rig.client("logs", rig.instance_keys())
    own = "/aws/elasticbeanstalk/web1/var/app/my.log"
    mine.create_log_group(logGroupName=own)
    mine.create_log_stream(logGroupName=own, logStreamName="s")
    rows = [{"timestamp": now_ms(rig), "message": "mine"}]
    mine.put_log_events(logGroupName=own, logStreamName="s", logEvents=rows)
    assert said(mine.filter_log_events(logGroupName=own)) == ["mine"]
    assert [one["logGroupName"] for one in mine.describe_log_groups()["logGroups"]] == [own]
    for other in (G, "/aws/elasticbeanstalk/web12/x", "/aws/elasticbeanstalk/web1"):
        for call, more in (
            (mine.create_log_group, {}),
            (mine.put_log_events, {"logStreamName": S, "logEvents": rows}),
            (mine.get_log_events, {"logStreamName": S}),
            (mine.filter_log_events, {}),
            (mine.describe_log_streams, {}),
        ):
            status, code, message = rig.refusal(call, logGroupName=other, **more)
            assert (status, code) == (403, "AccessDeniedException")
            assert "/aws/elasticbeanstalk/web1/" in message
    assert rig.refusal(mine.delete_log_group, logGroupName=own)[0] == 403
    for n in range(199):
        mine.create_log_group(logGroupName=f"/aws/elasticbeanstalk/web1/{n}")
    assert rig.refusal(mine.create_log_group, logGroupName=own + "2")[1] == (
        "LimitExceededException"
    )
