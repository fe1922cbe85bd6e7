"""The option table: every option that may be set, and how to find the row for a name.

Rows are data, in `rows`; this module only looks things up. Three things make that more than a
dictionary. A namespace may end in a name of the user's choosing (`...:process:<process_name>`), an
option may have any name at all (`*`: environment properties), and a row may belong to some
platforms only, where it adds an option or another default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from jackbean.core.options.domains import Choice
from jackbean.core.options.option import Option
from jackbean.core.options.rows import ROWS


class OptionTable:
    """The rows for one platform (named as clients see it: "Python"), or for all when it is ""."""

    def __init__(self, rows: Iterable[Option], platform: str = "") -> None:
        self.platform = platform
        self._all = tuple(rows)
        chosen: dict[tuple[str, str], Option] = {}
        for row in self._all:
            if self._belongs(row):
                known = chosen.get((row.namespace, row.name))
                chosen[row.namespace, row.name] = _either(known, row) if known else row
        self._rows = chosen
        self._prefixes = _prefixes(row.namespace for row in self._all)
        self._namespaces = frozenset(row.namespace for row in self._all)

    def __iter__(self) -> Iterator[Option]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def for_platform(self, platform: str) -> OptionTable:
        return OptionTable(self._all, platform)

    def find(self, namespace: str, name: str) -> Option | None:
        """Return the row for an option, under its own name; None where there is none."""
        row = self.row(namespace, name)
        return row.named(namespace, name) if row else None

    def row(self, namespace: str, name: str) -> Option | None:
        """Return the row that stands for an option, as it is in the table."""
        pattern = self.pattern_of(namespace)
        return self._rows.get((pattern, name)) or self._rows.get((pattern, "*"))

    def elsewhere(self, namespace: str, name: str) -> tuple[str, ...]:
        """Return the platforms that have an option which this one lacks."""
        pattern = self.pattern_of(namespace)
        rows = [r for r in self._all if r.namespace == pattern and r.name in {name, "*"}]
        return tuple(sorted({p for row in rows if not self._belongs(row) for p in row.platforms}))

    def knows(self, namespace: str) -> bool:
        return self.pattern_of(namespace) in self._namespaces

    def pattern_of(self, namespace: str) -> str:
        """Return the namespace as rows have it: `x:<y>` where the end is for the user to name."""
        if namespace in self._namespaces:
            return namespace
        head, _, tail = namespace.rpartition(":")
        while head:
            if tail and head in self._prefixes:
                return self._prefixes[head]
            head, _, more = head.rpartition(":")
            tail = f"{more}:{tail}"
        return namespace

    def names(self, namespace: str) -> tuple[str, ...]:
        pattern = self.pattern_of(namespace)
        return tuple(name for ns, name in self._rows if ns == pattern)

    def namespaces(self) -> tuple[str, ...]:
        return tuple(sorted(self._namespaces))

    def _belongs(self, row: Option) -> bool:
        return not row.platforms or not self.platform or self.platform in row.platforms


@cache
def options(platform: str = "") -> OptionTable:
    """Return the table of a platform; made once each, for tables never change."""
    return OptionTable(ROWS, platform)


def _either(known: Option, row: Option) -> Option:
    """Return what stands for two platforms' rows where no platform is given, or the nearer one."""
    if not known.platforms or not row.platforms:
        return row if row.platforms else known
    if isinstance(known.domain, Choice) and isinstance(row.domain, Choice):
        values = dict.fromkeys((*known.domain.values, *row.domain.values))
        known = replace(known, domain=Choice(tuple(values)))
    return replace(known, platforms=tuple(sorted({*known.platforms, *row.platforms})))


def _prefixes(namespaces: Iterable[str]) -> dict[str, str]:
    return {ns.rpartition(":")[0]: ns for ns in namespaces if ns.endswith(">")}
