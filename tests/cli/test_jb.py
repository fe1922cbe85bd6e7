"""The command itself: help that teaches, and a quick start."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from jackbean.cli import jb, verbs
from jackbean.cli.verb import Verb
from tests.cli.conftest import Run

# What a verb, and nothing else, may make us wait for.
SLOW = ("botocore", "rich", "yaml", "urllib3", "starlette", "grpc", "uvicorn", "asyncio", "ssl")


def test_every_verb_is_in_the_table_and_the_other_way_round() -> None:
    assert verbs.__file__ is not None
    modules = {path.stem for path in Path(verbs.__file__).parent.glob("[a-z]*.py")}
    assert modules == set(jb.VERBS)


@pytest.mark.parametrize("name", jb.VERBS)
def test_every_verb_teaches(run: Run, name: str) -> None:
    command = import_module(f"jackbean.cli.verbs.{name}").command
    assert isinstance(command, Verb)
    assert command.help
    assert f"jb {name}" in command.examples
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name
    ran = run(name, "--help")
    assert ran.code == 0
    assert f"Usage: jb {name}" in ran.out
    assert "Examples:\n" in ran.out


def test_help_lists_every_verb(run: Run) -> None:
    ran = run("--help")
    assert ran.code == 0
    for name, text in jb.VERBS.items():
        assert name in ran.out
        assert text in ran.out


@pytest.mark.parametrize("arguments", [["--help"], ["create", "--help"], ["--version"]])
def test_help_imports_nothing_slow(arguments: list[str]) -> None:
    code = (
        "import sys; from jackbean.cli import jb; jb.run(sys.argv[1:]); "
        "print('modules', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    loaded = {m.partition(".")[0] for m in done.stdout.rpartition("modules")[2].split()}
    assert not loaded & set(SLOW)
