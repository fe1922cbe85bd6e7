"""The agents' door: an instance reaches what concerns it, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.api.rig import Answer, PlantRig, ask
from tests.control.rig import PROPERTIES

from jackbean.api import agents as agents_module
from jackbean.control import board as board_module
from jackbean.core.errors import PortError
from jackbean.core.options.settings import Setting
from jackbean.core.protocol import LOG_BYTES_MAX, VERSION, Report, to_json
from jackbean.core.resources import Resource
from jackbean.ports.store import EventQuery

LONG_S = 30.0


@pytest.fixture
def instance(rig: PlantRig) -> str:
    """Return an instance of an environment of two, on a version with a bundle."""
    rig.version("v3", {"application.py": "three"})
    rig.launch(VersionLabel="v3")
    return str(rig.environment().members[0].id)


def call(
    rig: PlantRig, method: str, path: str, body: Any = b"", token: str | None = None, **more: str
) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return rig.run(ask(rig.agents, method, path, {**headers, **more}, content))


def token_of(rig: PlantRig, instance: str) -> str:
    return str(rig.world.credentials.token(instance))


def report(rig: PlantRig, instance: str, **said: Any) -> Answer:
    body = to_json(Report(instance, **said))
    return call(rig, "POST", "/v1/report", body, token_of(rig, instance))


# Who


REQUESTS: dict[str, tuple[str, str, Any]] = {
    "report": ("POST", "/v1/report", {"instance": "i-1"}),
    "bundle": ("GET", "/v1/bundle/" + "0" * 64, b""),
    "object": ("GET", "/v1/object/mine/key", b""),
    "dependencies": ("POST", "/v1/dependencies", {"kind": "pip", "runtime": "3", "files": {}}),
    "runtime": ("POST", "/v1/runtime", {"language": "nodejs", "version": "24"}),
    "notices": ("POST", "/v1/notices", {"release": 1, "severity": "WARN", "text": "t"}),
    "attempts": ("POST", "/v1/attempts", {"attempts": []}),
    "logs": ("PUT", "/v1/logs/r/tail", b"text"),
    "publish": ("PUT", "/v1/publish/a.gz", b"x"),
    "lines": ("POST", "/v1/lines?path=/x&file=1&start=0", b"x"),
    "follow": ("POST", "/v1/follow/v?path=/x", b"x"),
    "steps": ("POST", "/v1/steps", {"serial": 1, "step": "s", "seconds": 1}),
    "enough": ("POST", "/v1/enough", {}),
    "credentials": ("GET", "/v1/credentials", b""),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_tokens(rig: PlantRig, request_: tuple[str, str, Any], instance: str) -> None:
    for token in (None, "", "i-1.forged", token_of(rig, instance)[:-1] + "x"):
        assert call(rig, *request_, token=token).status == 401
    good = token_of(rig, instance)
    answer = call(rig, *request_, Authorization=f"Basic {good}")
    assert answer.status == 401


@pytest.mark.parametrize(
    "request_", [r for n, r in REQUESTS.items() if n not in {"report", "steps"}]
)
def test_a_token_ends_with_its_membership(rig: PlantRig, request_: tuple[str, str, Any]) -> None:
    """The agent that is told so ends, and everything on its instance with it."""
    assert call(rig, *request_, token=token_of(rig, "i-gone")).status == 401
    assert rig.dependencies.wanted == []


def test_a_report_of_a_stranger(rig: PlantRig, instance: str) -> None:
    assert report(rig, "i-gone").status == 401
    body = to_json(Report("i-other"))
    answer = call(rig, "POST", "/v1/report", body, token_of(rig, instance))
    assert answer.status == 403
    assert rig.board.latest("i-other") is None


def test_another_protocol(rig: PlantRig, instance: str) -> None:
    assert report(rig, instance, protocol=VERSION + 1).status == 426


# Reports


def test_a_report_is_kept_told_and_answered_with_the_order(rig: PlantRig, instance: str) -> None:
    rig.world.bell.take()
    answer = report(rig, instance, serial=0, state="")
    order = json.loads(answer.body)
    assert (answer.status, order["serial"], order["work"]) == (200, 1, "activate")
    assert order["manifest"]["version_label"] == "v3"
    assert order["protocol"] == VERSION
    latest = rig.board.latest(instance)
    assert latest is not None
    assert latest[0].instance == instance
    assert rig.world.bell.take() == {rig.environment().id}


def test_without_news_the_loop_is_left_alone(
    rig: PlantRig, instance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "HOLD_S", 0.01)
    report(rig, instance, serial=1, state="done", running=1)
    rig.world.bell.take()
    report(rig, instance, serial=1, state="done", running=1, requests={"2xx": 5})
    assert rig.world.bell.take() == frozenset()
    report(rig, instance, serial=1, state="done", running=1, application="down")
    assert rig.world.bell.take() == {rig.environment().id}


def test_an_agent_that_waits_is_told_as_soon_as_there_is_news(rig: PlantRig, instance: str) -> None:
    async def wait() -> Answer:
        body = json.dumps(to_json(Report(instance, serial=1, state="done", running=1))).encode()
        headers = {"Authorization": f"Bearer {token_of(rig, instance)}"}
        waiting = asyncio.create_task(ask(rig.agents, "POST", "/v1/report", headers, body))
        async with asyncio.timeout(LONG_S):
            while rig.board.latest(instance) is None:
                await asyncio.sleep(0)
            environment = await rig.world.store.environment(home)
            await rig.logs.begin(environment, "tail", "r")
            rig.board.nudge(instance)
            return await waiting

    home = rig.environment().id
    order = json.loads(rig.run(wait()).body)
    assert list(order["logs"].values()) == ["tail"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 200_000, b'{"instance": 1}', b'{"serial": "x"}'],
)
def test_what_is_no_report(rig: PlantRig, instance: str, body: bytes) -> None:
    answer = call(rig, "POST", "/v1/report", body, token_of(rig, instance))
    assert answer.status == 400
    assert json.loads(answer.body)["cause"]


def test_a_report_that_is_too_long(rig: PlantRig, instance: str) -> None:
    body = b'{"instance": "' + b"x" * agents_module.BODY_BYTES_MAX + b'"}'
    assert call(rig, "POST", "/v1/report", body, token_of(rig, instance)).status == 413


def test_what_cannot_be_answered_now_is_asked_again(
    rig: PlantRig, instance: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: Any) -> Any:
        raise PortError("the disk is full")

    real, rig.world.store.release = rig.world.store.release, refuse
    with caplog.at_level(logging.WARNING):
        assert report(rig, instance).status == 503
    assert "the disk is full" in caplog.text
    rig.world.store.release = real
    assert report(rig, instance).status == 200


# Bundles


def test_the_bundle_of_its_release_and_no_other(rig: PlantRig, instance: str) -> None:
    mine = rig.release(1).digest
    other = rig.version("v4", {"application.py": "four"}).digest
    token = token_of(rig, instance)
    answer = call(rig, "GET", f"/v1/bundle/{mine}", token=token)
    assert answer.status == 200
    assert answer.body[:2] == b"PK"
    for digest in (other, "0" * 64, "..%2f..%2fetc%2fpasswd", "../jackbean.db"):
        assert call(rig, "GET", f"/v1/bundle/{digest}", token=token).status == 404


def test_objects_that_its_release_names_and_no_other(rig: PlantRig) -> None:
    config = "files: {/a: {source: 's3://mine/a%20b'}, /n: {source: 's3://mine/none'}}"
    rig.version("v3", {".ebextensions/01.config": config})
    rig.launch(VersionLabel="v3")
    token = token_of(rig, str(rig.environment().members[0].id))
    s3 = rig.client("s3")
    s3.create_bucket(Bucket="mine")
    for key in ("a b", "other"):
        s3.put_object(Bucket="mine", Key=key, Body=b"an object")
    answer = call(rig, "GET", "/v1/object/mine/a b", token=token)
    assert (answer.status, answer.body) == (200, b"an object")
    for path in ("mine/other", "mine/none", "yours/a b", "mine/../mine/a b"):
        assert call(rig, "GET", f"/v1/object/{path}", token=token).status == 404, path


def test_what_it_may_fetch_follows_what_it_is_to_do(rig: PlantRig, instance: str) -> None:
    rig.version("v4", {"application.py": "four"})
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v4")
    rig.settle()
    token = token_of(rig, instance)
    assert call(rig, "GET", f"/v1/bundle/{rig.release(2).digest}", token=token).status == 200
    assert call(rig, "GET", f"/v1/bundle/{rig.release(1).digest}", token=token).status == 404


# Dependencies


def test_dependencies(rig: PlantRig, instance: str) -> None:
    token = token_of(rig, instance)
    wanted = {"kind": "pip", "runtime": "3.11", "files": {"requirements.txt": "flask"}}
    answer = call(rig, "POST", "/v1/dependencies", wanted, token)
    assert (answer.status, json.loads(answer.body)) == (200, {"path": "/resolved"})
    wanted["files"] = {"requirements.txt": "bad"}
    answer = call(rig, "POST", "/v1/dependencies", wanted, token)
    assert answer.status == 422
    assert json.loads(answer.body) == {"cause": "No such package.", "tail": "the end of a log"}
    assert call(rig, "POST", "/v1/dependencies", {"kind": 1}, token).status == 400


# Runtimes


def told(rig: PlantRig) -> list[str]:
    query = EventQuery(environment_id=rig.environment().id)
    found = rig.run(rig.world.store.events(query))
    return [f"{event.severity} {event.message}" for event in found]


def test_a_runtime_is_provided_and_its_fetching_told(rig: PlantRig, instance: str) -> None:
    token = token_of(rig, instance)
    wanted = {"language": "nodejs", "version": "24"}
    answer = call(rig, "POST", "/v1/runtime", wanted, token)
    assert (answer.status, json.loads(answer.body)) == (
        200,
        {
            "home": "/runtimes/nodejs-24",
            "version": "24.1",
            "note": "",
            "lacks": "has no compiler",
        },
    )
    assert "INFO Fetching Node.js 24." in told(rig)
    answer = call(rig, "POST", "/v1/runtime", {"language": "bad", "version": "1"}, token)
    assert answer.status == 422
    assert json.loads(answer.body) == {"cause": "No such language.", "tail": ""}


# Notices


def test_a_notice_is_told_once_for_each_release(rig: PlantRig, instance: str) -> None:
    token = token_of(rig, instance)
    for release in (1, 1, 2):
        said = {"release": release, "severity": "WARN", "text": "Look\x1b[2J here."}
        assert call(rig, "POST", "/v1/notices", said, token).status == 204
    assert [t for t in told(rig) if "Look" in t] == ["WARN Look?[2J here."] * 2


def test_a_talkative_instance_is_not_heard_for_ever(rig: PlantRig, instance: str) -> None:
    before = len(told(rig))
    for number in range(60):
        said = {"release": 1, "severity": "FATAL", "text": f"{number}" * 5_000}
        call(rig, "POST", "/v1/notices", said, token_of(rig, instance))
    heard = told(rig)
    assert len(heard) == before + 50
    assert all(len(text) < 1_100 for text in heard)
    assert not any(text.startswith("FATAL") for text in heard)


# Logs


def ask_for_logs(rig: PlantRig, instance: str, kind: str = "tail") -> str:
    rig.eb.request_environment_info(EnvironmentName="web1", InfoType=kind)
    (wanted,) = rig.logs.wanted(instance)
    return str(wanted)


def test_logs_that_were_asked_for_are_kept(rig: PlantRig, instance: str) -> None:
    wanted = ask_for_logs(rig, instance)
    token = token_of(rig, instance)
    answer = call(rig, "PUT", f"/v1/logs/{wanted}/tail", b"a log \xff", token)
    assert (answer.status, answer.body) == (204, b"")
    (key,) = (k for _, k in rig.buckets._objects)
    assert key.startswith(f"resources/environments/logs/tail/{rig.environment().id}/{instance}/")
    assert rig.logs.wanted(instance) == {}
    again = call(rig, "PUT", f"/v1/logs/{wanted}/tail", b"more", token)
    assert again.status == 404


@pytest.mark.parametrize("path", ["{}/bundle", "{}/other", "another/tail", "..%2f{}/tail"])
def test_logs_that_nobody_asked_for(rig: PlantRig, instance: str, path: str) -> None:
    wanted = ask_for_logs(rig, instance)
    url = f"/v1/logs/{path.format(wanted)}"
    assert call(rig, "PUT", url, b"text", token_of(rig, instance)).status == 404
    assert rig.buckets._objects == {}


def test_logs_that_were_asked_of_somebody_else(rig: PlantRig, instance: str) -> None:
    wanted = ask_for_logs(rig, instance)
    rig.launch("web2")
    other = rig.run(rig.world.store.environment(rig.environment_id("web2"))).members[0].id
    answer = call(rig, "PUT", f"/v1/logs/{wanted}/tail", b"text", token_of(rig, other))
    assert answer.status == 404


def test_logs_without_end_are_cut_off_and_not_kept(
    rig: PlantRig, instance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LOG_BYTES_MAX == 64 << 20
    monkeypatch.setattr(agents_module, "LOG_BYTES_MAX", 100)
    wanted = ask_for_logs(rig, instance)
    token = token_of(rig, instance)
    answer = call(rig, "PUT", f"/v1/logs/{wanted}/tail", b"x" * 101, token)
    assert answer.status == 413
    assert rig.buckets._objects == {}
    assert wanted in rig.logs.wanted(instance)


# AWS's protocols


def signed(keys: tuple[str, ...], operation: str, **members: Any) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a request to SQS."""
    body = json.dumps(members).encode()
    headers = {
        "X-Amz-Target": f"AmazonSQS.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
    }
    request = AWSRequest("POST", "http://control-plane/", headers, body)
    SigV4Auth(Credentials(*keys), "sqs", "us-east-1").add_auth(request)
    return {"Host": "control-plane", **dict(request.headers)}, body


def test_an_instance_signs_with_its_own_keys(rig: PlantRig, instance: str) -> None:
    """What sqsd needs: the keys, and the front door behind the one socket that it has."""
    queue = rig.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    rig.client("sqs").send_message(QueueUrl=queue, MessageBody="work")
    rig.give(rig.environment().id, Resource("AWSEBWorkerQueue", "AWS::SQS::Queue", queue))
    told = call(rig, "GET", "/v1/credentials", token=token_of(rig, instance))
    keys = json.loads(told.body)
    issued = (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert issued == rig.keys_of(instance)
    assert (keys["AccountId"], keys["Role"]) == ("123456789012", "aws-elasticbeanstalk-ec2-role")
    headers, body = signed(
        issued, "ReceiveMessage", QueueUrl="http://elsewhere" + urlsplit(queue).path
    )
    answer = call(rig, "POST", "/", body, **headers)
    assert answer.status == 200
    assert [m["Body"] for m in json.loads(answer.body)["Messages"]] == ["work"]
    headers, body = signed((issued[0], "x" * 40, issued[2]), "ReceiveMessage", QueueUrl=queue)
    refused = call(rig, "POST", "/", body, **headers)
    assert (refused.status, b"signature" in refused.body) == (400, True)


def test_keys_for_variables_live_longer(rig: PlantRig, instance: str) -> None:
    token, now = token_of(rig, instance), rig.world.clock.now()
    ends = [
        json.loads(call(rig, "GET", f"/v1/credentials{query}", token=token).body)["Expiration"]
        for query in ("", "?for=role", "?for=variables")
    ]
    assert [end - int(now) for end in ends] == [6 * 3600, 6 * 3600, 365 * 24 * 3600]


def test_who_waits_for_a_message_can_have_the_answer_now(rig: PlantRig, instance: str) -> None:
    """Nobody else's wait ends, and the answer is a whole one: there is no message."""
    queue = rig.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    rig.give(rig.environment().id, Resource("AWSEBWorkerQueue", "AWS::SQS::Queue", queue))
    keys = [rig.keys_of(m.id) for m in rig.environment().members]

    async def talk() -> Answer:
        polls = []
        for pair in keys:
            headers, body = signed(pair, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20)
            polls.append(asyncio.create_task(ask(rig.agents, "POST", "/", headers, body)))
        waiting = rig.door.polls._waiting
        async with asyncio.timeout(LONG_S):
            while len(waiting) < 2:
                await asyncio.sleep(0)
            token = {"Authorization": f"Bearer {token_of(rig, instance)}"}
            assert (await ask(rig.agents, "POST", "/v1/enough", token, b"{}")).status == 204
            done, others = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1
        for other in others:
            other.cancel()
        await asyncio.wait(others)
        assert not waiting
        return done.pop().result()

    answer = rig.run(talk())
    assert (answer.status, json.loads(answer.body)) == (200, {})


# Steps, and what is not there


def test_progress_is_for_people(
    rig: PlantRig, instance: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="jackbean.agents"):
        body = {"serial": 1, "step": "x\nforged" + "x" * 500, "seconds": 0.1}
        assert call(rig, "POST", "/v1/steps", body, token_of(rig, instance)).status == 204
    (record,) = [r for r in caplog.records if r.name == "jackbean.agents"]
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 300


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/v1/report"), ("POST", "/v2/report")]
)
def test_nothing_else_is_here(rig: PlantRig, instance: str, method: str, path: str) -> None:
    assert call(rig, method, path, token=token_of(rig, instance)).status in {404, 405}


def test_an_instance_lives_a_whole_life_by_this_door(tmp_path: Path) -> None:
    """One that asks and does as it is told gets through a launch and a reconfiguration."""
    with PlantRig(tmp_path) as rig:
        rig.version("v3", {"application.py": ""})
        rig.create(label="v3", settings=())
        rig.until(lambda: bool(rig.environment().members))
        (member,) = rig.environment().members
        told = json.loads(report(rig, member.id).body)
        assert (told["work"], told["manifest"]["hooks"]) == ("activate", "hooks")
        rig.settle()
        rig.update(settings=(Setting(PROPERTIES, "A", "b"),))
        rig.until(lambda: rig.environment().members[0].assignment.serial == 2)
        done = replace(Report(member.id), serial=1, state="done", running=1, staged=1)
        body = to_json(done)
        told = json.loads(call(rig, "POST", "/v1/report", body, token_of(rig, member.id)).body)
        assert (told["serial"], told["manifest"]["environment"]) == (2, {"A": "b"})
