"""Every way to fail has its exit code, and a sentence that says what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jackbean.cli import jb
from jackbean.cli.failures import Failure, explain
from tests.cli.aws import Aws, Form, Refusal
from tests.cli.conftest import Run


@pytest.mark.usefixtures("project")
def test_nobody_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        ran = run("status")
    assert ran.code == 2
    assert "Nobody answers at http://127.0.0.1:" in ran.err
    assert "jackbean serve" in ran.err


@pytest.mark.usefixtures("project")
def test_no_keys(run: Run) -> None:
    ran = run("status")
    assert ran.code == 4
    assert "jackbean env" in ran.err


def test_no_region(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    ran = run("list")
    assert ran.code == 3
    assert "--region" in ran.err


def test_not_set_up(run: Run) -> None:
    for verb in ("status", "deploy", "events", "printenv"):
        ran = run(verb)
        assert ran.code == 126
        assert "jb init" in ran.err


def test_no_environment_of_this_branch(run: Run, project: Path) -> None:
    config = project / ".elasticbeanstalk" / "config.yml"
    config.write_text("global: {application_name: shop}\n")
    ran = run("deploy")
    assert ran.code == 5
    assert "jb use" in ran.err


@pytest.mark.usefixtures("project")
def test_aws_is_quoted(run: Run, aws: Aws) -> None:
    def refuse(form: Form) -> str:
        raise Refusal("InsufficientPrivilegesException", "You may not.", 403)

    aws.answers["DescribeEnvironments"] = refuse
    ran = run("status", "--output", "json")
    assert ran.code == 4
    error = {"Code": "InsufficientPrivilegesException", "Message": "You may not."}
    assert ran.document == {"Error": error, "ExitCode": 4}


@pytest.mark.parametrize("line", ["nosuchverb", "status --nosuchflag", "scale x", "setenv A"])
def test_a_wrong_command_line(run: Run, line: str) -> None:
    ran = run(*line.split())
    assert ran.code == 2
    assert "Usage: jb" in ran.err
    assert ran.out == ""


@pytest.mark.usefixtures("project", "aws")
def test_where_nobody_can_answer_nothing_is_done(run: Run, aws: Aws) -> None:
    ran = run("terminate")
    assert ran.code == 4
    assert "--force" in ran.err
    assert "TerminateEnvironment" not in aws.operations


def test_a_bug_is_told_by_its_name() -> None:
    assert explain(ZeroDivisionError("x"), None).message == "ZeroDivisionError: x"
    assert isinstance(explain(ZeroDivisionError("x"), None), Failure)


def test_a_reader_that_goes_is_not_told() -> None:
    code = "import sys; from jackbean.cli import jb; sys.exit(jb.run(['--help']))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.stderr, done.returncode) == (b"", jb.PIPE_CLOSED)
