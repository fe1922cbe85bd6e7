"""Logs of real instances: live, in log groups through kills, and after an instance is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.installation import ASG, Installation, bundle, installed, option, until
from tests.e2e.signing import extend, own_keys

pytestmark = pytest.mark.e2e
JB = [sys.executable, "-m", "jackbean.cli.jb"]
LOGS = "aws:elasticbeanstalk:cloudwatch:logs"
OUT = "/aws/elasticbeanstalk/{}/var/log/web.stdout.log"
TALKER = """
import sys
def application(environ, start_response):
    print("asked for", environ["PATH_INFO"], flush=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        installation.version("v1", bundle({"application.py": TALKER}))
        yield installation


def sized(size: int) -> list[dict[str, str]]:
    return [option(ASG, "MinSize", str(size)), option(ASG, "MaxSize", str(size + 1))]


class Following:
    """`jb logs --follow` in the background; `lines` are those that it has printed."""

    def __init__(self, one: Installation, *arguments: str) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | one.env
        self.process = subprocess.Popen(
            [*JB, "logs", *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.readers: list[threading.Thread] = []
        for stream, found in (
            (self.process.stdout, self.lines),
            (self.process.stderr, self.notes),
        ):
            reader = threading.Thread(target=self._read, args=(stream, found), daemon=True)
            reader.start()
            self.readers.append(reader)

    def _read(self, stream: Any, found: list[str]) -> None:
        with stream:
            for line in stream:
                found.append(line)  # noqa: PERF402 - as they come

    def await_line(self, *words: str) -> str:
        def there() -> str:
            return next((one for one in self.lines if all(w in one for w in words)), "")

        return until(there, 30, f"a line with {words}; there are {self.lines} {self.notes}")


@contextmanager
def following(one: Installation, *arguments: str) -> Iterator[Following]:
    found = Following(one, *arguments)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        for reader in found.readers:
            reader.join(10)


def test_lines_are_followed_until_interrupted(one: Installation) -> None:
    made = one.create("live1", "v1", *sized(2))
    first, second = sorted(one.instances("live1"))
    one.get(made, "/early")
    with following(one, "live1", "--follow", "--file", "web.stdout.log") as jb:
        jb.await_line("asked for /early")
        for n in range(12):
            one.get(made, f"/now/{n}")
        for n in range(12):
            jb.await_line(f"web.stdout.log | asked for /now/{n}\n")
        seen = {line.split()[0] for line in jb.lines}
        assert seen == {first, second}
        assert not any("\033" in line for line in jb.lines)
        one.kill()
        one.get(made, "/meanwhile")
        one.start()
        until(lambda: "answers again" in "".join(jb.notes), 30, "it is told of the restart")
        one.get(made, "/after")
        jb.await_line("asked for /after")
        for path in ("/early", "/meanwhile", "/after"):
            assert "".join(jb.lines).count(f"asked for {path}\n") == 1, path
        jb.process.send_signal(signal.SIGINT)
        assert jb.process.wait(10) == 0
    assert one.client("logs").describe_log_groups()["logGroups"] == []
    with following(one, "live1", "-f", "-i", first, "--grep", "wanted", "--output", "json") as jb:
        until(lambda: one.get(made, "/wanted") and jb.lines, 30, "a line of the one instance")
        told = json.loads(jb.lines[0])
        assert told["InstanceId"] == first
        assert "wanted" in told["Text"]
        assert told["File"].startswith("/var/log/")
        one.terminate("live1")
        assert jb.process.wait(20) == 0
        assert "live1 has been terminated" in "".join(jb.notes)


PLANTER = """
import os
for name in ("evil.stdout.log", "evil.log", "nginx/evil.log"):
    if not os.path.lexists("/var/log/" + name):
        os.symlink("/etc/shadow", "/var/log/" + name)
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join(sorted(os.listdir("/var/log"))).encode()]
"""
OPENED = "commands:\n  open:\n    command: chmod 777 /var/log /var/log/nginx\n"


def test_what_an_application_plants_among_its_logs_is_shown_to_nobody(one: Installation) -> None:
    _, about = extend(one, own_keys(one), "DescribeInstallation")
    if about["Mode"] == "plain":
        pytest.skip("without a file system of its own an instance has nothing to plant there")
    files = {"application.py": PLANTER, ".ebextensions/open.config": OPENED}
    one.version("planter", bundle(files))
    settings = [option(LOGS, "StreamLogs", "true")]
    made = one.create("planted1", "planter", *sized(1), *settings)
    assert "evil.stdout.log" in one.get(made).split()
    env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | one.env
    shown = subprocess.run([*JB, "logs", "planted1"], env=env, capture_output=True, check=True)
    assert b"FlipApplication" in shown.stdout
    assert b"root:" not in shown.stdout
    fetched = one.data_dir.parent / "fetched"
    fetched.mkdir()
    subprocess.run([*JB, "logs", "planted1", "--all"], env=env, cwd=fetched, check=True)
    found = [path for path in fetched.rglob("*") if path.is_file() and "latest" not in path.parts]
    assert any(path.name == "eb-engine.log" for path in found)
    assert not [path for path in found if "evil" in path.name or b"root:" in path.read_bytes()]
    with following(one, "planted1", "-f", "--file", "*", "-n", "1000") as jb:
        jb.await_line("eb-engine.log | ")
        assert "root:" not in "".join(jb.lines)
    groups = one.client("logs").describe_log_groups(logGroupNamePrefix=OUT.format("planted1")[:30])
    assert not [g for g in groups["logGroups"] if "evil" in g["logGroupName"]]
    one.terminate("planted1")


def test_the_last_lines_of_what_is_gone_are_kept(one: Installation) -> None:
    made = one.create("gone1", "v1", *sized(1))
    (instance,) = one.instances("gone1")
    one.get(made, "/famous-last-words")
    one.terminate("gone1")

    def told() -> str:
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | one.env
        done = subprocess.run(
            [*JB, "logs", "gone1", "--gone"], env=env, capture_output=True, text=True, check=False
        )
        return done.stdout

    text = until(told, 30, "the last logs are shared")
    assert f"============= {instance} (gone since " in text
    assert "asked for /famous-last-words" in text
    assert "Executing instruction: FlipApplication" in text


def events(one: Installation, name: str) -> list[tuple[str, str]]:
    """Return stream and message of each line of the web processes that is in the group."""
    pages = one.client("logs").get_paginator("filter_log_events")
    return [
        (event["logStreamName"], event["message"])
        for page in pages.paginate(logGroupName=OUT.format(name))
        for event in page["events"]
    ]


def await_more(found: list[str], count: int) -> None:
    before = len(found)
    until(lambda: len(found) > before + count, 30, f"{count} more than {before}")


def check_stream(one: Installation, made: dict[str, Any], instance: str) -> None:
    with following(one, "stream1", "--stream", "--since", "10m") as jb:
        assert jb.await_line("web.stdout.log | asked for /0\n").startswith(instance)
        one.get(made, "/streamed")
        jb.await_line("web.stdout.log | asked for /streamed")
        assert "".join(jb.lines).count("asked for /0\n") == 1


def test_streamed_lines_are_there_once_through_kills(one: Installation) -> None:
    made = one.create("stream1", "v1", *sized(1), option(LOGS, "StreamLogs", "true"))
    (instance,) = one.instances("stream1")
    logs = one.client("logs")
    stop, asked = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            one.get(made, f"/{len(asked)}")
            asked.append(f"asked for /{len(asked)}")
            time.sleep(0.01)  # a pace, not a wait

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    for _ in range(2):
        await_more(asked, 40)
        one.kill()
        await_more(asked, 20)  # without a control plane
        one.start()
    stop.set()
    asking.join(10)
    until(lambda: any(asked[-1] == text for _, text in events(one, "stream1")), 30, "the last")
    lines = [text for _, text in events(one, "stream1") if text.startswith("asked for /")]
    assert [text for text in lines if text in set(asked)] == asked
    assert {stream for stream, _ in events(one, "stream1")} == {instance}
    names = [
        group["logGroupName"].removeprefix("/aws/elasticbeanstalk/stream1/var/log/")
        for group in logs.describe_log_groups()["logGroups"]
    ]
    assert {"eb-engine.log", "nginx/access.log", "web.stdout.log"} <= set(names)
    check_stream(one, made, instance)
    one.get(made, "/last-words")
    one.terminate("stream1")
    kept = [text for _, text in events(one, "stream1")]
    assert "asked for /last-words" in kept
