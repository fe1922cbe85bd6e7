"""Lists against a model: all entries in order, written down at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.core.errors import Fault
from jackbean.ports.buckets import Cursor
from jackbean.services.objects.listing import ListQuery, Page, page

ALPHABET = st.sampled_from(["a", "b", "/", "-", "é", "\uffff", "\U0001f600", "\x01"])
NAMES = st.text(ALPHABET, max_size=5)
KEYS = st.sets(NAMES.filter(bool), max_size=25)
DELIMITERS = st.sampled_from(["", "/", "a", "//", "é"])


@dataclass(frozen=True)
class Row:
    key: str


class Rows:
    """Rows as a store hands them out, and how often it was asked."""

    def __init__(self, keys: set[str], prefix: str) -> None:
        self._keys = sorted(key for key in keys if key.startswith(prefix))
        self.asked = 0

    async def fetch(self, after: Cursor, limit: int) -> list[Row]:
        self.asked += 1
        assert self.asked < 1000
        return [Row(key) for key in self._keys if key.encode() > after.key][:limit]


def listed(rows: Rows, query: ListQuery) -> Page[Row]:
    return asyncio.run(page(rows.fetch, lambda row: Cursor(row.key.encode()), query))


def model(keys: set[str], query: ListQuery) -> list[str]:
    entries = set()
    for key in keys:
        if key.startswith(query.prefix):
            head, found, _ = key[len(query.prefix) :].partition(query.delimiter or "\x00none")
            entries.add(query.prefix + head + found if found else key)
    return sorted(entry for entry in entries if entry > query.after)


def entries(result: Page[Row]) -> list[str]:
    return sorted([*(row.key for row in result.items), *result.prefixes])


@settings(max_examples=300, deadline=None)
@given(KEYS, NAMES, DELIMITERS, NAMES, st.integers(1, 8))
def test_a_page_is_a_piece_of_the_model(keys, prefix, delimiter, after, limit):
    query = ListQuery(prefix, delimiter, after, limit=limit)
    expected = model(keys, query)
    found = listed(Rows(keys, prefix), query)
    assert entries(found) == expected[:limit]
    assert found.truncated == (len(expected) > limit)
    assert found.last == (expected[:limit] or [""])[-1]


@settings(max_examples=150, deadline=None)
@given(KEYS, NAMES, DELIMITERS, st.integers(1, 4))
def test_pages_put_together_are_the_whole(keys, prefix, delimiter, limit):
    query = ListQuery(prefix, delimiter, limit=limit)
    whole, more = [], True
    while more:
        found = listed(Rows(keys, prefix), query)
        whole += entries(found)
        query, more = replace(query, after=found.last), found.truncated
    assert whole == model(keys, ListQuery(prefix, delimiter))


def test_a_large_group_costs_one_jump_and_not_a_walk():
    rows = Rows({f"a/{n:05}" for n in range(20_000)} | {"b"}, "")
    found = listed(rows, ListQuery(delimiter="/", limit=10))
    assert entries(found) == ["a/", "b"]
    assert rows.asked <= 3


def test_no_entries_are_asked_for():
    assert listed(Rows({"a"}, ""), ListQuery(limit=0)) == Page()


def test_a_page_has_at_most_a_thousand_entries():
    found = listed(Rows({f"{n:05}" for n in range(1200)}, ""), ListQuery(limit=5000))
    assert (len(found.items), found.truncated, found.last) == (1000, True, "00999")


def test_fewer_than_none_is_a_fault():
    with pytest.raises(Fault, match="negative"):
        listed(Rows(set(), ""), ListQuery(limit=-1))
