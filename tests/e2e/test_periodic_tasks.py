"""Periodic tasks and the ledger of messages on real worker instances, through kills.

Tasks that are due once a year are run by `jb cron run`, so that nobody waits for a minute to pass;
one test does wait for the next minute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.installation import Installation, bundle, installed, option, until
from tests.e2e.machines import kill, machines

pytestmark = pytest.mark.e2e
JB = [sys.executable, "-m", "jackbean.cli.jb"]
SQSD = "aws:elasticbeanstalk:sqsd"
NAME = "jobs"
# Answers 200, but 500 to what it is to fail at, and takes its time over what is slow.
APPLICATION = """
import time
def application(environ, start_response):
    path = environ["PATH_INFO"]
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    print("posted", path, environ.get("HTTP_X_AWS_SQSD_TASKNAME"), flush=True)
    if path == "/slow":
        time.sleep(8)
    start_response("500 No" if path == "/bad" else "200 OK", [("Content-Length", "0")])
    return [b""]
"""
CRON = """
version: 1
cron:
  - {name: good, url: /good, schedule: "0 0 1 1 *"}
  - {name: slow, url: /slow, schedule: "0 0 1 1 *"}
  - {name: bad, url: /bad, schedule: "0 0 1 1 *"}
"""
EACH = CRON + '  - {name: each, url: /good, schedule: "* * * * *"}\n'


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        installation.version("v1", bundle({"application.py": APPLICATION, "cron.yaml": CRON}))
        installation.version("v2", bundle({"application.py": APPLICATION, "cron.yaml": EACH}))
        bad = {"application.py": APPLICATION, "cron.yaml": CRON.replace("/bad", "bad")}
        installation.version("v3", bundle(bad))
        eb = installation.client()
        eb.create_environment(
            ApplicationName=installation.application,
            EnvironmentName=NAME,
            VersionLabel="v1",
            Tier={"Name": "Worker", "Type": "SQS/HTTP"},
            SolutionStackName=eb.list_available_solution_stacks()["SolutionStacks"][0],
            OptionSettings=[
                option(SQSD, "MaxRetries", "2"),
                option(SQSD, "ErrorVisibilityTimeout", "0"),
                option(SQSD, "VisibilityTimeout", "20"),
            ],
        )
        installation.rest(NAME)
        until(lambda: jb(installation, "cron"), 30, "the tasks are seen")
        yield installation


def jb(one: Installation, *words: str) -> Any:
    """Return what `jb` answers about the environment, as a document."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | one.env
    done = subprocess.run(
        [*JB, *words, NAME, "--output", "json"],
        check=False,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def line(one: Installation, run: dict[str, Any]) -> dict[str, Any]:
    """Return the line of the ledger that a run has by now."""
    found = jb(one, "cron", "history", "-n", "1000")
    (now,) = [
        other for other in found if (other["Task"], other["Due"]) == (run["Task"], run["Due"])
    ]
    return dict(now)


def ended(one: Installation, run: dict[str, Any], state: str) -> dict[str, Any]:
    """Return a line once it has ended so, and it has been told what came of its message."""

    def there() -> dict[str, Any] | None:
        now = line(one, run)
        return now if now["State"] == state and now["Seconds"] is not None else None

    return dict(until(there, 90, f"{run['Task']} is {state}: {line(one, run)}"))


def test_a_task_is_posted_and_told_of(one: Installation) -> None:
    told = ended(one, jb(one, "cron", "run", "good"), "done")
    assert (told["Status"], told["Attempts"]) == (200, 1)
    assert told["Instance"] in one.instances(NAME)
    messages = jb(one, "messages")["Messages"]
    (entry,) = [m for m in messages if m["MessageId"] == told["MessageId"]]
    assert (entry["Task"], entry["Status"]) == ("good", 200)


def test_a_task_that_fails_dies_and_comes_back(one: Installation) -> None:
    run = jb(one, "cron", "run", "bad")
    told = ended(one, run, "dead")
    assert (told["Status"], told["Attempts"]) == (500, 2)
    dead = jb(one, "messages", "list", "--dead")["Messages"]
    assert [m["MessageId"] for m in dead] == [told["MessageId"]]
    assert (
        "received 2 times without being deleted, and 2 are allowed; last HTTP 500" in dead[0]["Why"]
    )
    assert jb(one, "messages", "redrive")["Moved"] == 1
    again = until(lambda: _another(one, run, told), 60, "it dies again, as another message")
    assert again["State"] == "dead"


def _another(one: Installation, run: dict[str, Any], told: dict[str, Any]) -> dict[str, Any] | None:
    now = line(one, run)
    return now if now["MessageId"] != told["MessageId"] and now["State"] == "dead" else None


def test_a_killed_control_plane_leaves_nothing_open(one: Installation) -> None:
    run = jb(one, "cron", "run", "slow")
    until(lambda: line(one, run)["State"] == "running", 30, "it is posted")
    one.kill()
    one.start()
    assert ended(one, run, "done")["Attempts"] == 1


def test_a_killed_instance_leaves_nothing_open(one: Installation) -> None:
    (instance,) = one.instances(NAME)
    run = jb(one, "cron", "run", "slow")
    until(lambda: line(one, run)["State"] == "running", 30, "it is posted")
    kill(machines(one.data_dir)[instance].child)
    assert ended(one, run, "done")["Attempts"] == 2


def test_a_bad_file_is_refused_with_its_line(one: Installation) -> None:
    with pytest.raises(Exception, match=r"cron.yaml: line 6: cron: 2: url: 'bad' is not a path"):
        one.begin(NAME, VersionLabel="v3")


@pytest.mark.slow
def test_the_next_minute(one: Installation) -> None:
    """A deployment brings a task for every minute, and it comes when it is due."""
    one.deploy(NAME, "v2")
    until(lambda: [t for t in jb(one, "cron") if t["Name"] == "each"], 30, "it is seen")
    due = time.time() // 60 * 60 + 60

    def came() -> list[dict[str, Any]]:
        lines = jb(one, "cron", "history", "--task", "each")
        return [other for other in lines if other["State"] == "done"]

    (first, *_) = until(came, 150, "a minute has come")
    assert first["LastDue"] == first["Due"]
    assert abs(time.time() - due) < 120
    one.deploy(NAME, "v1")
    until(lambda: not [t for t in jb(one, "cron") if t["Name"] == "each"], 30, "it is gone")
