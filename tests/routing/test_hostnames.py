"""Names lead somewhere at every moment between two publications."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jackbean.routing.hostnames import LINGER_S, Hostnames

A, B = frozenset({"a.test"}), frozenset({"b.test"})


def test_names_lead_to_who_wants_them() -> None:
    names = Hostnames().publish("e-1", A | B, 0)
    assert names.owners == {"a.test": "e-1", "b.test": "e-1"}
    assert names.publish("e-1", A | B, 1) is names


def test_a_swap_leaves_no_name_alone_whoever_is_first() -> None:
    before = Hostnames().publish("e-1", A, 0).publish("e-2", B, 0)
    half = before.publish("e-1", B, 1)
    assert half.owners == {"a.test": "e-1", "b.test": "e-1"}
    assert half.publish("e-2", A, 1).owners == {"a.test": "e-2", "b.test": "e-1"}
    half = before.publish("e-2", A, 1)
    assert half.owners == {"a.test": "e-2", "b.test": "e-2"}
    swapped = half.publish("e-1", B, 1)
    assert swapped.owners == {"a.test": "e-2", "b.test": "e-1"}
    assert swapped.dropped == {}


def test_a_name_that_was_given_up_lingers_and_ends() -> None:
    names = Hostnames().publish("e-1", A, 0).publish("e-1", B, 10)
    assert names.expire(10 + LINGER_S / 2).owners == {"a.test": "e-1", "b.test": "e-1"}
    late = names.expire(10 + LINGER_S)
    assert late.owners == {"b.test": "e-1"}
    assert late.expire(99) is late


def test_a_name_goes_back_to_who_still_wants_it() -> None:
    both = Hostnames().publish("e-1", A, 0).publish("e-2", A, 1)
    assert both.owners == {"a.test": "e-2"}
    assert both.withdraw("e-2").owners == {"a.test": "e-1"}
    given_up = both.publish("e-2", B, 2)
    assert given_up.owners == {"a.test": "e-1", "b.test": "e-2"}
    assert given_up.dropped == {}


def test_what_ends_takes_its_names_along() -> None:
    names = Hostnames().publish("e-1", A, 0).publish("e-1", B, 1).withdraw("e-1")
    assert names == Hostnames()


environments = st.sampled_from(["e-1", "e-2", "e-3"])
hostnames = st.frozensets(st.sampled_from(["a", "b", "c", "d"]), max_size=3)
steps = st.lists(st.tuples(environments, st.none() | hostnames, st.floats(0, 3)), max_size=15)


@given(steps)
def test_in_any_history_wanted_names_lead_to_someone_who_wants_them(
    history: list[tuple[str, frozenset[str] | None, float]],
) -> None:
    names, now, wanted = Hostnames(), 0.0, dict[str, frozenset[str]]()
    for environment, asked, pause in history:
        now += pause
        names = names.expire(now)
        if asked is None:
            names = names.withdraw(environment)
            wanted.pop(environment, None)
        else:
            names = names.publish(environment, asked, now)
            wanted[environment] = asked
        for name, owner in names.owners.items():
            assert owner in wanted
            assert name in wanted[owner] or name in names.dropped
        for name in frozenset[str]().union(*wanted.values()):
            assert name in wanted[names.owners[name]]
    assert names.expire(now + LINGER_S + 1).dropped == {}
