"""Filters of ListPlatformVersions and ListPlatformBranches: all must match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jackbean.core.errors import invalid
from jackbean.core.platforms.branch import version_key

FILTERS_MAX = 10
VALUES_MAX = 10

Facts = Mapping[str, tuple[str, ...]]  # what is known of one item, by the name of the filter
ANY_CASE = frozenset({"LifecycleState", "PlatformLifecycleState"})
VERSION = "PlatformVersion"


@dataclass(frozen=True)
class Filter:
    """`name` is the Type of a version filter, the Attribute of a branch filter."""

    name: str
    operator: str
    values: tuple[str, ...]


Compare = Callable[[str, str], bool]

OPERATORS: dict[str, Compare] = {
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have == want,
    "<": lambda have, want: have < want,
    "<=": lambda have, want: have <= want,
    ">": lambda have, want: have > want,
    ">=": lambda have, want: have >= want,
    "contains": lambda have, want: want in have,
    "begins_with": lambda have, want: have.startswith(want),
    "ends_with": lambda have, want: have.endswith(want),
    "in": lambda have, want: have == want,
    "not_in": lambda have, want: have == want,
}
NEGATED = frozenset({"!=", "not_in"})
ORDERED: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<": lambda have, want: have < want,
    "<=": lambda have, want: have <= want,
    ">": lambda have, want: have > want,
    ">=": lambda have, want: have >= want,
}


def check_filters(filters: Sequence[Filter], names: Sequence[str]) -> None:
    """Raise a Fault for a filter that cannot be understood."""
    if len(filters) > FILTERS_MAX:
        raise invalid(f"There are {len(filters)} filters; at most {FILTERS_MAX} are allowed.")
    for wanted in filters:
        if wanted.name not in names:
            raise invalid(f"'{wanted.name[:80]}' is no filter here; use {', '.join(names)}.")
        if wanted.operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise invalid(f"'{wanted.operator[:80]}' is no operator of filters; use {known}.")
        if not 1 <= len(wanted.values) <= VALUES_MAX:
            raise invalid(f"Filter {wanted.name} needs one to {VALUES_MAX} values.")


def matches(filters: Sequence[Filter], facts: Facts) -> bool:
    return all(_matches(wanted, facts) for wanted in filters)


def _matches(wanted: Filter, facts: Facts) -> bool:
    found = any(
        _compare(wanted, have, value) for have in facts[wanted.name] for value in wanted.values
    )
    return found is not (wanted.operator in NEGATED)


def _compare(wanted: Filter, have: str, want: str) -> bool:
    if wanted.name == VERSION and wanted.operator in ORDERED:
        try:
            return ORDERED[wanted.operator](version_key(have), version_key(want))
        except ValueError:
            return False
    if wanted.name in ANY_CASE:
        have, want = have.casefold(), want.casefold()
    return OPERATORS[wanted.operator](have, want)
