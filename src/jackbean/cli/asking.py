"""Questions before what cannot be undone. Where nobody can answer, nothing is done."""

from __future__ import annotations

import sys

import click

from jackbean.cli.failures import Failure


def type_name(what: str, name: str) -> None:
    """Have the name typed of what is about to end. Raises Failure if it is not."""
    _require_somebody()
    typed = click.prompt(f"This ends {what}. Type {name} to go on", err=True, default="")
    if typed != name:
        raise Failure(f"{typed!r} is not {name!r}: nothing has been done.", "Declined")


def agree(question: str, refusal: str) -> None:
    """Have a question answered with yes. Raises Failure if it is not."""
    _require_somebody()
    if not click.confirm(question, err=True):
        raise Failure(refusal, "Declined")


def _require_somebody() -> None:
    if not sys.stdin.isatty():
        raise Failure("This asks first, and nobody is there to answer: give --force.", "Declined")
