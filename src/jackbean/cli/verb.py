"""A verb of `jb`: a click command with the flags that all take, and examples in its help.

A family is a verb with further ones below it (`jb cron run`); what follows directly decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import click

from jackbean.cli.workplace import Workplace


class Verb(click.Command):
    """Every verb takes the flags of `shared`, which go into the Workplace it is handed.

    `table` are further flags of this verb.
    """

    def __init__(
        self,
        *arguments: Any,
        examples: str = "",
        table: Iterable[click.Option] = (),
        **settings: Any,
    ) -> None:
        super().__init__(*arguments, **settings)
        self.examples = examples.strip()
        self.params.extend((*table, *shared()))

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {line}\n" for line in self.examples.splitlines()))


class Family(Verb, click.Group):
    """`usual` is the verb below that is meant where none is named."""

    def __init__(self, *arguments: Any, usual: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.usual = usual

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and (args[0] in self.commands or args[0] in context.help_option_names)
        return super().parse_args(context, args if named else [self.usual, *args])


def shared() -> list[click.Option]:
    """Return the flags that every verb takes, made anew: click keeps state in them."""
    return [
        _option(("-v", "--verbose"), _verbose, "Say more.", is_flag=True),
        _option(("-q", "--quiet"), _quiet, "Say nothing but errors.", is_flag=True),
        _option(("--debug",), _debug, "Say why, to the line of code.", is_flag=True),
        _option(
            ("--output",),
            _output,
            "How to answer; json is one document on stdout.",
            type=click.Choice(("text", "json")),
        ),
        _option(("--profile",), _profile, "A profile of your AWS configuration."),
        _option(("-r", "--region"), _region, "The region."),
        _option(("--endpoint-url",), _endpoint, "Where to ask, for AWS_ENDPOINT_URL."),
        _option(("--no-verify-ssl",), _no_verify, "Do not check certificates.", is_flag=True),
    ]


def _option(names: tuple[str, ...], store: Any, text: str, **settings: Any) -> click.Option:
    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            store(context.ensure_object(Workplace), value)

    return click.Option(names, expose_value=False, callback=callback, help=text, **settings)


def _profile(place: Workplace, value: str) -> None:
    place.flags = replace(place.flags, profile=value)


def _region(place: Workplace, value: str) -> None:
    place.flags = replace(place.flags, region=value)


def _endpoint(place: Workplace, value: str) -> None:
    place.flags = replace(place.flags, endpoint_url=value)


def _verbose(place: Workplace, value: bool) -> None:
    place.screen.verbose = value


def _debug(place: Workplace, value: bool) -> None:
    place.screen.verbose = place.screen.tracing = value


def _quiet(place: Workplace, value: bool) -> None:
    place.screen.quiet = value


def _output(place: Workplace, value: str) -> None:
    place.screen.json = value == "json"


def _no_verify(place: Workplace, value: bool) -> None:
    place.flags = replace(place.flags, verify=not value)
