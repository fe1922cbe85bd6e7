from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.health.census import EnvironmentHealth
from jackbean.core.health.damping import Checks, damped
from jackbean.core.health.statuses import COUNTED, HealthStatus
from jackbean.core.health.thresholds import DEFAULTS

OK, INFO, WARNING, SEVERE = (
    EnvironmentHealth(s, (str(s),))
    for s in (HealthStatus.OK, HealthStatus.INFO, HealthStatus.WARNING, HealthStatus.SEVERE)
)
Looks = list[tuple[float, EnvironmentHealth]]


def told(looks: Looks, first: HealthStatus = HealthStatus.OK) -> list[str]:
    """Return what is told after each look."""
    status, story = first, []
    checks: Checks = ()
    for now, seen in looks:
        checks, accepted = damped(status, seen, checks, now, DEFAULTS)
        status = accepted.status if accepted else status
        story.append(str(status))
    return story


def every(gap_s: float, *seen: EnvironmentHealth) -> Looks:
    return [(100.0 + n * gap_s, health) for n, health in enumerate(seen)]


def test_bad_news_waits_for_the_third_look() -> None:
    assert told(every(2.0, SEVERE, SEVERE, SEVERE)) == ["Ok", "Ok", "Severe"]


def test_a_blip_is_never_told() -> None:
    assert told(every(2.0, SEVERE, SEVERE, OK, OK, OK, OK)) == ["Ok"] * 6


def test_looks_that_are_too_near_count_as_one() -> None:
    looks = every(0.15, *[SEVERE] * 27)
    assert told(looks)[-1] == "Ok"
    assert told([*looks, (104.1, SEVERE)])[-1] == "Severe"


def test_failures_count_within_a_minute() -> None:
    assert told([(0, SEVERE), (29, OK), (30, SEVERE), (59, OK), (60, SEVERE)])[-1] == "Severe"
    assert told([(0, SEVERE), (30, SEVERE), (61, SEVERE)])[-1] == "Ok"


def test_good_news_is_told_at_once_and_wipes_the_slate() -> None:
    looks = every(2.0, *[SEVERE] * 3, OK, SEVERE, SEVERE, SEVERE)
    assert told(looks) == ["Ok", "Ok", "Severe", "Ok", "Ok", "Ok", "Severe"]


def test_the_mildest_of_three_is_told_with_its_own_causes() -> None:
    checks: Checks = ()
    for now, seen in every(2.0, SEVERE, WARNING, SEVERE):
        checks, accepted = damped(HealthStatus.OK, seen, checks, now, DEFAULTS)
    assert accepted == WARNING
    assert told(every(2.0, SEVERE, WARNING, SEVERE, SEVERE)) == ["Ok", "Ok", "Warning", "Severe"]


def test_the_worst_of_looks_that_count_as_one_counts() -> None:
    looks = [(0.0, WARNING), (0.5, SEVERE), (2.0, SEVERE), (4.0, SEVERE)]
    assert told(looks)[-1] == "Severe"


def test_what_an_operation_does_is_told_at_once() -> None:
    running = EnvironmentHealth(HealthStatus.INFO, (), operating=True)
    assert told([(0, running)]) == ["Info"]
    assert told([(0, running)], HealthStatus.SEVERE) == ["Info"]
    assert told([(0, INFO)]) == ["Ok"]


def test_the_clock_may_go_back() -> None:
    assert told([(50, SEVERE), (52, SEVERE), (10, SEVERE), (12, SEVERE), (14, SEVERE)])[2:] == [
        "Ok",
        "Ok",
        "Severe",
    ]


STATUSES = st.sampled_from(COUNTED).map(lambda s: EnvironmentHealth(s, (str(s),)))


@given(st.lists(STATUSES, min_size=3, max_size=30), st.sampled_from(COUNTED))
def test_a_worse_status_is_never_told_on_less_than_three_looks(
    seen: list[EnvironmentHealth], first: HealthStatus
) -> None:
    looks = every(2.0, *seen)
    story = [str(first), *told(looks, first)]
    by_name = {str(s): s for s in COUNTED}
    for index in range(1, len(story)):
        was, now = by_name[story[index - 1]], by_name[story[index]]
        if now.rank > was.rank:
            recent = [h.status.rank for _, h in looks[:index][-31:]]
            assert sum(rank >= now.rank for rank in recent) >= 3


@given(st.lists(STATUSES, max_size=60))
def test_what_is_remembered_is_bounded(seen: list[EnvironmentHealth]) -> None:
    checks: Checks = ()
    for now, health in every(0.15, *seen):
        checks, _ = damped(HealthStatus.OK, health, checks, now, DEFAULTS)
        assert len(checks) <= DEFAULTS.checks_s / DEFAULTS.check_s + 1
