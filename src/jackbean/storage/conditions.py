"""What follows WHERE, put together from the members of a query that are given."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from jackbean.ports.store import EnvironmentQuery, EventQuery

INTEGER_MAX = 2**63 - 1  # what SQLite can compare; further than that is as far as it goes


@dataclass
class Conditions:
    """Texts with one placeholder per value. Only texts of this package, and no values, go in."""

    texts: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, text: str, value: object) -> None:
        self.texts.append(text)
        self.values.append(value)

    def among(self, column: str, wanted: Iterable[str]) -> None:
        """Let only `wanted` through, unless that is empty: then anything."""
        listed = list(wanted)
        if listed:
            listing = "IN (SELECT value FROM json_each(?))"
            self.add(f"{column} {listing}", json.dumps(listed))

    def where(self) -> str:
        return f"WHERE {' AND '.join(self.texts)}" if self.texts else ""


# The first of these that is asked for leads to an index, and the others are kept from it (`+`):
# the fewer rows a column lets through, the earlier it stands. The indexes are partial, so the
# conditions repeat theirs.
EXACT = {
    "request_id": "{}request_id = ? AND request_id <> ''",
    "environment_id": "{}scope = ? AND environment_id <> ''",
    "environment": "{}environment = ? AND environment <> ''",
    "application": "{}application = ?",
    "version_label": "{}version_label = ?",
    "platform_arn": "{}platform_arn = ?",
}


def of_certificates(environment_id: str, number: int | None) -> Conditions:
    found = Conditions(["environment_id = ?"], [environment_id])
    if number is not None:
        found.add("number = ?", _clamped(number))
    return found


def of_events(query: EventQuery) -> Conditions:
    found = Conditions()
    for name, text in EXACT.items():
        value = getattr(query, name)
        if value:
            found.add(text.format("+" if found.texts else ""), value)
    if query.severity is not None:
        found.add("level >= ?", query.severity.level)
    if query.start_ms is not None:
        found.add("date_ms >= ?", _clamped(query.start_ms))
    if query.end_ms is not None:
        found.add("date_ms < ?", _clamped(query.end_ms))
    return found


def page(offset: int, limit: int) -> tuple[int, int]:
    """Return the values for `LIMIT ? OFFSET ?`, where less than nothing is nothing."""
    return (min(max(limit, 0), INTEGER_MAX), min(max(offset, 0), INTEGER_MAX))


def of_environments(query: EnvironmentQuery) -> Conditions:
    found = Conditions()
    if query.terminated_since is None:
        found.texts.append("terminated_at IS NULL")
    else:
        found.add("(terminated_at IS NULL OR terminated_at >= ?)", query.terminated_since)
    for name in ("application", "version_label", "cname_prefix"):
        value = getattr(query, name)
        if value:
            found.add(f"{name} = ?", value)
    found.among("id", query.ids)
    found.among("name", query.names)
    return found


def of_versions(application: str, labels: Iterable[str]) -> Conditions:
    found = Conditions()
    if application:
        found.add("application = ?", application)
    found.among("label", labels)
    return found


def of_applications(names: Iterable[str]) -> Conditions:
    found = Conditions()
    found.among("name", names)
    return found


def _clamped(instant_ms: int) -> int:
    return min(max(instant_ms, -INTEGER_MAX), INTEGER_MAX)
