"""`jb` waits until it is over, never longer, and never takes failure for success."""

from __future__ import annotations

import itertools
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackbean.cli.outcomes import Goal
from jackbean.cli.waiting import Story
from tests.cli.aws import START, Aws, Form, Refusal
from tests.cli.conftest import Run

DONE = "Environment update completed successfully."
pytestmark = pytest.mark.usefixtures("project")


def event(text: str, second: int = 0) -> dict[str, object]:
    return {"EventDate": START.replace(second=second), "Message": text, "Severity": "INFO"}


def test_a_story_is_told_once_and_in_order() -> None:
    story = Story(Goal.DEPLOY)
    first, second, third = event("a", 1), event("b", 1), event("c", 2)
    assert story.absorb([second, first]) == [first, second]
    assert story.absorb([third, second]) == [third]
    assert story.absorb([third, second]) == []
    assert story.since == third["EventDate"]
    assert story.outcome is None


def test_a_story_ends_with_its_first_end() -> None:
    story = Story(Goal.DEPLOY)
    bad, good = event("Failed to deploy application.", 1), event(DONE, 2)
    assert story.absorb([good, bad]) == [bad]
    assert story.outcome is not None
    assert not story.outcome.succeeded


def test_success(aws: Aws, run: Run) -> None:
    aws.told = ["Environment update is starting.", DONE]
    ran = run("deploy", "--version", "v1")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert [line[23:] for line in lines[:2]] == [f"INFO    {text}" for text in aws.told]
    assert lines[2:] == ["http://shop-dev.us-east-1.elasticbeanstalk.com"]
    update = next(form for form in aws.asked if form["Action"] == "UpdateEnvironment")
    assert (update["EnvironmentName"], update["VersionLabel"]) == ("shop-dev", "v1")


def test_failure(aws: Aws, run: Run) -> None:
    aws.told = ["Environment update is starting.", "Failed to deploy application.", DONE]
    ran = run("deploy", "--version", "v1")
    assert ran.code == 4
    assert ran.err.startswith("ERROR: Failed to deploy application. See `jb events shop-dev`")
    assert DONE not in ran.out


def test_in_json_there_is_one_document(aws: Aws, run: Run) -> None:
    aws.told = ["Environment update is starting.", DONE]
    ran = run("deploy", "--version", "v1", "--output", "json")
    assert ran.code == 0
    assert ran.document["VersionLabel"] == "v1"
    assert aws.told[0] in ran.err
    aws.told = ["Failed to deploy application."]
    ran = run("deploy", "--version", "v1", "--output", "json")
    assert ran.code == 4
    assert ran.document["ExitCode"] == 4
    assert ran.document["Error"]["Message"].startswith("Failed to deploy application.")


def test_without_any_event_it_is_the_environment_that_tells(aws: Aws, run: Run) -> None:
    assert run("deploy", "--version", "v1").code == 0
    aws.version = "v0"
    ran = run("deploy", "--version", "v1")
    assert ran.code == 4
    assert "no event tells that it did deploy" in ran.err


def test_the_timeout_counts_from_the_start_also_without_events(aws: Aws, run: Run) -> None:
    aws.status = "Updating"
    ran = run("deploy", "--version", "v1", "--timeout", "0.005")
    assert ran.code == 4
    assert "not ended within 0.005 minutes" in ran.err
    assert "jb events --follow shop-dev" in ran.err


def test_a_busy_environment_is_never_success(aws: Aws, run: Run) -> None:
    def refuse(form: Form) -> str:
        raise Refusal(
            "InvalidParameterValue",
            "Environment named shop-dev is in an invalid state for this operation. Must be Ready.",
        )

    aws.answers["UpdateEnvironment"] = refuse
    for line in ("deploy --version v1", "deploy --version v1 --nohang", "setenv A=b"):
        ran = run(*line.split())
        assert ran.code == 3, line
        assert "Must be Ready" in ran.err
        assert "jb events" in ran.err


def test_a_server_that_is_away_is_waited_for(aws: Aws, run: Run) -> None:
    looks = itertools.count()

    def stumble(form: Form) -> str:
        if next(looks) < 4:
            raise Refusal("ServiceUnavailable", "Coming back.", 503)
        return aws.events()

    aws.answers["DescribeEvents"] = stumble
    aws.told = [DONE]
    assert run("deploy", "--version", "v1").code == 0


def test_another_refusal_ends_the_wait(aws: Aws, run: Run) -> None:
    def refuse(form: Form) -> str:
        raise Refusal("AccessDenied", "Not yours.", 403)

    aws.answers["DescribeEvents"] = refuse
    ran = run("deploy", "--version", "v1")
    assert (ran.code, ran.err) == (4, "ERROR: Not yours.\n")


def test_interrupted_says_that_it_goes_on(aws: Aws, run: Run) -> None:
    aws.status = "Updating"
    aws.told = ["Environment update is starting."]
    polled = threading.Event()

    def poll(form: Form) -> str:
        polled.set()
        return aws.events()

    def interrupt() -> None:
        polled.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    aws.answers["DescribeEvents"] = poll
    killer = threading.Thread(target=interrupt)
    killer.start()
    ran = run("deploy", "--version", "v1")
    killer.join()
    assert ran.code == 5
    assert "the operation goes on" in ran.err
    assert "jb events --follow shop-dev" in ran.err


def test_nohang_asks_for_no_event(aws: Aws, run: Run) -> None:
    assert run("deploy", "--version", "v1", "--nohang").code == 0
    assert "DescribeEvents" not in aws.operations


def test_terminating_forgets_the_environment(aws: Aws, run: Run, project: Path) -> None:
    aws.told = ["terminateEnvironment completed successfully."]
    assert run("terminate", "--force").code == 0
    assert run("status").code == 5


def test_on_a_terminal_the_story_is_alive(aws: Aws) -> None:
    aws.told = ["Environment update is starting.", DONE]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "jackbean.cli.jb", "deploy", "--version", "v1"]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs) as deploying:
        os.close(theirs)
        shown = b"".join(_all_of(ours)).decode()
    assert deploying.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    for text in aws.told:
        assert re.search(rf"\d\d:\d\d:\d\d INFO +{re.escape(text)}", plain)
    assert "http://shop-dev.us-east-1.elasticbeanstalk.com" in plain
    assert "Traceback" not in plain


def _all_of(terminal: int) -> Iterator[bytes]:
    """Yield what is shown, until nobody is there to show anything."""
    with os.fdopen(terminal, "rb", buffering=0) as file:
        while True:
            try:
                yield file.read(4096)
            except OSError:  # the other end is closed
                return
