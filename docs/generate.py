"""Write the reference pages that are made from tables: `./dev docs`, or `--check` for CI.

A page is a pure function of the tables, so a page that differs from what is in the repository is a
stale one, and `--check` fails on it. One page is made from a checkout of somebody else's samples:
`--samples CHECKOUT` writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import aws_samples
import parity

from jackbean.cli.reference import commands_page
from jackbean.core.options.domains import (
    Boolean,
    Choice,
    Codes,
    Decimal,
    Domain,
    Duration,
    Items,
    Json,
    Pairs,
    Text,
    Timestamp,
    Variable,
    Whole,
)
from jackbean.core.options.option import Apply, Option
from jackbean.core.options.rows import ROWS
from jackbean.core.platforms.branch import Branch
from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.names import platform_arn, stack_name

DOCS = Path(__file__).resolve().parent

OPTIONS_HEAD = """\
# Options

<!-- Made from the option table by `./dev docs`. Change the table, not this page. -->

Every option that an environment can be given: by a request, by a saved configuration, or under
`option_settings` in `.ebextensions`. Of several values the request's wins, then the saved
configuration's, then the bundle's, then the default.

* **Checked** options are refused when their value is not one they take. The others are accepted and
  recorded as they are.
* A default in parentheses is what is done when the option is not set; it is not listed among the
  settings of an environment. *AWS* is the default of Elastic Beanstalk, where ours is another.
* **A change** says what it does to an environment that runs: *replaces* its instances,
  *reconfigures* them in place, changes a *resource* beside them or the *database*, affects only
  what is done *from now on*, or is possible *at creation only*.
* A namespace that ends in `<...>` takes a name or a port there; an option named `*` stands for any
  name.
"""

PLATFORMS_HEAD = """\
# Platforms

<!-- Made from the table of platform branches by `./dev docs`. Change the table, not this page. -->

The platform branches of Elastic Beanstalk on Amazon Linux 2023. All of them can be listed and
described; which of them an installation can launch depends on what its machine has, and `eb create`
says what is missing. Ask for one by solution stack, by ARN (without the version: the newest), by
branch name, or in short: `Python 3.11`, `python-3.11`, `python`.
"""

CHANGES = {
    Apply.REPLACE: "replaces",
    Apply.ON_INSTANCE: "reconfigures",
    Apply.RESOURCE: "resource",
    Apply.CONTROL_PLANE: "from now on",
    Apply.DATABASE: "database",
    Apply.CREATE_ONLY: "at creation only",
}
COMMON_TEXT_MAX = 4096


def options_page() -> str:
    ordered = sorted(ROWS, key=lambda row: (row.namespace, row.name, row.platforms))
    sections = (_namespace(ns, list(rows)) for ns, rows in groupby(ordered, lambda r: r.namespace))
    return "\n".join((OPTIONS_HEAD, *sections))


def platforms_page() -> str:
    sections = (
        _platform(name, list(branches))
        for name, branches in groupby(
            sorted(BRANCHES, key=lambda b: (b.platform_name, -b.order)), lambda b: b.platform_name
        )
    )
    return "\n".join((PLATFORMS_HEAD, *sections))


def _namespace(namespace: str, rows: list[Option]) -> str:
    return "\n".join(
        (
            f"## {namespace}\n",
            "| Option | Takes | Default | A change | Checked | |",
            "|---|---|---|---|---|---|",
            *(_option(row) for row in rows),
            "",
        )
    )


def _option(row: Option) -> str:
    cells = (
        f"`{row.name}`",
        takes(row.domain) + (f" ({row.unit})" if row.unit else ""),
        _default(row),
        CHANGES[row.apply],
        "yes" if row.checked else "",
        ". ".join(_remarks(row)),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(row: Option) -> str:
    ours = "" if row.default is None else f"`{row.default}`" if row.default else "empty"
    if row.implied and ours:
        ours = f"({ours})"
    return f"{ours} *AWS: {row.default_aws}*".strip() if row.default_aws else ours


def _remarks(row: Option) -> Iterator[str]:
    yield row.description
    if row.platforms:
        yield f"Platforms: {', '.join(row.platforms)}"
    if row.where:
        yield f"For: {', '.join(row.where)}"
    if row.legacy:
        yield "*Retired platforms only*"


def takes(domain: Domain) -> str:
    """Say what a domain takes, in a few words."""
    match domain:
        case Whole() | Decimal() | Codes() | Duration():
            return _range(domain)
        case Choice(values=values):
            return ", ".join(f"`{value}`" for value in values)
        case Items(each=each, separator=separator):
            return f"list of {takes(each)}" + ("" if separator == "," else f", by `{separator}`")
        case Text(say=say, length_max=most):
            return say or ("text" if most >= COMMON_TEXT_MAX else f"text, up to {most}")
        case _:
            return OTHERS[type(domain)]


OTHERS: dict[type, str] = {
    Boolean: "`true`, `false`",
    Json: "JSON",
    Pairs: "KEY=VALUE, ...",
    Timestamp: "UTC time",
    Variable: "text of any lines",
}


def _range(domain: Whole | Decimal | Codes | Duration) -> str:
    if domain.minimum is None or domain.maximum is None:
        return "whole number"
    kinds = {Whole: "", Decimal: "", Codes: "status codes ", Duration: "PT#H#M#S of seconds "}
    return f"{kinds[type(domain)]}{domain.minimum} to {domain.maximum}"


def _platform(name: str, branches: list[Branch]) -> str:
    newest = branches[0]
    return "\n".join(
        (
            f"## {name}\n",
            "| Branch | Newest solution stack | Versions | State | Port | Bundles |",
            "|---|---|---|---|---|---|",
            *(_branch(branch) for branch in branches),
            f"\nARN of the newest: `{platform_arn('REGION', newest, newest.recommended)}`\n",
        )
    )


def _branch(branch: Branch) -> str:
    cells = (
        branch.name,
        f"`{stack_name(branch, branch.recommended)}`",
        ", ".join(branch.versions),
        branch.lifecycle.value,
        str(branch.port or ""),
        ", ".join(branch.file_types) or "any",
    )
    return f"| {' | '.join(cells)} |"


PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands_page,
    "reference/options.md": options_page,
    "reference/parity.md": parity.page,
    "reference/platforms.md": platforms_page,
}


SAMPLES = "reference/ebextensions-samples.md"


def main(arguments: list[str]) -> int:
    """Write the pages; with --check say which are stale and fail if one is."""
    if arguments[:1] == ["--samples"] and len(arguments) == 2:
        (DOCS / SAMPLES).write_text(aws_samples.page(Path(arguments[1])))
        sys.stdout.write(f"wrote docs/{SAMPLES}\n")
        return 0
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: docs/generate.py [--check | --samples CHECKOUT]\n")
        return 2
    made = {DOCS / name: render() for name, render in PAGES.items()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    if arguments:
        for path in stale:
            sys.stderr.write(f"docs/{path.relative_to(DOCS)} is stale: run ./dev docs\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path])
        sys.stdout.write(f"wrote docs/{path.relative_to(DOCS)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
