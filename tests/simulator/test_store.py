"""A crash can be placed on either side of a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from jackbean.core.applications import Application, Version
from jackbean.core.errors import Conflict
from jackbean.ports.store import Change, PutApplication, PutVersion
from jackbean.simulator.clock import VirtualClock
from jackbean.simulator.store import MemoryStore


class Crash(BaseException):
    """The control plane is killed."""


def crash(_: Sequence[Change]) -> None:
    raise Crash


def names(store: MemoryStore) -> list[str]:
    return [a.name for a in asyncio.run(store.applications())]


def test_a_crash_before_a_commit_leaves_nothing_of_it() -> None:
    store = MemoryStore(VirtualClock(), before_commit=crash)
    with pytest.raises(Crash):
        asyncio.run(store.commit([PutApplication(Application("app"))]))
    assert names(store) == []


def test_a_crash_after_a_commit_leaves_all_of_it() -> None:
    store = MemoryStore(VirtualClock(), after_commit=crash)
    with pytest.raises(Crash):
        asyncio.run(store.commit([PutApplication(Application("app"))]))
    assert names(store) == ["app"]


def test_hooks_are_told_the_changes_and_a_refused_commit_takes_no_effect() -> None:
    before: list[Sequence[Change]] = []
    after: list[Sequence[Change]] = []
    store = MemoryStore(VirtualClock(), before_commit=before.append, after_commit=after.append)
    refused: list[Change] = [PutVersion(Version("nobody", "v1"))]
    with pytest.raises(Conflict):
        asyncio.run(store.commit(refused))
    assert (before, after) == ([refused], [])
