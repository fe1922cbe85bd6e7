"""`jackbean runtimes`: which languages are here, which can be fetched, and fetching them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jackbean.core.errors import JackbeanError
from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.runtimes import Need, needs
from jackbean.engines.process import interpreters, shelf
from jackbean.engines.process.paths import Layout
from jackbean.engines.process.shelf import Shelf

HERE, FETCHED, FETCHABLE, MISSING = "on the machine", "fetched", "can be fetched", "missing"


class NoSuchRuntime(JackbeanError):
    """A name that no platform needs."""


def all_needs() -> list[Need]:
    """Return what platforms need, each once, newest first within a language."""
    found = {need for branch in BRANCHES for need in needs(branch)}
    return sorted(found, key=lambda n: (n.language, [-int(p) for p in n.version.split(".")]))


def rows(data_dir: Path) -> list[dict[str, str]]:
    """Return how this machine does for everything that platforms need."""
    kept = Shelf(Layout(data_dir).runtimes, os.environ)
    pythons = interpreters.find()
    return [_python(n, pythons) if n.language == "python" else _row(n, kept) for n in all_needs()]


def _python(need: Need, pythons: dict[str, Any]) -> dict[str, str]:
    found = pythons.get(need.version)
    if found is None:
        return _said(need, MISSING, "", shelf.remedy(need))
    return _said(need, HERE, need.version, str(found.path))


def _row(need: Need, kept: Shelf) -> dict[str, str]:
    here, recipe = kept.here(need), shelf.recipe_of(need)
    if here is not None and need.fits(here.version):
        return _said(need, HERE if here.shared else FETCHED, here.version, str(here.home))
    if recipe is not None:
        return _said(need, FETCHABLE, recipe.version, f"jackbean runtimes add {need.name}")
    if here is not None:
        return _said(need, f"{here.version} stands in", here.version, shelf.remedy(need))
    return _said(need, MISSING, "", shelf.remedy(need))


def _said(need: Need, state: str, version: str, where: str) -> dict[str, str]:
    return {"Name": need.name, "State": state, "Version": version, "Where": where}


def lines(found: list[dict[str, str]]) -> list[str]:
    """Return the rows for people, in columns."""
    widths = {name: max(len(row[name]) for row in found) for name in ("Name", "State", "Version")}
    return [
        "  ".join([*(row[name].ljust(width) for name, width in widths.items()), row["Where"]])
        for row in found
    ]


def add(data_dir: Path, name: str, say: Callable[[str], None]) -> None:
    """Fetch a runtime unless it is here. Raises JackbeanError with what else would bring it."""
    need = next((n for n in all_needs() if n.name == name.lower()), None)
    if need is None or need.language == "python":
        raise NoSuchRuntime(f"No platform needs a runtime {name!r}; see `jackbean runtimes list`.")
    layout = Layout(data_dir)
    layout.make()
    kept = Shelf(layout.runtimes, os.environ)
    here, recipe = kept.here(need), shelf.recipe_of(need)
    if here is not None and need.fits(here.version):
        say(f"{need.title} is here: {here.version} in {here.home}")
        return
    if recipe is None:
        raise shelf.Missing(shelf.missing(need))
    say(shelf.announcement(need, recipe))
    found = kept.fetch(need, recipe)
    say(f"{need.title} is {found.version} in {found.home}")
    if found.lacks:
        say(f"It {found.lacks}.")
