"""Virtual time, and identifiers from a seed."""

from __future__ import annotations

import re
import uuid

import pytest

from jackbean.simulator.clock import SeededIds, VirtualClock


def test_time_stands_still_until_it_is_moved_and_never_goes_back() -> None:
    clock = VirtualClock(100.0)
    assert [clock.now(), clock.now()] == [100.0, 100.0]
    clock.advance(2.5)
    clock.set(103.0)
    assert clock.now() == 103.0
    with pytest.raises(ValueError, match=r"103\.0 and cannot go back to 102"):
        clock.set(102)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)
    assert clock.now() == 103.0


def drawn(seed: int) -> list[str]:
    ids = SeededIds(seed)
    return [ids.environment(), ids.instance(), ids.request(), ids.suffix(12), ids.secret()]


def test_a_seed_reproduces_its_identifiers() -> None:
    assert drawn(1) == drawn(1)
    assert not set(drawn(1)) & set(drawn(2))


def test_identifiers_have_the_shapes_that_clients_expect() -> None:
    environment, instance, request, suffix, secret = drawn(3)
    assert re.fullmatch(r"e-[a-z0-9]{10}", environment)
    assert re.fullmatch(r"i-[0-9a-f]{17}", instance)
    assert str(uuid.UUID(request)) == request
    assert re.fullmatch(r"[A-Z0-9]{12}", suffix)
    assert len(secret) >= 32


def test_nothing_is_handed_out_twice() -> None:
    ids = SeededIds(4)
    assert len({ids.suffix(1) for _ in range(36)}) == 36
    with pytest.raises(ValueError, match="ask for a longer one"):
        ids.suffix(1)
