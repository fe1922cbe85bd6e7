"""Values: one spelling, an order that bytes keep, equality, and what is refused."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jackbean.core.errors import Fault
from jackbean.services.tables import values
from jackbean.services.tables.definitions import packed, unpacked

NUMBERS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent, Context(prec=400)),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(-130, 87),
)
SCALARS = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    NUMBERS.map(lambda found: {"N": str(found)}),
    st.binary(max_size=5).map(lambda data: {"B": data}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
    st.sets(st.text(max_size=3), min_size=1, max_size=3).map(lambda found: {"SS": sorted(found)}),
    st.sets(st.binary(max_size=3), min_size=1, max_size=3).map(lambda found: {"BS": sorted(found)}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: {"L": found}),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(lambda found: {"M": found}),
    ),
    max_leaves=6,
)


@given(NUMBERS, NUMBERS)
def test_bytes_sort_as_numbers_do(one: Decimal, other: Decimal) -> None:
    left, right = (values.sort_key({"N": str(found)}) for found in (one, other))
    assert (left < right) is (one < other)
    assert (left == right) is (one == other)


@given(st.text(max_size=6), st.text(max_size=6))
def test_bytes_sort_as_texts_do(one: str, other: str) -> None:
    left, right = (values.sort_key({"S": text}) for text in (one, other))
    assert (left < right) is (one.encode() < other.encode())


@given(NUMBERS)
def test_a_number_keeps_its_value(found: Decimal) -> None:
    told = values.checked({"N": str(found)})["N"]
    assert Decimal(told) == found
    assert "E" not in told
    assert told == values.checked({"N": told})["N"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("1.0", "1"),
        ("-0", "0"),
        ("1e3", "1000"),
        ("0.10", "0.1"),
        ("-12.50", "-12.5"),
        (".5", "0.5"),
    ],
)
def test_spellings(said: str, told: str) -> None:
    assert values.checked({"N": said}) == {"N": told}


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_an_item_comes_back_as_it_was_kept(item: dict[str, Any]) -> None:
    kept = values.checked_item(item)
    assert unpacked(packed(kept)) == kept
    assert values.same({"M": kept}, {"M": unpacked(packed(kept))})
    assert values.size_of_item(kept) >= sum(len(name.encode()) for name in item)


@given(VALUES, VALUES)
def test_equality_knows_types(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume(list(one) != list(other))
    assert not values.same(values.checked(one), values.checked(other))
    assert values.order(values.checked(one), values.checked(other)) is None


def test_sets_have_no_order() -> None:
    assert values.same({"SS": ["a", "b"]}, {"SS": ["b", "a"]})
    assert not values.same({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]})


REFUSED: dict[str, Any] = {
    "nothing": {},
    "two types": {"S": "a", "N": "1"},
    "no number": {"N": "one"},
    "a number too long": {"N": "1" * 39},
    "too large": {"N": "1e126"},
    "too small": {"N": "1e-131"},
    "an endless number": {"N": "9" * 5000},
    "a huge exponent": {"N": "1e9999999"},
    "an empty set": {"SS": []},
    "a set with one twice": {"NS": ["1", "1.0"]},
    "no null": {"NULL": False},
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_is_no_value(value: Any) -> None:
    for wrapped in (value, {"L": [value]}, {"M": {"a": value}}):
        with pytest.raises(Fault) as refused:
            values.checked(wrapped)
        assert refused.value.code == "ValidationException"


def test_too_deep_and_too_large() -> None:
    deep: dict[str, Any] = {"S": "x"}
    for _ in range(40):
        deep = {"L": [deep]}
    with pytest.raises(Fault, match="Nesting Levels"):
        values.checked(deep)
    with pytest.raises(Fault, match="Item size"):
        values.checked_item({"a": {"S": "x" * (400 * 1024)}})
