"""Which strings each kind of option takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.options.domains import (
    Boolean,
    Choice,
    Codes,
    Decimal,
    Domain,
    Duration,
    Items,
    Json,
    Pairs,
    Text,
    Timestamp,
    Variable,
    Whole,
    code_ranges,
    seconds,
)
from jackbean.core.options.rows import ROWS

TAKES: list[tuple[Domain, list[str], list[str]]] = [
    (Whole(0, 10), ["0", "10", "007"], ["-1", "11", "", " 1", "1.0", "1e1", "\u0661", "1" * 99]),
    (Whole(), ["-5", "+5"], ["", "five"]),
    (Decimal(0.001, 20.0, none="null"), ["0.05", "20", "null"], ["0", "20.5", "-1", "nan", ""]),
    (Boolean(), ["true", "false", "True", "FALSE"], ["", "yes", "1", "true "]),
    (Choice(("Any 1", "b")), ["Any 1", "b"], ["any 1", "", "c"]),
    (Text(r"/[a-z]*", "a path", 5), ["/", "/abc", ""], ["abc", "/ABC", "/abcde", "/a\n", "/\x00"]),
    (Variable(10), ["", "two\nlines\t", "x" * 10], ["x" * 11, "\x00", "\x1b", "\ud800", "é" * 6]),
    (Items(Whole(1, 9), 3), ["1", "1,2, 3", ""], ["0", "1,,2", "1,2,3,4", "x"]),
    (Items(Text(length_max=20), separator=":"), ["test:development"], ["a::b"]),
    (Codes(200, 499), ["200", "200,302", "200-299, 404"], ["", "500", "199", "299-200", "20", "x"]),
    (Duration(300, 3600), ["PT5M", "PT1H", "PT300S"], ["PT1H1S", "PT4M59S", "5M", "PT", "P1D", ""]),
    (
        Timestamp(),
        ["2030-01-31T08:00:00Z", "2015-04-28T04:07:2Z", "2030-01-31"],
        ["31.1.2030", "x"],
    ),
    (Json(), ['{"Version":1}', "[]", ""], ["{", "{'a': 1}", "[" * 100_000]),
    (Pairs(), ["A=1,B=2", "A=", ""], ["A", "A=1,B"]),
]


@pytest.mark.parametrize(("domain", "good", "bad"), TAKES, ids=lambda v: type(v).__name__)
def test_values(domain: Domain, good: list[str], bad: list[str]) -> None:
    assert {value: domain.fault(value) for value in good} == dict.fromkeys(good)
    assert [value for value in bad if domain.fault(value) is None] == []


@given(st.sampled_from(ROWS), st.text(max_size=200))
def test_no_text_upsets_a_domain_and_no_fault_shows_it(row: object, text: str) -> None:
    domain = row.domain  # type: ignore[attr-defined]
    fault = domain.fault(f"~{text}~secret~")
    assert fault is None or (fault.endswith(".") and "secret" not in fault)


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r.pattern], ids=lambda r: f"{r.namespace}/{r.name}"
)
def test_patterns_take_linear_time_on_hostile_text(row: object) -> None:
    for text in ("/" * 1024, "a" * 1024, "/ " * 512, "../" * 300, "a,:" * 300, "1" * 1024 + "!"):
        row.domain.fault(text)  # type: ignore[attr-defined]


@given(st.integers(0, 99), st.integers(0, 999), st.integers(0, 9999))
def test_durations_add_up(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"PT{hours}H{minutes}M{rest}S") == hours * 3600 + minutes * 60 + rest
    assert seconds(f"PT{minutes}M") == minutes * 60


def test_code_ranges_are_inclusive_pairs() -> None:
    assert code_ranges("200, 300-399") == ((200, 200), (300, 399))
    assert code_ranges("200,x") == ()
