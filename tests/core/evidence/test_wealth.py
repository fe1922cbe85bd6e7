from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.evidence import Counts, Evidence, Verdict
from jackbean.core.evidence.bets import BETS
from jackbean.core.evidence.wealth import BLOCK_REQUESTS, WEALTH_MAX

Look = tuple[Counts, Counts]


def seen(looks: list[Look], level: float = 0.05) -> Evidence:
    evidence = Evidence(level=level)
    for old, new in looks:
        evidence = evidence.observe(old, new)
    return evidence


def look(old: tuple[int, int], new: tuple[int, int]) -> Look:
    return Counts(*old), Counts(*new)


@st.composite
def counts(draw: st.DrawFn, most: int = 300) -> Counts:
    requests = draw(st.integers(0, most))
    return Counts(requests, draw(st.integers(0, requests)))


looks_of = st.lists(st.tuples(counts(), counts()), max_size=12)
huge = st.lists(st.tuples(counts(10**9), counts(10**9)), max_size=12)

FAILING = look((90, 1), (10, 5))
FINE = look((90, 1), (10, 0))


def test_a_release_that_fails_more_often_is_worse() -> None:
    assert seen([FAILING] * 8).verdict is Verdict.WORSE


def test_a_release_that_fails_as_often_or_less_is_not() -> None:
    assert seen([look((90, 9), (10, 1))] * 500).verdict is Verdict.UNDECIDED
    assert seen([look((90, 9), (10, 0))] * 500).verdict is Verdict.UNDECIDED
    assert seen([look((90, 90), (10, 10))] * 500).verdict is Verdict.UNDECIDED


def test_what_was_said_stays_said() -> None:
    worse = seen([FAILING] * 8)
    later = seen([FAILING] * 8 + [look((90, 9), (10, 0))] * 100)
    assert later.e_value < 1 < worse.e_value
    assert later.verdict is Verdict.WORSE
    assert later.p_value == worse.p_value


def test_one_look_never_decides() -> None:
    evidence = seen([look((9000, 0), (1000, 1000))])
    assert evidence.verdict is Verdict.UNDECIDED
    assert evidence.e_value <= math.sqrt(20)


def test_nothing_is_said_of_a_handful_of_requests() -> None:
    total_loss = look((98, 0), (2, 2))
    assert seen([total_loss] * 9).verdict is Verdict.UNDECIDED
    assert seen([total_loss] * 10).verdict is Verdict.WORSE


def test_a_lower_level_wants_more() -> None:
    needed, bad = {}, look((90, 9), (10, 2))
    for level in (0.05, 0.001, 1e-6):
        evidence, needed[level] = Evidence(level=level), 0
        while evidence.verdict is Verdict.UNDECIDED:
            evidence, needed[level] = evidence.observe(*bad), needed[level] + 1
    assert needed[0.05] < needed[0.001] < needed[1e-6]


def test_what_was_good_for_long_is_found_soon_after_it_turns_bad() -> None:
    bad = look((90, 1), (10, 2))
    evidence, wanted = seen([look((90, 9), (10, 1))] * 1000), 0
    while evidence.verdict is Verdict.UNDECIDED:
        evidence, wanted = evidence.observe(*bad), wanted + 1
    assert wanted < 100


@given(looks_of, st.data())
def test_it_does_not_matter_how_a_block_came_in(looks: list[Look], data: st.DataObject) -> None:
    """Cut each look into parts that leave the block open, and a last one that may close it."""
    cut = Evidence()
    for old, new in looks:
        room = BLOCK_REQUESTS - 1 - cut.open_old.requests - cut.open_new.requests
        first = _part(old, min(data.draw(st.integers(0, 30)), max(0, room)), data)
        second = _part(new, max(0, min(data.draw(st.integers(0, 30)), room - first.requests)), data)
        if cut.open_old.requests + cut.open_new.requests >= BLOCK_REQUESTS:
            first = second = Counts()  # waits for an arm: whatever comes may close it
        cut = cut.observe(first, second).observe(_rest(old, first), _rest(new, second))
    whole = seen(looks)
    assert (cut.wealth, cut.blocks, cut.old, cut.new) == (
        whole.wealth,
        whole.blocks,
        whole.old,
        whole.new,
    )


def _part(whole: Counts, requests: int, data: st.DataObject) -> Counts:
    requests = min(requests, whole.requests)
    least = max(0, whole.errors - (whole.requests - requests))
    return Counts(requests, data.draw(st.integers(least, min(requests, whole.errors))))


def _rest(whole: Counts, part: Counts) -> Counts:
    return Counts(whole.requests - part.requests, whole.errors - part.errors)


def test_a_look_after_every_request_is_as_good() -> None:
    single = [look((1, 0), (0, 0))] * 44 + [look((1, 1), (0, 0)), look((0, 0), (1, 1))]
    single += [look((0, 0), (1, 0))] * 4
    assert seen(single * 9).wealth == seen([look((45, 1), (5, 1))] * 9).wealth
    assert seen(single * 9).e_value != 1


def test_arms_that_are_reported_in_turns_are_compared() -> None:
    old, new = look((450, 4), (0, 0)), look((0, 0), (50, 10))
    assert seen([old, new] * 20).verdict is Verdict.WORSE
    assert seen([new, old] * 20).verdict is Verdict.WORSE
    assert seen([old, new] * 9 + [new]).open_new.requests == 100
    assert seen([new, old] * 9 + [old]).open_old.requests == 900


def test_a_block_that_met_one_arm_only_by_chance_is_not_mixed_with_the_next() -> None:
    """At a split of 1 in 100, bad times that bring the new release more requests prove nothing."""
    calm, bad = look((50, 0), (0, 0)), look((45, 20), (5, 2))
    start = [look((990, 10), (10, 0))]
    assert seen([*start, calm, bad]).e_value == pytest.approx(
        seen([*start, bad, calm]).e_value, rel=0.2
    )
    assert seen([*start, calm]).open_old == Counts()


@given(looks_of, st.data())
def test_more_errors_in_the_new_release_never_lower_the_evidence(
    looks: list[Look], data: st.DataObject
) -> None:
    worse = [
        (old, Counts(new.requests, data.draw(st.integers(new.errors, new.requests))))
        for old, new in looks
    ]
    assert seen(worse).e_value >= seen(looks).e_value * (1 - 1e-9)
    assert seen(worse).peak >= seen(looks).peak * (1 - 1e-9)


@given(huge)
def test_any_counts_can_be_observed(looks: list[Look]) -> None:
    evidence = seen(looks)
    assert 0 <= evidence.e_value <= len(BETS) * WEALTH_MAX + 1
    assert 0 < evidence.p_value <= 1
    assert evidence.explain()
    effect = evidence.smallest_visible_effect()
    assert effect is None or 0 <= effect <= 1


def test_wealth_stays_finite() -> None:
    evidence = seen([look((10**9, 0), (10**9, 10**9))] * 2000)
    assert evidence.e_value <= len(BETS) * WEALTH_MAX + 1
    assert evidence.verdict is Verdict.WORSE
    ruined = seen([look((10**9, 10**9), (10**9, 0))] * 2000)
    assert ruined.e_value == pytest.approx(1 / 2001)


@given(st.one_of(looks_of, huge))
def test_it_is_saved_whole_and_never_grows(looks: list[Look]) -> None:
    evidence = seen(looks)
    text = json.dumps(evidence.to_json())
    assert Evidence.from_json(json.loads(text)) == evidence
    assert len(text) < 400


@pytest.mark.parametrize(
    "change",
    [
        {"form": 2},
        {"form": None},
        {"level": 0.0},
        {"level": float("nan")},
        {"level": "0.05"},
        {"counts": [[1, 2], [0, 0], [0, 0], [0, 0]]},
        {"counts": [[1, -1], [0, 0], [0, 0], [0, 0]]},
        {"counts": [[1, 0, 0], [0, 0], [0, 0], [0, 0]]},
        {"counts": [[1, 0]]},
        {"counts": [["1", 0], [0, 0], [0, 0], [0, 0]]},
        {"counts": 5},
        {"blocks": -1},
        {"blocks": True},
        {"wealth": [0.0]},
        {"wealth": [math.inf] * len(BETS)},
        {"wealth": [10**400] * len(BETS)},
        {"wealth": None},
        {"peak": 0.0},
        {"peak": math.inf},
    ],
)
def test_what_was_not_saved_by_it_is_refused(change: dict[str, Any]) -> None:
    saved = seen([FAILING]).to_json()
    with pytest.raises(ValueError, match="begin"):
        Evidence.from_json({**saved, **change})


@pytest.mark.parametrize("data", [None, [], "x", {}, {"form": 1}])
def test_what_is_no_evidence_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="begin"):
        Evidence.from_json(data)


@pytest.mark.parametrize("level", [0.0, -1.0, 0.6, 1.0, math.nan])
def test_a_level_is_a_small_share(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        Evidence(level=level)


@pytest.mark.parametrize(("requests", "errors"), [(1, 2), (-1, -1), (1, -1), (10**16, 0)])
def test_counts_that_cannot_be_are_refused(requests: int, errors: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Counts(requests, errors)


def test_it_explains_itself() -> None:
    assert Evidence().explain() == (
        "Nothing to compare yet: 0 requests to the new version, 0 to the old."
    )
    assert replace(seen([FAILING] * 8), peak=34.4).explain() == (
        "The new version fails more often: 50 % of 80 requests to it failed, 1.1 % of 720 to the "
        "old one; evidence 34 to 1 (p = 0.029), 20 to 1 decides (level 5 %)."
    )
    assert seen([FINE] * 10).explain() == (
        "The new version is not shown to fail more often: 0 % of 100 requests to it failed, "
        "1.1 % of 900 to the old one; evidence 1 to 1 (p = 1), 20 to 1 decides (level 5 %); "
        "differences below 5.3 percentage points cannot be told from chance after 1,000 requests."
    )
    assert "no difference can be told from chance after 100 requests" in seen([FINE]).explain()
    assert "evidence more than 1,000,000 to 1 (p < 0.000001)" in seen([FAILING] * 80).explain()
