"""Every function, what is wrong with each, and bounds on what they can make."""

from __future__ import annotations

import base64
import time
from functools import reduce
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.stacks.functions import evaluate, expressions
from jackbean.stacks.values import RESULT_CHARS_MAX, Unresolved


class Around:
    """A small world."""

    REFS: ClassVar[dict[str, Any]] = {
        "A": "a",
        "List": ["x", "y"],
        "AWS::Region": "r-1",
        "Big": "b" * 500_000,
    }
    CONDITIONS: ClassVar[dict[str, Any]] = {
        "Yes": {"Fn::Equals": [{"Ref": "A"}, "a"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Loop": {"Fn::Not": [{"Condition": "Loop"}]},
        "Odd": "perhaps",
    }

    def ref(self, name: str) -> Any:
        if name not in self.REFS:
            raise Unresolved(f"there is no {name}")
        return self.REFS[name]

    def attribute(self, resource: str, name: str) -> Any:
        return f"{resource}/{name}"

    def option(self, namespace: str, name: str) -> str | None:
        return {("aws:elasticbeanstalk:customoption", "O"): "own", ("n", "O"): "other"}.get(
            (namespace, name)
        )

    def mapped(self, mapping: str, first: str, second: str) -> Any:
        return {("M", "r-1", "K"): "found"}.get((mapping, first, second), "missed")

    def condition(self, name: str) -> Any:
        if name not in self.CONDITIONS:
            raise Unresolved(f"there is no condition {name}")
        return self.CONDITIONS[name]

    def exported(self, name: str) -> Any:
        return f"export {name}"

    def zones(self, region: str) -> list[str]:
        return ["r-1a", "r-1b"]


RESULTS: dict[str, tuple[Any, Any]] = {
    "Ref": ({"Ref": "A"}, "a"),
    "GetAtt": ({"Fn::GetAtt": ["R", "Arn"]}, "R/Arn"),
    "GetAtt as a text": ({"Fn::GetAtt": "R.Endpoint.Port"}, "R/Endpoint.Port"),
    "Join": ({"Fn::Join": ["-", ["1", {"Ref": "A"}, 2, True]]}, "1-a-2-true"),
    "Join a list from elsewhere": ({"Fn::Join": [",", {"Ref": "List"}]}, "x,y"),
    "Join, a part of which is not there": (
        {"Fn::Join": ["-", ["a", {"Ref": "AWS::NoValue"}, "b"]]},
        "a-b",
    ),
    "GetOptionSetting": ({"Fn::GetOptionSetting": {"OptionName": "O"}}, "own"),
    "GetOptionSetting elsewhere": (
        {"Fn::GetOptionSetting": {"Namespace": "n", "OptionName": "O", "DefaultValue": "d"}},
        "other",
    ),
    "GetOptionSetting by default": (
        {"Fn::GetOptionSetting": {"OptionName": "P", "DefaultValue": {"Ref": "A"}}},
        "a",
    ),
    "FindInMap": ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "K"]}, "found"),
    "Sub": ({"Fn::Sub": "${A}/${R.Arn}/${!A}/${AWS::Region}/$A/${"}, "a/R/Arn/${A}/r-1/$A/${"),
    "Sub with variables": ({"Fn::Sub": ["${V}${A}", {"V": {"Ref": "A"}}]}, "aa"),
    "Select": ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
    "Split": ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
    "If": ({"Fn::If": ["Yes", {"Ref": "A"}, {"Ref": "Unknown"}]}, "a"),
    "If not": ({"x": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}}, {}),
    "And, Or": (
        {"Fn::And": [{"Condition": "Yes"}, {"Fn::Or": [{"Condition": "No"}, "true"]}]},
        True,
    ),
    "Base64": ({"Fn::Base64": {"Ref": "A"}}, base64.b64encode(b"a").decode()),
    "GetAZs": ({"Fn::GetAZs": ""}, ["r-1a", "r-1b"]),
    "ImportValue": ({"Fn::ImportValue": {"Fn::Sub": "${A}-x"}}, "export a-x"),
    "no value in a list": ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
    "no value at all": ({"Ref": "AWS::NoValue"}, None),
    "an object that only looks so": ({"Ref": "A", "b": 1}, {"Ref": "A", "b": 1}),
    "deep inside": ({"a": [{"b": {"Ref": "A"}}]}, {"a": [{"b": "a"}]}),
    "backticks": ("x `{\"Ref\":\"A\"}` y ` {\"Ref\": \"List\"} ` z", "x a y x,y z"),
    "a shell's backticks": ("`date` `{ ls; }` `{\"a\":1}`", "`date` `{ ls; }` `{\"a\":1}`"),
    "backticks in JSON": (
        '{"name": "`{"Fn::Join":["/", ["/aws", { "Ref":"A" }, "log"]]}`"}',
        '{"name": "/aws/a/log"}',
    ),
    "no value in backticks": ('[`{"Ref":"AWS::NoValue"}`]', "[]"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "wanted"), RESULTS.values(), ids=RESULTS)
def test_results(value: Any, wanted: Any) -> None:
    assert evaluate(value, Around(), backticks=True) == (wanted, ())


def test_texts_are_left_alone_in_templates() -> None:
    text = '`{"Ref":"A"}`'
    assert evaluate(text, Around()) == (text, ())


WRONG: dict[str, tuple[Any, str]] = {
    "an unknown name": ({"Ref": "B"}, "there is no B"),
    "an unknown function": ({"Fn::Foo": 1}, "Fn::Foo is not a function"),
    "an option that is not set": (
        {"Fn::GetOptionSetting": {"OptionName": "P"}},
        "option 'P' in aws:elasticbeanstalk:customoption is not set; give a DefaultValue",
    ),
    "an option without a name": ({"Fn::GetOptionSetting": "P"}, "takes OptionName"),
    "a join of one": ({"Fn::Join": ["a"]}, "Fn::Join takes a list of 2"),
    "a join of a text": ({"Fn::Join": ["a", "b"]}, "takes a separator and a list"),
    "a join of lists": ({"Fn::Join": ["a", [["b"]]]}, "a single value is expected, not a list"),
    "a selection beyond": ({"Fn::Select": [2, ["a"]]}, "item 2 of a list of 1"),
    "a selection by name": ({"Fn::Select": ["x", ["a"]]}, "takes a number"),
    "an endless condition": ({"Fn::If": ["Loop", 1, 2]}, "depends on itself"),
    "neither true nor false": ({"Fn::If": ["Odd", 1, 2]}, "true or false, not 'perhaps'"),
    "an empty separator": ({"Fn::Split": ["", "ab"]}, "Fn::Split"),
    "a substitution of a list": ({"Fn::Sub": "${List}"}, "a single value is expected"),
    "in backticks": ('`{"Ref":"B"}`', "there is no B"),
    "in backticks, a list of lists": ('`{"Fn::If":["Yes",[["a"]],1]}`', "a single value"),
}


@pytest.mark.parametrize(("value", "says"), WRONG.values(), ids=WRONG)
def test_faults(value: Any, says: str) -> None:
    _, (fault,) = evaluate({"a": [value]}, Around(), backticks=True)
    assert fault.path == ("a", 0)
    assert says in fault.text


def test_all_faults_are_found_at_once() -> None:
    value = {"a": {"Ref": "B"}, "b": {"Fn::Join": ["", [{"Ref": "C"}, {"Ref": "D"}]]}, "c": 1}
    _, faults = evaluate(value, Around())
    assert [(f.path, f.text) for f in faults] == [
        (("a",), "there is no B"),
        (("b",), "there is no C"),
    ]


def doubling(levels: int) -> Any:
    value: Any = "x" * 100
    for _ in range(levels):
        value = {"Fn::Sub": ["${V}${V}", {"V": value}]}
    return value


BRANCHING = {f"c{n}": {"Fn::And": [{"Condition": f"c{n + 1}"}] * 10} for n in range(60)}


class Branching(Around):
    def condition(self, name: str) -> Any:
        return BRANCHING.get(name, "true")


BOMBS: dict[str, Any] = {
    "doubling": doubling(40),
    "a long separator": {"Fn::Join": [{"Ref": "Big"}, ["a"] * 10_000]},
    "a large reference, often": [{"Ref": "Big"}] * 10_000,
    "a large variable, often": {"Fn::Sub": "${Big}" * 10_000},
    "depth": reduce(lambda v, _: [v], range(150), "x"),
    "conditions of conditions": {"Fn::If": ["c0", 1, 2]},
}


@pytest.mark.parametrize("value", BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_quickly(value: Any) -> None:
    began = time.monotonic()
    found, (fault,) = evaluate(value, Branching(), backticks=True)
    assert found is None
    assert "over 4 MB" in fault.text or "nested more than" in fault.text
    assert time.monotonic() - began < 5


HOSTILE = st.text(alphabet='`{}":,[]\\ RefFn:Join A1', max_size=300)


@settings(max_examples=300, deadline=None)
@given(HOSTILE)
def test_any_text_is_read(text: str) -> None:
    found, _ = evaluate(text, Around(), backticks=True)
    assert isinstance(found, str)


def test_long_texts_of_backticks_take_no_time() -> None:
    began = time.monotonic()
    for piece in ("`{", '`{"a":', '`{"Ref":"A"}`', '":"`{', "`{" + "[" * 900):
        assert len(expressions(piece * (500_000 // len(piece)))) <= 2_000
    assert time.monotonic() - began < 10


def test_a_result_within_bounds_is_fine() -> None:
    value = ["x" * 1000] * (RESULT_CHARS_MAX // 1100)
    assert evaluate(value, Around()) == (value, ())
