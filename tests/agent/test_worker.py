"""An instance of a worker: its daemon lives beside the application, and only when it should."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.agent.control_plane import TOKEN, ControlPlane
from tests.agent.rig import Instance, bundle, wait_until
from tests.sqsd.rig import Plane

from jackbean.core.protocol import Manifest, Order, Worker, to_json

# Appends what it is sent, and who it is, to a file beside the releases.
APPLICATION = """
import os, time
from pathlib import Path
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    if body.startswith("slow"):
        time.sleep(float(body[4:]))
    if environ["REQUEST_METHOD"] == "POST":
        attempt = environ["HTTP_X_AWS_SQSD_RECEIVE_COUNT"]
        with open(os.environ["SEEN"], "a") as file:
            note = environ.get("HTTP_X_AWS_SQSD_ATTR_A.B", "")
            file.write(f"{VERSION} {attempt} {body} {note}\\n")
    start_response("200 OK", [])
    return [b""]
VERSION = "%s"
"""


@dataclass
class Post:
    """An instance with a queue."""

    instance: Instance
    plane: ControlPlane
    sqs: Any
    url: str
    seen: Path

    def manifest(self, release: int, application: str = "", **worker: Any) -> Manifest:
        data = bundle({"application.py": application or APPLICATION % f"v{release}"})
        wanted = Worker(self.url, "jobs", error_visibility_timeout_s=0, **worker)
        environment = {"SEEN": str(self.seen)}
        return replace(
            self.instance.manifest(release, data, environment=environment),
            worker=to_json(wanted),
        )

    def send(self, body: str, **more: Any) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def lines(self) -> list[str]:
        return self.seen.read_text().splitlines() if self.seen.exists() else []

    def await_line(self, line: str) -> None:
        try:
            wait_until(lambda: line in self.lines(), line, 10.0)
        except AssertionError as error:
            log = self.instance.log("/var/log/aws-sqsd/default.log")
            raise AssertionError(f"{error}: {self.lines()}\n{log}") from None

    def counts(self) -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return int(found["Attributes"][names[0]]), int(found["Attributes"][names[1]])

    def daemon(self) -> int:
        """Return the process id of the daemon; 0 if there is none."""
        mark = os.fsencode(self.instance.path("/var/lib/jackbean/sqsd.json"))
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    if mark in (entry / "cmdline").read_bytes():
                        return int(entry.name)
                except OSError:
                    continue
        return 0

    def await_in_flight(self) -> None:
        """Wait until the application has a message."""
        path = self.instance.path("/var/lib/jackbean/sqsd.state")

        def taken() -> bool:
            with suppress(OSError, ValueError):
                return int(json.loads(path.read_text())["in_flight"]) == 1
            return False

        wait_until(taken, "a message is in flight")

    def let(self, polling: bool) -> None:
        self.plane.order(replace(self.plane._order, polling=polling))


@pytest.fixture
def post(instance: Instance, plane: ControlPlane, tmp_path: Path) -> Iterator[Post]:
    queues = Plane(tmp_path, TOKEN)
    queues.start()
    plane.queues = queues.port
    sqs = queues.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    yield Post(instance, plane, sqs, url, tmp_path / "seen")
    queues.stop()


def test_messages_reach_the_application_through_nginx(post: Post) -> None:
    done = post.plane.work("activate", post.manifest(1), 1)
    assert (done.state, done.polling) == ("done", True)
    attribute = {"a.b": {"DataType": "String", "StringValue": "kept"}}
    post.send("hello", MessageAttributes=attribute)
    post.await_line("v1 1 hello kept")
    wait_until(lambda: post.counts() == (0, 0), "it is deleted")
    report = post.plane.wait(lambda r: r.polled_s is not None and r.in_flight == 0)
    assert not report.drained
    log = post.instance.log("/var/log/aws-sqsd/default.log")
    assert f"message: sent to http://localhost:{post.instance.port}/" in log
    assert '"POST / HTTP/1.1" 200' in post.instance.log("/var/log/nginx/access.log")
    assert "aws-sqsd/1.1" in post.instance.log("/var/log/nginx/access.log")
    engine = post.instance.log()
    assert engine.index("start proxy with new") < engine.index("instruction: startSqsd")
    post.plane.ask_logs("r1", "tail")
    wait_until(lambda: post.plane.logs, "the logs")
    assert b"/var/log/aws-sqsd/default.log" in post.plane.logs["/v1/logs/r1/tail"]


def test_an_instance_that_may_not_poll_is_drained(post: Post) -> None:
    """It finishes what it has, says so, and begins again when it is told."""
    post.plane.work("activate", post.manifest(1), 1)
    post.send("slow1.5")
    post.await_in_flight()
    since = len(post.plane.reports)
    post.let(False)
    report = post.plane.wait(lambda r: not r.polling, since=since)
    assert not report.drained
    report = post.plane.wait(lambda r: r.drained, since=since)
    assert (report.in_flight, report.polling) == (None, False)
    assert post.lines() == ["v1 1 slow1.5 "]
    post.send("later")
    assert post.counts() == (1, 0)
    assert not post.daemon()
    post.plane.work("activate", post.manifest(2), 2, polling=False)
    assert not post.daemon()
    assert post.counts() == (1, 0)
    post.let(True)
    post.await_line("v2 1 later ")
    report = post.plane.wait(lambda r: r.polling, since=len(post.plane.reports))
    assert not report.drained


def test_what_does_not_end_in_time_is_given_back(post: Post) -> None:
    post.plane.work("activate", replace(post.manifest(1), drain_s=1.0), 1)
    post.send("slow20")
    post.await_in_flight()
    since = len(post.plane.reports)
    began = time.monotonic()
    post.let(False)
    post.plane.wait(lambda r: r.drained, since=since)
    assert time.monotonic() - began < 4
    assert post.counts() == (1, 0)


def test_a_deployment_stops_the_daemon_for_as_long_as_the_application_changes(post: Post) -> None:
    """Every message is answered once, by the one release or the other."""
    post.plane.work("activate", post.manifest(1), 1)
    stop = threading.Event()
    sent: list[str] = []

    def send() -> None:
        while not stop.wait(0.01):
            sent.append(f"m{len(sent)}")
            post.send(sent[-1])

    sender = threading.Thread(target=send)
    sender.start()
    wait_until(lambda: len(post.lines()) > 20, "messages flow")
    first = post.daemon()
    post.plane.work("stage", post.manifest(2), 2)
    assert post.daemon() == first
    post.plane.work("activate", post.manifest(2), 3)
    wait_until(lambda: any(line.startswith("v2") for line in post.lines()), "the new release")
    stop.set()
    sender.join()
    wait_until(lambda: post.counts() == (0, 0), "all are done")
    bodies = [line.split()[2] for line in post.lines()]
    assert sorted(bodies) == sorted(sent)
    assert {line.split()[1] for line in post.lines()} == {"1"}
    versions = [line.split()[0] for line in post.lines()]
    assert versions == sorted(versions)
    engine = post.instance.log()
    last = engine.rindex("instruction: stopSqsd")
    assert last < engine.rindex("instruction: FlipApplication") < engine.rindex("startSqsd")


def test_a_release_that_does_not_run_burns_no_attempts(post: Post) -> None:
    post.plane.work("activate", post.manifest(1), 1)
    failed = post.plane.work(
        "activate",
        replace(post.manifest(2, "application = None\nraise SystemExit(3)"), timeout_s=10.0),
        2,
    )
    assert failed.failure
    assert failed.failure["step"] == "wait for application", failed.failure
    post.send("patient")
    wait_until(post.daemon, "the daemon is there")
    assert post.counts() == (1, 0)
    post.plane.work("activate", post.manifest(3), 3)
    post.await_line("v3 1 patient ")


@pytest.mark.parametrize("victim", ["daemon", "agent"])
def test_kill(post: Post, victim: str) -> None:
    """Whoever is killed is back by itself, and what was under way comes again.

    So does what was just being handed to one that is dead: that is how often it came before.
    """
    post.plane.work("activate", post.manifest(1, visibility_timeout_s=2), 1)
    post.send("slow0.7")
    post.await_in_flight()
    if victim == "daemon":
        os.kill(post.daemon(), signal.SIGKILL)
    else:
        post.instance.kill()
        post.instance.start()
    post.send("after")
    post.await_line("v1 2 slow0.7 ")
    wait_until(lambda: post.counts() == (0, 0), "all is done")
    assert {"v1 1 after ", "v1 2 after "} & set(post.lines())


def test_an_agent_that_ends_leaves_nothing_in_flight(post: Post) -> None:
    post.plane.work("activate", post.manifest(1), 1)
    post.send("slow1")
    post.await_in_flight()
    assert post.instance.stop() == 0
    assert post.lines() == ["v1 1 slow1 "]
    assert post.counts() == (0, 0)
    assert not post.daemon()


def test_what_was_said_last_is_kept(post: Post) -> None:
    """An agent that begins anew does not poll before it is told that it may."""
    post.plane.work("activate", post.manifest(1), 1)
    post.let(False)
    post.plane.wait(lambda r: r.drained)
    post.instance.kill()
    since = len(post.plane.reports)
    post.instance.start()
    report = post.plane.wait(lambda r: r.running == 1 and r.application == "up", since=since)
    assert (report.polling, report.drained) == (False, True)
    assert not post.daemon()


def test_a_web_environment_has_no_daemon(instance: Instance, plane: ControlPlane) -> None:
    data = bundle({"application.py": APPLICATION % "v1"})
    done = plane.work("activate", instance.manifest(1, data), 1)
    assert (done.in_flight, done.polled_s, done.drained) == (None, None, False)
    assert not instance.path("/var/lib/jackbean/sqsd.json").exists()


def test_an_order_with_a_bad_worker_is_refused(instance: Instance, plane: ControlPlane) -> None:
    data = bundle({"application.py": APPLICATION % "v1"})
    manifest = replace(instance.manifest(1, data), worker={"queue_url": 1})
    plane.order(Order(serial=1, work="activate", manifest=to_json(manifest)))
    done = plane.wait(lambda r: r.serial == 1)
    assert done.state == "failed"
    assert done.failure
    assert "Worker.queue_url" in done.failure["cause"]
