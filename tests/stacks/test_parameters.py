"""Values of parameters against what a template says of them."""

from __future__ import annotations

from typing import Any

import pytest

from jackbean.stacks.parameters import hidden, wrong

CASES: dict[str, tuple[dict[str, Any], dict[str, str], list[str]]] = {
    "a default": ({"P": {"Default": "a"}}, {}, []),
    "an empty one": ({"P": {"Default": ""}}, {}, []),
    "nothing": ({"P": {}, "Q": {}}, {"Q": "1"}, ["Parameters: [P] must have values"]),
    "too many": ({}, {"X": "1"}, ["Parameters: [X] do not exist in the template"]),
    "one of some": ({"P": {"AllowedValues": ["1", 2]}}, {"P": "2"}, []),
    "none of them": (
        {"P": {"AllowedValues": ["1", 2]}},
        {"P": "3"},
        ["Parameter 'P' must be one of AllowedValues"],
    ),
    "no number": ({"P": {"Type": "Number"}}, {"P": "x"}, ["Parameter 'P' must be a number"]),
    "too small": (
        {"P": {"Type": "Number", "MinValue": "2"}},
        {"P": "1"},
        ["Parameter 'P' must be a number not less than 2"],
    ),
    "too large": (
        {"P": {"Type": "Number", "MaxValue": 2, "Default": 3}},
        {},
        ["Parameter 'P' must be a number not greater than 2"],
    ),
    "too short": (
        {"P": {"MinLength": 3}},
        {"P": "ab"},
        ["Parameter 'P' must contain at least 3 characters"],
    ),
    "too long": (
        {"P": {"MaxLength": "3"}},
        {"P": "abcd"},
        ["Parameter 'P' must contain at most 3 characters"],
    ),
    "in its own words": (
        {"P": {"MaxLength": 1, "ConstraintDescription": "one letter"}},
        {"P": "ab"},
        ["Parameter 'P' failed to satisfy constraint: one letter"],
    ),
}


@pytest.mark.parametrize(("declared", "given", "told"), CASES.values(), ids=CASES.keys())
def test_values(declared: dict[str, Any], given: dict[str, str], told: list[str]) -> None:
    assert list(wrong(declared, given)) == told


def test_what_is_not_to_be_told() -> None:
    assert hidden({"NoEcho": "true"})
    assert hidden({"NoEcho": True})
    assert not hidden({})
