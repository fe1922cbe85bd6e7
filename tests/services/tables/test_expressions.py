"""Expressions: what they mean, what they refuse, and what requests said before there were any."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.errors import Fault
from jackbean.services.tables import conditions, legacy, paths, syntax, updates
from jackbean.services.tables.syntax import Words

ITEM: dict[str, Any] = {
    "id": {"S": "a1"},
    "age": {"N": "30"},
    "tags": {"SS": ["red", "blue"]},
    "notes": {"L": [{"S": "x"}, {"M": {"deep": {"N": "5"}}}]},
    "home": {"M": {"city": {"S": "Bern"}, "zip": {"N": "3000"}}},
    "raw": {"B": b"\x00\x01"},
    "gone": {"NULL": True},
}
GIVEN = {
    ":n": {"N": "30"},
    ":m": {"N": "31"},
    ":s": {"S": "a"},
    ":red": {"S": "red"},
    ":city": {"S": "Bern"},
    ":five": {"N": "5"},
    ":two": {"N": "2"},
    ":type": {"S": "SS"},
    ":b": {"B": b"\x00"},
}
NAMES = {"#a": "age", "#h": "home"}


class Loose(Words):
    """Words of which some may be left over: the tests share them."""

    def check_used(self) -> None:
        return


def words() -> Words:
    return Loose(NAMES, GIVEN)


MET = {
    "age = :n": True,
    "#a = :n": True,
    "age <> :n": False,
    "age < :m AND age <= :n": True,
    "age > :n OR age >= :n": True,
    "NOT age = :n": False,
    "not (age = :m) and id <> :red": True,
    "age = :m OR age = :n AND id = :red": False,  # AND binds before OR
    "(age = :m OR age = :n) AND begins_with(id, :s)": True,
    "age BETWEEN :five AND :m": True,
    "age IN (:m, :n, :s)": True,
    "age IN (:m)": False,
    "attribute_exists(home.city)": True,
    "attribute_exists(home.street)": False,
    "attribute_not_exists(nothing)": True,
    "attribute_type(tags, :type)": True,
    "contains(tags, :red)": True,
    "contains(tags, :n)": False,
    "contains(notes, :s)": False,
    "notes[1].deep = :five": True,
    "notes[7] = :five": False,
    "#h.city = :city": True,
    "size(tags) = :two": True,
    "size(raw) = :two": True,
    "size(age) = :two": False,
    "begins_with(raw, :b)": True,
    "age > :s": False,  # of another type
    "missing <> :n": True,
    "home.city = home.city": True,
}


@pytest.mark.parametrize(("text", "result"), MET.items(), ids=MET)
def test_conditions(text: str, result: bool) -> None:
    assert conditions.met(syntax.condition(text, "ConditionExpression", words()), ITEM) is result


BAD = [
    "",
    "   ",
    "age",
    "age =",
    "= :n",
    "age = :unknown",
    "#unknown = :n",
    "age = :n AND",
    "age = :n :n",
    "(age = :n",
    "age BETWEEN :n",
    "age IN ()",
    "unknown_function(age)",
    "attribute_exists(age, id)",
    "attribute_exists(:n)",
    "notes[x] = :n",
    "age = :n; DROP",
    "age ? :n",
    "(" * 500 + "age = :n" + ")" * 500,
    "NOT " * 500 + "age = :n",
    "age = :n OR " * 1000 + "age = :n",
    "a" + ".a" * 500 + " = :n",
]


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(Fault) as refused:
        syntax.condition(text, "ConditionExpression", words())
    assert refused.value.code == "ValidationException"
    assert len(refused.value.message) < 400


@given(st.text(alphabet="age:n#[]().,<>=+- ANDORNTBEWIsizt0123456789", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (
        lambda: conditions.met(syntax.condition(text, "F", words()), ITEM),
        lambda: updates.applied(updates.parsed(text, words()), ITEM),
        lambda: paths.picked(ITEM, syntax.projection(text, words())),
    ):
        with suppress(Fault):
            read()


def test_names_and_values_are_used() -> None:
    told = Words({"#a": "age", "#b": "b"}, {":n": {"N": "1"}, ":m": {"N": "1"}})
    syntax.condition("#a = :n", "F", told)
    with pytest.raises(Fault, match=r"unused in expressions: keys: \{#b\}"):
        told.check_used()


# Updates

UPDATED: dict[str, tuple[str, Any]] = {
    "SET age = :m": ("age", {"N": "31"}),
    "SET age = age + :two": ("age", {"N": "32"}),
    "SET age = age - :two": ("age", {"N": "28"}),
    "SET fresh = if_not_exists(age, :m)": ("fresh", {"N": "30"}),
    "SET fresh = if_not_exists(nothing, :m) + :two": ("fresh", {"N": "33"}),
    "SET notes = list_append(notes, notes)": ("notes", {"L": ITEM["notes"]["L"] * 2}),
    "SET notes[0] = :n": ("notes", {"L": [{"N": "30"}, ITEM["notes"]["L"][1]]}),
    "SET notes[9] = :n": ("notes", {"L": [*ITEM["notes"]["L"], {"N": "30"}]}),
    "SET #h.city = :s, #h.street = :red": (
        "home",
        {"M": {"city": {"S": "a"}, "zip": {"N": "3000"}, "street": {"S": "red"}}},
    ),
    "REMOVE age": ("age", None),
    "REMOVE notes[0], notes[1]": ("notes", {"L": []}),
    "REMOVE home.zip": ("home", {"M": {"city": {"S": "Bern"}}}),
    "REMOVE nothing": ("age", {"N": "30"}),
    "ADD age :two": ("age", {"N": "32"}),
    "ADD fresh :two": ("fresh", {"N": "2"}),
    "SET id = :s REMOVE age ADD fresh :two": ("fresh", {"N": "2"}),
    "set fresh = age remove age": ("fresh", {"N": "30"}),  # of the item as it was
}


@pytest.mark.parametrize(("text", "said"), UPDATED.items(), ids=UPDATED)
def test_updates(text: str, said: tuple[str, Any]) -> None:
    before = repr(ITEM)
    made = updates.applied(updates.parsed(text, words()), ITEM)
    assert made.get(said[0]) == said[1]
    assert repr(ITEM) == before


def test_sets_grow_and_shrink() -> None:
    more = Words(None, {":more": {"SS": ["red", "green"]}})
    made = updates.applied(updates.parsed("ADD tags :more", more), ITEM)
    assert made["tags"] == {"SS": ["red", "blue", "green"]}
    assert updates.applied(updates.parsed("DELETE tags :more", more), ITEM)["tags"] == {
        "SS": ["blue"]
    }
    gone = Words(None, {":all": {"SS": ["red", "blue"]}})
    assert "tags" not in updates.applied(updates.parsed("DELETE tags :all", gone), ITEM)


WRONG = [
    "SET age = :n SET id = :s",
    "SET age = :n, age = :m",
    "SET home = :s, home.city = :s",
    "SET missing.inner = :n",
    "SET age = missing",
    "SET age = id + :n",
    "SET notes = list_append(notes, :n)",
    "SET age.inner = :n",
    "ADD age :s",
    "ADD id :n",
    "DELETE tags :n",
    "ADD notes :s",
    "REMOVE missing.inner",
    "MAKE age = :n",
    "SET age",
    "REMOVE",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_update(text: str) -> None:
    with pytest.raises(Fault) as refused:
        updates.applied(updates.parsed(text, words()), ITEM)
    assert refused.value.code == "ValidationException"


def test_projections_keep_their_place() -> None:
    wanted = syntax.projection("age, notes[1].deep, home.city, missing, notes[0]", words())
    assert paths.picked(ITEM, wanted) == {
        "age": {"N": "30"},
        "notes": {"L": [{"S": "x"}, {"M": {"deep": {"N": "5"}}}]},
        "home": {"M": {"city": {"S": "Bern"}}},
    }


# Before there were expressions

OLD: list[tuple[dict[str, Any], str, bool]] = [
    ({"id": {"Exists": False}}, "AND", False),
    ({"missing": {"Exists": False}}, "AND", True),
    ({"age": {"Value": {"N": "30.0"}}}, "AND", True),
    ({"age": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "29"}]}}, "AND", True),
    ({"age": {"ComparisonOperator": "NULL"}, "id": {"ComparisonOperator": "NOT_NULL"}}, "OR", True),
    ({"age": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "1"}]}}, "AND", False),
    (
        {"age": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}, {"N": "99"}]}},
        "AND",
        True,
    ),
    ({"tags": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": "red"}]}}, "", True),
    (
        {"tags": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "red"}]}},
        "",
        False,
    ),
    ({}, "AND", True),
]


@pytest.mark.parametrize(("asked", "how", "result"), OLD)
def test_old_conditions(asked: Any, how: str, result: bool) -> None:
    assert conditions.met(legacy.condition(asked, how), ITEM) is result


@pytest.mark.parametrize(
    "asked",
    [
        {"a": {}},
        {"a": {"Exists": False, "Value": {"S": "x"}}},
        {"a": {"ComparisonOperator": "LIKE", "AttributeValueList": [{"S": "x"}]}},
        {"a": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "x"}]}},
        {"a": {"ComparisonOperator": "EQ", "AttributeValueList": []}},
    ],
)
def test_what_is_no_old_condition(asked: Any) -> None:
    with pytest.raises(Fault, match="One or more parameter values were invalid"):
        legacy.condition(asked, "AND")


def test_old_updates() -> None:
    deeds = legacy.updates(
        {
            "age": {"Action": "ADD", "Value": {"N": "1"}},
            "id": {"Value": {"S": "b"}},
            "home": {"Action": "DELETE"},
            "tags": {"Action": "DELETE", "Value": {"SS": ["red"]}},
        }
    )
    made = updates.applied(deeds, ITEM)
    assert (made["age"], made["id"], made["tags"]) == ({"N": "31"}, {"S": "b"}, {"SS": ["blue"]})
    assert "home" not in made
