"""Every command and every flag has its place in the reference."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from jackbean.cli.jackbean import main as jackbean
from jackbean.cli.jb import VERBS
from jackbean.cli.reference import commands_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def commands() -> Iterator[tuple[str, click.Command]]:
    for name, command in jackbean.commands.items():
        yield f"jackbean {name}", command
        for inner, below in getattr(command, "commands", {}).items():
            yield f"jackbean {name} {inner}", below
    for name in VERBS:
        command = import_module(f"jackbean.cli.verbs.{name}").command
        yield f"jb {name}", command
        for inner, below in getattr(command, "commands", {}).items():
            yield f"jb {name} {inner}", below


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_is_told(name: str) -> None:
    page = PAGE.read_text()
    shared = page.partition("Every verb takes these, too:")[2].partition("\n### ")[0]
    section = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert section, f"{PAGE} has no section {name}"
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option):
            missing = [f for f in parameter.opts if f"`{f}`" not in section + shared]
            assert not missing
            assert parameter.help
            assert parameter.help in section + shared
        else:
            assert str(parameter.name).upper() in section or parameter.metavar in section


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == commands_page()


def test_nothing_is_told_that_is_not_there() -> None:
    told = {line[4:] for line in PAGE.read_text().splitlines() if line.startswith("### ")}
    assert told == set(COMMANDS)
