from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.health.metrics import (
    LATENCIES_MAX,
    PERCENTILES,
    SAMPLES_MAX,
    Sample,
    Tally,
    Vitals,
    Window,
    beside,
    slowest_means,
)
from jackbean.core.protocol import Report

MILLISECONDS = st.integers(0, 60_000).map(lambda ms: ms / 1000)


def report(duration_s: float = 10.0, latencies_s: Any = (), **requests: int) -> Report:
    counts = {f"{name[1:]}xx": count for name, count in requests.items()}
    return Report("i-1", requests=counts, latencies_s=list(latencies_s), duration_s=duration_s)


def naive(latencies: list[float], percent: float) -> float:
    """Return the mean of the slowest by cutting every request into a thousand equal parts."""
    parts = sorted((s for s in latencies for _ in range(1000)), reverse=True)
    kept = Fraction(str(percent))
    count = int(len(parts) * (100 - kept) / 100)
    return math.fsum(parts[:count]) / count


@given(st.lists(MILLISECONDS, min_size=1, max_size=30))
def test_percentiles_are_means_of_the_slowest(latencies: list[float]) -> None:
    found = slowest_means((s, 1.0) for s in latencies)
    for name, percent in PERCENTILES.items():
        assert found[name] == pytest.approx(naive(latencies, percent), abs=0.00051)


@given(st.lists(MILLISECONDS, min_size=1, max_size=200))
def test_percentiles_fall_from_the_slowest_to_the_mean(latencies: list[float]) -> None:
    found = list(slowest_means((s, 1.0) for s in latencies).values())
    assert found == sorted(found, reverse=True)
    assert found[0] <= max(latencies) + 1e-9
    assert found[-1] >= math.fsum(latencies) / len(latencies) - 0.001


def test_percentiles_of_nothing() -> None:
    assert slowest_means([]) == {}


def test_milliseconds() -> None:
    assert slowest_means([(0.12345, 1.0)]) == dict.fromkeys(PERCENTILES, 0.123)


def test_a_hundred_requests() -> None:
    found = slowest_means((n / 1000, 1.0) for n in range(1, 101))
    exact = {
        "P999": 0.1, "P99": 0.1, "P95": 0.098, "P90": 0.0955, "P85": 0.093, "P75": 0.088,
        "P50": 0.0755, "P10": 0.0555,
    }  # fmt: skip
    assert found == pytest.approx(exact, abs=0.0005001)


@given(st.lists(st.tuples(MILLISECONDS, st.integers(1, 5)), min_size=1, max_size=40))
def test_a_latency_may_stand_for_several_requests(pairs: list[tuple[float, int]]) -> None:
    weighted = slowest_means((s, float(n)) for s, n in pairs)
    each = slowest_means((s, 1.0) for s, n in pairs for _ in range(n))
    assert weighted == pytest.approx(each, abs=0.0011)


def test_a_report_that_counts_more_than_it_times() -> None:
    sample = Sample.of(report(latencies_s=[0.1] * 1000, _2=3000))
    assert list(sample.weighted) == [(0.1, 3.0)] * 1000


def test_a_window_of_one_report() -> None:
    window = Window(10.0)
    window.add(report(_2=40, _3=3, _4=2, _5=1))
    assert window.tally == Tally(10.0, 40, 3, 2, 1)
    assert window.tally.total == 46


def test_a_new_report_takes_the_place_of_one_that_covers_as_long() -> None:
    window = Window(10.0)
    window.add(report(_2=40))
    window.add(report(9.9, _2=1))
    assert window.tally == Tally(9.9, 1)


def test_a_short_report_does_not_push_out_the_one_before() -> None:
    window = Window(10.0)
    window.add(report(10.0, _2=40))
    window.add(report(1.0, _2=1))
    assert window.tally == Tally(11.0, 41)
    window.add(report(8.5, _2=2))
    assert window.tally == Tally(9.5, 3)


def test_a_report_without_requests_and_duration_is_no_news_for_the_window() -> None:
    window = Window(10.0)
    window.add(report(10.0, _2=40))
    for _ in range(2 * SAMPLES_MAX):
        window.add(report(0.0))
    assert window.tally == Tally(10.0, 40)


def test_a_report_that_does_not_say_how_long_it_took() -> None:
    window = Window(10.0)
    window.add(report(0.0, _2=7))
    assert window.tally == Tally(10.0, 7)


@given(st.lists(st.tuples(st.floats(0.1, 30.0), st.integers(0, 9)), min_size=1, max_size=60))
def test_a_window_is_the_newest_reports_that_cover_it(reports: list[tuple[float, int]]) -> None:
    window = Window(10.0)
    for duration, count in reports:
        window.add(report(duration, _2=count))
    kept: list[tuple[float, int]] = []
    for one in reversed(reports):
        kept.append(one)
        if math.fsum(d for d, _ in kept) >= 9.0:
            break
    assert window.tally.ok == sum(count for _, count in kept)
    assert window.tally.duration_s == pytest.approx(math.fsum(d for d, _ in kept))


def test_memory_is_bounded() -> None:
    window = Window(10.0)
    for _ in range(2 * SAMPLES_MAX):
        window.add(report(0.001, latencies_s=[1.0] * 5000, _2=5000))
    assert len(window.weighted()) == SAMPLES_MAX * LATENCIES_MAX


def test_nonsense_is_left_out() -> None:
    wild = Report(
        "i-1",
        requests={"2xx": -5, "5xx": 10**30, "xx": 9, "": 4, "499": 2},
        latencies_s=[math.nan, math.inf, -1.0, 1e300, 0.5],
        duration_s=math.nan,
    )
    sample = Sample.of(wild)
    assert sample.tally == Tally(10.0, 0, 0, 2, 10**9)
    assert sample.latencies_s == (0.5,)


def test_instances_side_by_side() -> None:
    whole = beside([Tally(10.0, 5, 1, 2, 3), Tally(9.0, 1), Tally()])
    assert whole == Tally(10.0, 6, 1, 2, 3)
    assert beside([]) == Tally()


def test_vitals_by_the_names_of_aws() -> None:
    system = {
        "cpu": {"user": 1, "nice": 0, "system": 2.5, "idle": 90, "iowait": 4, "irq": 0.5,
                "softirq": 2},
        "load": [0.5, 0.25, 0.1],
        "memory_bytes": 1,
        "cpus": 4,
    }  # fmt: skip
    vitals = Vitals.of(system)
    assert vitals.cpu == {
        "User": 1.0, "Nice": 0.0, "System": 2.5, "Idle": 90.0, "IOWait": 4.0, "IRQ": 0.5,
        "SoftIRQ": 2.0,
    }  # fmt: skip
    assert (vitals.load, vitals.in_use, vitals.load_per_cpu) == ((0.5, 0.25, 0.1), 10.0, 0.125)


def test_an_instance_that_has_not_measured_yet_is_not_busy() -> None:
    assert Vitals.of({"cpu": dict.fromkeys(("user", "system", "idle"), 0.0)}).in_use == 0.0


@pytest.mark.parametrize(
    "system",
    [
        {},
        {"cpu": None, "load": None, "cpus": None},
        {"cpu": [1], "load": {"a": 1}, "cpus": "4"},
        {"cpu": {"idle": "9", "user": math.nan}, "load": ["a", None, True], "cpus": -1},
    ],
)
def test_vitals_that_make_no_sense(system: dict[str, Any]) -> None:
    vitals = Vitals.of(system)
    assert vitals == Vitals({}, (), 0)
    assert (vitals.in_use, vitals.load_per_cpu) == (0.0, 0.0)
