"""Filter policies: every kind of condition, what cannot be set, what takes for ever elsewhere."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.services.queues.digests import Attribute
from jackbean.services.topics import filters
from jackbean.services.topics.filters import BadPolicy, loaded, passes_attributes, passes_body

SHOP = {
    "store": Attribute("String", "example_corp"),
    "price": Attribute("Number", "210.75"),
    "interests": Attribute("String.Array", '["soccer", "rugby", 3, null]'),
    "ip": Attribute("String", "10.0.0.25"),
    "picture": Attribute("Binary", b"\0"),
}


@pytest.mark.parametrize(
    ("policy", "passes"),
    [
        ({}, True),
        ({"store": ["example_corp"]}, True),
        ({"store": ["other", "example_corp"]}, True),
        ({"store": ["Example_corp"]}, False),
        ({"absent": ["x"]}, False),
        ({"store": ["example_corp"], "absent": ["x"]}, False),
        ({"store": [{"prefix": "exam"}]}, True),
        ({"store": [{"suffix": "corp"}]}, True),
        ({"store": [{"prefix": "corp"}]}, False),
        ({"store": [{"equals-ignore-case": "EXAMPLE_CORP"}]}, True),
        ({"store": [{"wildcard": "ex*le_*"}]}, True),
        ({"store": [{"wildcard": "ex*x*"}]}, False),
        ({"store": [{"anything-but": ["x", "y"]}]}, True),
        ({"store": [{"anything-but": "example_corp"}]}, False),
        ({"store": [{"anything-but": {"prefix": "exam"}}]}, False),
        ({"store": [{"anything-but": {"suffix": "exam"}}]}, True),
        ({"absent": [{"anything-but": "x"}]}, False),
        ({"price": [210.75]}, True),
        ({"price": ["210.75"]}, False),
        ({"price": [{"numeric": ["=", 210.75]}]}, True),
        ({"price": [{"numeric": [">", 200, "<=", 210]}]}, False),
        ({"price": [{"numeric": [">=", 200, "<", 300]}]}, True),
        ({"interests": ["rugby"]}, True),
        ({"interests": [3]}, True),
        ({"interests": [None]}, True),
        ({"interests": ["tennis"]}, False),
        ({"store": [{"exists": True}]}, True),
        ({"store": [{"exists": False}]}, False),
        ({"absent": [{"exists": False}]}, True),
        ({"picture": [{"exists": True}]}, True),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, True),
        ({"ip": [{"cidr": "10.0.1.0/24"}]}, False),
        ({"$or": [{"absent": ["x"]}, {"store": ["example_corp"]}]}, True),
        ({"$or": [{"absent": ["x"]}, {"store": ["other"]}], "price": [210.75]}, False),
    ],
)
def test_attributes(policy, passes):
    assert passes_attributes(loaded(json.dumps(policy)), SHOP) is passes


@pytest.mark.parametrize(
    ("policy", "passes"),
    [
        ({"a": {"b": ["x"]}}, True),
        ({"a": {"b": ["y"]}}, False),
        ({"a": {"c": [{"exists": False}]}}, True),
        ({"list": {"k": [2]}}, True),
        ({"list": {"k": [3]}}, False),
        ({"flag": [True]}, True),
        ({"flag": [1]}, False),
        ({"nothing": [None]}, True),
        ({"none": {"deep": [{"exists": False}]}}, True),
    ],
)
def test_bodies(policy, passes):
    body = {"a": {"b": "x"}, "list": [{"k": 1}, {"k": 2}], "flag": True, "nothing": None}
    assert passes_body(loaded(json.dumps(policy)), json.dumps(body)) is passes
    assert not passes_body(loaded(json.dumps(policy)), "no json")
    assert not passes_body(loaded(json.dumps(policy)), "[]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a": "x"}',
        '{"a": []}',
        '{"a": [["x"]]}',
        '{"a": [{"unknown": 1}]}',
        '{"a": [{"prefix": 1}]}',
        '{"a": [{"prefix": "a", "suffix": "b"}]}',
        '{"a": [{"numeric": ["=", "1"]}]}',
        '{"a": [{"numeric": ["~", 1]}]}',
        '{"a": [{"numeric": ["="]}]}',
        '{"a": [{"exists": 1}]}',
        '{"a": [{"cidr": "10.0.0.0/99"}]}',
        '{"a": [{"cidr": 5}]}',
        '{"a": [{"anything-but": []}]}',
        '{"a": [{"anything-but": {"numeric": 1}}]}',
        '{"$or": [1, 2]}',
        '{"a": ' * 40 + "[1]" + "}" * 40,
        "[" * 100_000,
        json.dumps({str(n): ["x"] for n in range(1001)}),
    ],
)
def test_policies_that_cannot_be_set(text):
    with pytest.raises(BadPolicy):
        loaded(text)


def test_wildcards_that_take_for_ever_elsewhere_do_not():
    policy = loaded(json.dumps({"a": [{"wildcard": "a*" * 100 + "b"}]}))
    began = time.perf_counter()
    assert not passes_attributes(policy, {"a": Attribute("String", "a" * 200_000)})
    assert time.perf_counter() - began < 2


CONDITIONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["prefix", "numeric", "exists", "anything-but", "a"]), inner
        )
    ),
)


@given(st.dictionaries(st.sampled_from(["a", "b", "$or"]), CONDITIONS), CONDITIONS)
def test_what_can_be_set_can_be_asked(policy, document):
    try:
        found = loaded(json.dumps(policy))
    except BadPolicy:
        return
    assert passes_body(found, json.dumps({"a": document})) in (True, False)
    assert passes_attributes(found, SHOP) in (True, False)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_wildcards_are_what_a_regular_expression_says(pattern, text):
    import re

    told = re.fullmatch(re.sub(r"\*+", ".*", pattern), text) is not None
    assert filters._like(pattern, text) is told
