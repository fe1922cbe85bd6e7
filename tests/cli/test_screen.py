"""What is printed where."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click
import pytest

from jackbean.cli.failures import Busy
from jackbean.cli.lines import event_line, printable
from jackbean.cli.screen import Screen

EVENT = {
    "EventDate": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "Severity": "WARN",
    "Message": "Two\nlines \x1b[2Jand a bell\a.",
}


def test_for_people_results_are_on_stdout_and_remarks_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen()
    screen.say("going")
    screen.note("remark")
    screen.debug("detail")
    screen.show({"a": 1}, ["one", ("two", "red")])
    out, err = capsys.readouterr()
    assert (out, err) == ("going\none\ntwo\n", "remark\n")


def test_in_json_stdout_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.json = True
    screen.say("going")
    with screen.progress() as progress:
        progress.event(EVENT)
    screen.show({"At": EVENT["EventDate"]}, ["for people"])
    out, err = capsys.readouterr()
    assert json.loads(out) == {"At": "2026-01-02T03:04:05+00:00"}
    assert "going" in err
    assert "Two\nlines" in err


def test_in_json_a_failure_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.json = True
    screen.fail(Busy("Not now.", "InvalidParameterValue"))
    out, err = capsys.readouterr()
    error = {"Code": "InvalidParameterValue", "Message": "Not now."}
    assert json.loads(out) == {"Error": error, "ExitCode": 3}
    assert err == "ERROR: Not now.\n"


def test_quiet_says_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.quiet = True
    screen.say("going")
    screen.note("remark")
    with screen.progress() as progress:
        progress.event(EVENT)
    screen.show({}, ["one"])
    screen.fail(click.ClickException("wrong"))
    assert capsys.readouterr() == ("", "ERROR: wrong\n")


def test_nothing_from_outside_moves_the_cursor() -> None:
    line = event_line(EVENT)
    assert "\x1b" not in line
    assert "\a" not in line
    assert line.endswith("WARN    Two\nlines �[2Jand a bell�.")
    assert printable("\u009b31m\x7f") == "�31m�"
