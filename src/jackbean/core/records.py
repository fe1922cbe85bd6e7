"""Changing frozen records fast: `replace` as in `dataclasses`, at the cost of copying a dictionary.

The one of the standard library reads every field by name and sets each through the check that
keeps a record frozen: some 15 us for a record of thirty fields. A turn changes a dozen of them and
a simulated history has hundreds of turns, so that was a third of all its time.

PyPy, which lives long runs of histories, keeps no dictionary for a record until it is asked for
one: there that way took 12 us. A line of its own for each field, as in what builds a record, takes
half a microsecond.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["replace"]

Record = TypeVar("Record")
MISSING = object()
Copier = Callable[[Any, Mapping[str, Any]], Any]
COPIERS: dict[type[Any], Copier] = {}

if TYPE_CHECKING:  # the type checker knows this one, and holds every change against its field
    from dataclasses import replace
elif sys.implementation.name == "pypy":

    def replace(record: Record, /, **changes: Any) -> Record:
        """As below."""
        for name, value in changes.items():
            if getattr(record, name, MISSING) is not value:
                break
        else:
            return record
        kind = type(record)
        return (COPIERS.get(kind) or _copier(kind))(record, changes)
else:

    def replace(record: Record, /, **changes: Any) -> Record:
        """Return `record`, which has no slots, with other values for some of its fields.

        It is the very same one where they are what they were. What a record checks when it is
        built is checked again. Raises TypeError for what is no field of it.
        """
        known = record.__dict__
        for name, value in changes.items():
            if known.get(name, MISSING) is not value:
                break
        else:
            return record
        made = object.__new__(type(record))
        facts = made.__dict__
        facts.update(known)
        facts.update(changes)
        if len(facts) != len(known):
            _refuse(type(record), facts.keys() - known.keys())
        if hasattr(made, "__post_init__"):
            made.__post_init__()
        return made


def _copier(kind: type[Any]) -> Copier:
    """Return what copies records of a kind with changes, field by field, and remember it."""
    names = [field.name for field in fields(kind)]
    lines = [
        "def copied(record, changes):",
        "    made, left = new(kind), len(changes)",
        *(LINES.format(name=name) for name in names),
        "    if left:",
        "        refuse(kind, changes.keys() - names)",
        "    made.__post_init__()" if hasattr(kind, "__post_init__") else "",
        "    return made",
    ]
    scope: dict[str, Any] = {
        "kind": kind,
        "names": frozenset(names),
        "new": object.__new__,
        "put": object.__setattr__,
        "refuse": _refuse,
    }
    exec("\n".join(lines), scope)  # noqa: S102 - of names of our own, as dataclasses does it
    copier: Copier = COPIERS.setdefault(kind, scope["copied"])
    return copier


LINES = """\
    if "{name}" in changes:
        left -= 1
        put(made, "{name}", changes["{name}"])
    else:
        put(made, "{name}", record.{name})"""


def _refuse(kind: type[Any], unknown: set[str]) -> None:
    raise TypeError(f"{kind.__name__} has no field {', '.join(sorted(unknown))}")
