"""Lines from agents: into their own environment's groups, once; and to those who follow."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.api.rig import ADMIN, PlantRig, ask, option
from tests.api.test_agents import call, token_of

from jackbean.api import publishing as publishing_module
from jackbean.api.following import FOLLOWING
from jackbean.api.plant import Call
from jackbean.control.logs import following as following_module
from jackbean.control.logs.taking import BURST_BYTES, GAP, LINE_CHARS_MAX
from jackbean.control.principals import Administrator
from jackbean.core.errors import Fault, PortError
from jackbean.core.protocol import Report
from jackbean.ports.engine import Departed
from jackbean.ports.logs import EventQuery

LOGS, HEALTH = "aws:elasticbeanstalk:cloudwatch:logs", "aws:elasticbeanstalk:cloudwatch:logs:health"
OUT = "/var/log/web.stdout.log"
GROUP = f"/aws/elasticbeanstalk/web1{OUT}"
LONG_S = 30.0


def streaming(rig: PlantRig, *more: dict[str, str], size: int = 1) -> str:
    """Return an instance of an environment that streams logs."""
    settings = [option(LOGS, "StreamLogs", "true"), *more]
    rig.launch(size=size, OptionSettings=settings)
    return str(rig.environment().members[0].id)


def send(rig: PlantRig, instance: str, data: bytes, **asked: Any) -> tuple[int, Any]:
    about = {"path": OUT, "file": "1f-00.1", "start": 0, "gap": 0, **asked}
    target = f"/v1/lines?{urlencode(about)}"
    answer = call(rig, "POST", target, data, token_of(rig, instance))
    return answer.status, json.loads(answer.body)


def texts(rig: PlantRig, group: str = GROUP) -> list[str]:
    return [one.text for one in rig.run(rig.world.logs.events(EventQuery(group)))]


# Into groups


def test_lines_come_into_the_group_of_their_file_once(rig: PlantRig) -> None:
    instance = streaming(rig)
    assert send(rig, instance, b"one\ntwo\n") == (200, {"end": 8})
    assert send(rig, instance, b"one\ntwo\n") == (200, {"end": 8})
    assert send(rig, instance, b"\xffthree\r\n\n", start=8) == (200, {"end": 17})
    assert send(rig, instance, b"of another\n", file="2f-00.1") == (200, {"end": 11})
    assert send(rig, instance, b"late\n", file="2f-00.1", start=99, gap=1) == (200, {"end": 11})
    found = rig.run(rig.world.logs.events(EventQuery(GROUP)))
    assert [one.text for one in found] == ["one", "two", "\ufffdthree", "of another"]
    assert {one.stream for one in found} == {instance}
    assert found[0].at_ms == int(rig.world.clock.now() * 1000)
    (group,) = rig.run(rig.world.logs.groups())
    assert (group.name, group.retention_days, group.owner) == (GROUP, 7, rig.environment().id)


def test_long_lines_are_several_and_gaps_are_told(rig: PlantRig) -> None:
    instance = streaming(rig)
    send(rig, instance, b"x" * (LINE_CHARS_MAX + 5) + b"\n", gap=1)
    assert [len(one) for one in texts(rig)] == [len(GAP), LINE_CHARS_MAX, 5]
    assert texts(rig)[0] == GAP


def test_what_is_not_streamed_is_not_taken(rig: PlantRig) -> None:
    rig.launch(size=1)
    status, answer = send(rig, rig.environment().members[0].id, b"one\n")
    assert status == 409
    assert "do not stream" in answer["cause"]
    assert rig.run(rig.world.logs.groups()) == []


@pytest.mark.parametrize(
    "path",
    [
        "/../other/var/log/x",
        "/var/log/../../../web2/x",
        "/var//log",
        "/var/log/",
        "relative",
        "",
        "/a b",
        "/" + "x" * 500,
        "/var/log/a:b",
    ],
)
def test_a_path_leads_to_no_other_group(rig: PlantRig, path: str) -> None:
    instance = streaming(rig)
    assert send(rig, instance, b"one\n", path=path)[0] == 409
    assert rig.run(rig.world.logs.groups()) == []


def test_what_an_agent_should_not_say(rig: PlantRig) -> None:
    instance = streaming(rig)
    assert send(rig, instance, b"x\n", start=-1)[0] == 400
    assert send(rig, instance, b"x\n", file="no file")[0] == 400
    assert send(rig, instance, b"x" * ((1 << 20) + 1))[0] == 413
    for n in range(250):
        status, _ = send(rig, instance, b"x\n", path=f"/var/log/{n}")
        assert status == (200 if n < 200 else 409)


def test_who_sends_more_than_its_share_is_told_to_wait(rig: PlantRig) -> None:
    first = streaming(rig, size=2)
    second = str(rig.environment().members[1].id)
    piece, start = b"x" * ((1 << 20) - 101) + b"\n", 0
    while (answer := send(rig, first, piece, start=start))[0] == 200:
        start += len(piece)
    assert answer[0] == 429
    assert start == BURST_BYTES // (1 << 20) * len(piece)
    assert send(rig, second, b"one\n")[0] == 200
    rig.universe.clock.advance(1.0)
    took = 0
    while send(rig, first, piece, start=start)[0] == 200:
        start, took = start + len(piece), took + 1
    assert took == 5


def test_a_disk_that_refuses_is_tried_again(rig: PlantRig, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = streaming(rig)
    append = rig.world.logs.append

    async def full(*_: Any) -> None:
        raise PortError("the disk is full")

    monkeypatch.setattr(rig.world.logs, "append", full)
    assert send(rig, instance, b"one\n")[0] == 503
    monkeypatch.setattr(rig.world.logs, "append", append)
    assert send(rig, instance, b"one\n") == (200, {"end": 4})
    assert texts(rig) == ["one"]


def test_retention_follows_the_settings_unless_somebody_changed_it(rig: PlantRig) -> None:
    instance = streaming(rig, option(LOGS, "RetentionInDays", "3"))
    send(rig, instance, b"one\n")
    days = [group.retention_days for group in rig.run(rig.world.logs.groups())]
    assert days == [3]
    rig.client("logs").put_retention_policy(logGroupName=GROUP, retentionInDays=30)
    send(rig, instance, b"two\n", start=4)
    assert rig.run(rig.world.logs.group(GROUP)).retention_days == 30
    change = [option(LOGS, "RetentionInDays", "14")]
    rig.eb.update_environment(EnvironmentName="web1", OptionSettings=change)
    rig.settle()
    send(rig, instance, b"three\n", start=8)
    assert rig.run(rig.world.logs.group(GROUP)).retention_days == 14


def test_a_deleted_group_is_made_again(rig: PlantRig) -> None:
    instance = streaming(rig)
    send(rig, instance, b"one\n")
    rig.client("logs").delete_log_group(logGroupName=GROUP)
    assert send(rig, instance, b"two\n", start=4) == (200, {"end": 8})
    assert texts(rig) == ["two"]


@pytest.mark.parametrize("delete", [True, False])
def test_groups_end_with_their_environment_if_its_settings_say_so(
    rig: PlantRig, delete: bool
) -> None:
    flag = str(delete).lower()
    instance = streaming(rig, option(LOGS, "DeleteOnTerminate", flag))
    send(rig, instance, b"one\n")
    rig.client("logs").create_log_group(logGroupName="/aws/elasticbeanstalk/web1/mine")
    id_ = rig.environment().id
    rig.eb.terminate_environment(EnvironmentName="web1")
    rig.settle(id_)
    rig.step(5.0)
    left = [group.name for group in rig.run(rig.world.logs.groups())]
    mine = "/aws/elasticbeanstalk/web1/mine"
    assert left == ([mine] if delete else [mine, GROUP])
    assert send(rig, instance, b"two\n", start=4)[0] == 401
    if not delete:
        read = rig.client("logs").get_log_events(logGroupName=GROUP, logStreamName=instance)
        assert [one["message"] for one in read["events"]] == ["one"]


def test_changes_of_health_are_records(rig: PlantRig) -> None:
    rig.launch(size=1, OptionSettings=[option(HEALTH, "HealthStreamingEnabled", "true")])
    group = "/aws/elasticbeanstalk/web1/environment-health.log"
    records = [json.loads(text) for text in texts(rig, group)]
    assert records[-1]["HealthStatus"] == "Ok"
    assert records[-1]["EnvironmentName"] == "web1"
    statuses = [one["HealthStatus"] for one in records]
    assert all(a != b for a, b in pairwise(statuses))
    (stream,) = rig.run(rig.world.logs.streams(group))
    assert stream.name.partition("#")[2] == rig.environment().id.removeprefix("e-")
    count = len(records)
    rig.step(60.0)
    assert len(texts(rig, group)) == count


# Rotated ones

HOST = "aws:elasticbeanstalk:hostmanager"


def published(rig: PlantRig) -> list[str]:
    s3, bucket = rig.client("s3"), rig.world.installation.bucket
    found = s3.list_objects_v2(Bucket=bucket, Prefix="resources/environments/logs/publish/")
    return [one["Key"] for one in found.get("Contents", ())]


def test_rotated_logs_are_kept_in_the_bucket(
    rig: PlantRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = rig.launch(size=1, OptionSettings=[option(HOST, "LogPublicationControl", "true")])
    instance = rig.environment().members[0].id
    token = token_of(rig, instance)
    name = "_var_log_rotated_a.log.17.gz"
    assert call(rig, "PUT", f"/v1/publish/{name}", b"packed", token).status == 204
    key = f"resources/environments/logs/publish/{id_}/{instance}/{name}"
    assert published(rig) == [key]
    body = rig.client("s3").get_object(Bucket=rig.world.installation.bucket, Key=key)["Body"]
    assert body.read() == b"packed"
    for bad in ("..", "a%2Fb.gz", "x" * 500 + ".gz", "a.txt"):
        assert call(rig, "PUT", f"/v1/publish/{bad}", b"x", token).status in {404, 409}, bad
    monkeypatch.setattr(publishing_module, "ENVIRONMENT_BYTES_MAX", 10)
    rig.universe.clock.advance(1)
    assert call(rig, "PUT", "/v1/publish/b.gz", b"packed", token).status == 204
    assert published(rig) == [key.replace(name, "b.gz")]


def test_nothing_is_published_unasked(rig: PlantRig) -> None:
    rig.launch(size=1)
    token = token_of(rig, rig.environment().members[0].id)
    assert call(rig, "PUT", "/v1/publish/a.gz", b"x", token).status == 409


# Of instances that are gone


def test_last_logs_are_shared_by_links_also_of_an_ended_environment(
    rig: PlantRig, tmp_path: Path
) -> None:
    id_ = rig.launch(size=1)
    (tmp_path / "x.zip").write_bytes(b"PK logs")
    at = rig.world.clock.now()
    rig.last_logs.kept[id_] = [
        Departed(name, at, tmp_path / "x.zip") for name in ("i-0001", "i-0002")
    ]
    (one,) = extension(rig, "ShareLastLogs", EnvironmentName="web1", InstanceIds=["i-0002"])[
        "Instances"
    ]
    assert (one["InstanceId"], one["EndedAt"]) == ("i-0002", at)
    assert rig.run(ask(rig.door, "GET", one["Url"], {"Host": "x"})).body == b"PK logs"
    rig.eb.terminate_environment(EnvironmentName="web1")
    rig.settle(id_)
    found = extension(rig, "ShareLastLogs", EnvironmentName="web1")["Instances"]
    assert [one["InstanceId"] for one in found] == ["i-0001", "i-0002"]
    assert "web9" in refused(rig, "ShareLastLogs", EnvironmentName="web9")[1]


# To who follows


def extension(rig: PlantRig, operation: str, **members: Any) -> Any:
    made = Call(operation, members, "r", Administrator(ADMIN[0]), "http://x")
    return rig.run(FOLLOWING[operation](rig.plant, made))


def refused(rig: PlantRig, operation: str, **members: Any) -> tuple[str, str]:
    with pytest.raises(Fault) as found:
        extension(rig, operation, **members)
    return found.value.code, found.value.message


def pass_on(rig: PlantRig, instance: str, view: str, data: bytes) -> int:
    target = f"/v1/follow/{view}?{urlencode({'path': OUT})}"
    return call(rig, "POST", target, data, token_of(rig, instance)).status


def test_lines_go_to_who_follows_without_any_streaming(rig: PlantRig) -> None:
    rig.launch(size=2)
    first, second = (str(member.id) for member in rig.environment().members)
    view = extension(rig, "FollowLogs", EnvironmentName="web1", Files=["web*"], Lines=3)["FollowId"]
    order = rig.run(rig.plant.roster.order(first))
    assert order.follow == {view: {"files": ["/var/log/web*"], "lines": 3, "since": 0.0}}
    assert pass_on(rig, first, view, b"one\ntwo\n") == 204
    assert pass_on(rig, second, view, b"three\n") == 204
    answer = extension(rig, "FetchLogLines", FollowId=view)
    assert [(one["InstanceId"], one["Text"]) for one in answer["Lines"]] == [
        (first, "one"),
        (first, "two"),
        (second, "three"),
    ]
    assert (answer["Missed"], answer["Ended"]) == (0, False)
    extension(rig, "EndFollowing", FollowId=view)
    assert pass_on(rig, first, view, b"four\n") == 404
    assert rig.run(rig.plant.roster.order(first)).follow == {}
    assert refused(rig, "FetchLogLines", FollowId=view)[0] == "NoSuchFollower"
    assert rig.run(rig.world.logs.groups()) == []


def test_an_instance_cannot_speak_to_who_follows_another_environment(rig: PlantRig) -> None:
    rig.launch("web1", size=1)
    rig.launch("web2", size=1)
    view = extension(rig, "FollowLogs", EnvironmentName="web1")["FollowId"]
    other = rig.environment(rig.environment_id("web2")).members[0].id
    assert pass_on(rig, other, view, b"forged\n") == 404
    assert extension(rig, "FetchLogLines", FollowId=view, WaitSeconds=0)["Lines"] == []
    assert rig.run(rig.plant.roster.order(other)).follow == {}


def test_one_instance_alone_can_be_followed(rig: PlantRig) -> None:
    rig.launch(size=2)
    first, second = (str(member.id) for member in rig.environment().members)
    extension(rig, "FollowLogs", EnvironmentName="web1", InstanceIds=[first])
    assert rig.run(rig.plant.roster.order(first)).follow
    assert not rig.run(rig.plant.roster.order(second)).follow
    told = refused(rig, "FollowLogs", EnvironmentName="web1", InstanceIds=["i-none"])
    assert told[1] == "There is no instance i-none in web1."


def test_who_is_slow_is_told_what_was_left_out(
    rig: PlantRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_module, "LINES_WAITING_MAX", 5)
    rig.launch(size=1)
    instance = rig.environment().members[0].id
    view = extension(rig, "FollowLogs", EnvironmentName="web1")["FollowId"]
    pass_on(rig, instance, view, b"".join(b"%d\n" % n for n in range(8)))
    answer = extension(rig, "FetchLogLines", FollowId=view)
    assert [one["Text"] for one in answer["Lines"]] == ["3", "4", "5", "6", "7"]
    assert answer["Missed"] == 3


def test_followers_are_few_and_forgotten_when_they_do_not_come(rig: PlantRig) -> None:
    rig.launch(size=1)
    for _ in range(8):
        extension(rig, "FollowLogs", EnvironmentName="web1")
    assert refused(rig, "FollowLogs", EnvironmentName="web1")[0] == "TooManyFollowers"
    rig.step(following_module.PATIENCE_S + 1)
    extension(rig, "FollowLogs", EnvironmentName="web1")
    instance = rig.environment().members[0].id
    assert len(rig.run(rig.plant.roster.order(instance)).follow) == 1


def test_who_followed_an_earlier_control_plane_goes_on_by_the_same_name(rig: PlantRig) -> None:
    rig.launch("web1", size=1)
    rig.launch("web2", size=1)
    known = "11111111-2222-3333-4444-555555555555"
    for _ in range(2):
        view = extension(rig, "FollowLogs", EnvironmentName="web1", FollowId=known)["FollowId"]
        assert view == known
    instance = rig.environment(rig.environment_id("web1")).members[0].id
    assert set(rig.run(rig.plant.roster.order(instance)).follow) == {known}
    for environment, name in (("web2", known), ("web1", "../x"), ("web1", "x" * 65)):
        told = refused(rig, "FollowLogs", EnvironmentName=environment, FollowId=name)
        assert told[0] == "InvalidParameterValue"


def test_who_waits_hears_of_lines_and_of_the_end(rig: PlantRig) -> None:
    rig.launch(size=1)
    instance = rig.environment().members[0].id
    view = extension(rig, "FollowLogs", EnvironmentName="web1")["FollowId"]

    async def wait() -> Any:
        waiting = asyncio.create_task(rig.logs.following.fetch(view, 10.0))
        await asyncio.sleep(0)
        headers = {"Authorization": f"Bearer {token_of(rig, instance)}"}
        target = f"/v1/follow/{view}?path=/var/log/x"
        await ask(rig.agents, "POST", target, headers, b"one\n")
        async with asyncio.timeout(LONG_S):
            return await waiting

    assert [text for *_, text in rig.run(wait()).lines] == ["one"]
    id_ = rig.environment().id
    rig.eb.terminate_environment(EnvironmentName="web1")
    rig.settle(id_)
    assert extension(rig, "FetchLogLines", FollowId=view)["Ended"] is True


@pytest.mark.parametrize(
    "members",
    [
        {"Files": "x"},
        {"Files": [1]},
        {"Files": ["x"] * 51},
        {"InstanceIds": {}},
        {"Lines": -1},
        {"Lines": "many"},
        {"Since": "now"},
        {"Since": 1e300},
    ],
)
def test_what_cannot_be_followed(rig: PlantRig, members: dict[str, Any]) -> None:
    rig.launch(size=1)
    assert refused(rig, "FollowLogs", EnvironmentName="web1", **members)[0] == (
        "InvalidParameterValue"
    )


def test_an_agent_that_waits_is_told_who_follows(rig: PlantRig) -> None:
    rig.launch(size=1)
    instance = rig.environment().members[0].id

    async def wait() -> Any:
        said = Report(instance, serial=1, state="done", running=1)
        waiting = asyncio.create_task(rig.board.order(said, rig.plant.roster.order))
        await asyncio.sleep(0)
        environment = await rig.world.store.environment(home)
        view = rig.logs.following.begin(environment, following_module.Wish())
        rig.board.nudge(instance)
        async with asyncio.timeout(LONG_S):
            order = await waiting
        assert set(order.follow) == {view}

    home = rig.environment().id
    rig.run(wait())
