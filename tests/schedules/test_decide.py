"""What becomes of due minutes: by example, and through histories that hypothesis makes up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.schedules.histories import Life

from jackbean.core.tasks import Task
from jackbean.schedules.accounts import Fate, Sent, Skipped
from jackbean.schedules.decide import (
    AWAY,
    CATCH_UP_S,
    CHANGED,
    DUE_MAX,
    JUMPED,
    RUN_MAX,
    SUSPENDED,
)
from jackbean.schedules.expected import MINUTE_S, expected

START = 29_000_000 - 29_000_000 % 1440  # a midnight
EACH = Task("each", "/each", "* * * * *")
HOURLY = Task("hourly", "/hourly", "0 * * * *")
CATCH_UP = CATCH_UP_S // MINUTE_S


def life(*tasks: Task) -> Life:
    """Return a life whose tasks have just begun."""
    made = Life(START, tasks)
    assert made.look().fates == ()
    return made


def told(fates: tuple[Fate, ...]) -> list[tuple[str, int, int, str]]:
    return [
        (f.task.name, f.minute - START, f.last - START, f.reason if isinstance(f, Skipped) else "")
        for f in fates
    ]


def after(made: Life, minutes: int) -> list[tuple[str, int, int, str]]:
    made.now += minutes
    return told(made.look().fates)


def test_each_due_minute_is_sent_when_it_comes() -> None:
    made = life(EACH, HOURLY)
    assert [after(made, 1) for _ in range(3)] == [[("each", n, n, "")] for n in (1, 2, 3)]
    assert after(made, 0) == []
    made.now = START + 59
    made.look()
    assert after(made, 1) == [("each", 60, 60, ""), ("hourly", 60, 60, "")]


def test_after_an_outage_the_newest_is_made_up_for() -> None:
    made = life(EACH)
    made.looked = None
    assert after(made, 10) == [("each", 1, 9, AWAY), ("each", 10, 10, "")]
    assert made.ledger.fates["each", START + 1].count == 9


@pytest.mark.parametrize(("late", "sent"), [(CATCH_UP, True), (CATCH_UP + 1, False)])
def test_what_is_too_late_is_not_made_up_for(late: int, sent: bool) -> None:
    made = life(Task("nightly", "/", "0 3 * * *"))
    made.looked = None
    fate = ("nightly", 180, 180, "" if sent else AWAY)
    assert after(made, 180 + late) == [fate]


def test_a_clock_that_is_set_forward_is_told_from_an_outage() -> None:
    made = life(EACH)
    assert after(made, 5) == [("each", 1, 4, JUMPED), ("each", 5, 5, "")]


def test_what_is_suspended_is_skipped_until_it_is_resumed() -> None:
    made = life(EACH, HOURLY)
    made.suspend("each")
    assert after(made, 1) == [("each", 1, 1, SUSPENDED)]
    assert after(made, 1) == [("each", 1, 2, SUSPENDED)]
    made.suspend()
    assert after(made, 1) == [("each", 3, 3, "")]
    assert len(made.ledger.fates) == 2


def test_a_hindrance_is_the_reason() -> None:
    made = life(EACH)
    made.hindrance = "it ends"
    assert after(made, 1) == [("each", 1, 1, "it ends")]


def test_a_release_that_changes_a_task_ends_the_former_one() -> None:
    made = life(EACH)
    made.now += 3
    made.tasks, made.release = (replace(EACH, url="/other"),), 2
    assert told(made.look().fates) == [("each", 1, 3, CHANGED)]
    assert after(made, 1) == [("each", 4, 4, "")]
    assert made.ledger.sent[-1].task.url == "/other"
    assert made.ledger.sent[-1].release == 2


def test_a_release_that_keeps_a_task_goes_on_with_it() -> None:
    made = life(EACH)
    made.release = 2
    assert after(made, 1) == [("each", 1, 1, "")]
    assert made.ledger.sent[-1].release == 2


def test_a_release_without_tasks_ends_them_all() -> None:
    made = life(EACH, HOURLY)
    made.tasks = ()
    assert made.look().account.marks == ()
    assert after(made, 100) == []


def test_a_clock_that_is_set_back_sends_nothing_twice() -> None:
    made = life(EACH)
    for _ in range(5):
        after(made, 1)
    made.now -= 3
    assert told(made.look().fates) == []
    assert [after(made, 1) for _ in range(4)] == [[], [], [], [("each", 6, 6, "")]]
    assert [sent.minute - START for sent in made.ledger.sent] == [1, 2, 3, 4, 5, 6]


def test_a_clock_that_was_wrong_for_years_does_not_silence_a_task() -> None:
    made = life(HOURLY)
    made.now += 10 * 365 * 1440
    made.look()
    assert len(made.ledger.sent) == 1
    made.now = START + 59
    made.look()
    assert after(made, 1) == [("hourly", 60, 60, "")]
    assert after(made, 60) == [("hourly", 120, 120, "")]


def test_what_was_skipped_in_a_future_that_did_not_come_is_void() -> None:
    made = life(EACH)
    made.suspend("each")
    after(made, 10)
    made.suspend()
    made.now = START + 4
    assert told(made.look().fates) == [("each", 1, 4, SUSPENDED)]
    assert after(made, 1) == [("each", 5, 5, "")]


def test_a_long_outage_is_decided_in_parts() -> None:
    made = life(EACH)
    made.looked = None
    made.now += 3 * DUE_MAX
    made.look()
    skipped = [f for f in made.ledger.fates.values() if isinstance(f, Skipped)]
    assert sum(f.count for f in skipped) == 3 * DUE_MAX - 1
    assert max(f.count for f in skipped) <= RUN_MAX
    assert [f.minute - START for f in made.ledger.sent] == [3 * DUE_MAX]


def test_when_to_look_again() -> None:
    made = life(HOURLY, Task("daily", "/", "30 0 * * *"))
    assert made.look().due == START + 30
    assert life().look().due is None


# Histories

POOL = [
    EACH,
    HOURLY,
    replace(EACH, schedule="*/7 * * * *"),
    replace(HOURLY, url="/elsewhere"),
    Task("odd", "/odd", "3-59/10 1-22 * * *"),
]


def time_passes(made: Life, much: int) -> None:
    made.now += much


def the_program_is_away(made: Life, much: int) -> None:
    made.now, made.looked = made.now + much, None


def the_clock_is_set_back(made: Life, much: int) -> None:
    made.now -= much


def a_decision_is_lost(made: Life, much: int) -> None:
    made.now += much
    made.look(saved=False)
    made.looked = None


def somebody_suspends(made: Life, much: int) -> None:
    made.look()
    made.suspend(*(task.name for task in POOL[much : much + 1]))


def something_hinders(made: Life, much: int) -> None:
    made.hindrance = "it ends" if much else ""


def another_release_runs(made: Life, much: int) -> None:
    chosen = {t.name: t for n, t in enumerate(POOL) if much & 1 << n}
    made.tasks, made.release = tuple(chosen.values()), made.release + 1


EVENTS = {
    time_passes: 700,
    the_program_is_away: 200,
    the_clock_is_set_back: 700,
    a_decision_is_lost: 5,
    somebody_suspends: len(POOL),
    something_hinders: 1,
    another_release_runs: 2 ** len(POOL) - 1,
}
LATER = st.tuples(st.just(time_passes), st.integers(0, 3))
EVENT = st.one_of(LATER, *(st.tuples(st.just(e), st.integers(0, m)) for e, m in EVENTS.items()))


@settings(max_examples=200)
@given(st.lists(EVENT, max_size=20))
def test_no_due_minute_is_left_out_or_sent_twice(
    events: list[tuple[Callable[[Life, int], None], int]],
) -> None:
    made = life(EACH)
    since: dict[Task, int] = {EACH: START}  # from where on all is to be accounted for
    for happen, much in events:
        happen(made, much)
        made.look()
        for task in list(since):
            if task not in made.tasks:
                del since[task]
            else:
                since[task] = min(since[task], made.now)
        for task in made.tasks:
            since.setdefault(task, made.now)
    check(made, since)


def check(made: Life, since: dict[Task, int]) -> None:
    fates = list(made.ledger.fates.values())
    keys = Counter((sent.task.name, sent.minute) for sent in made.ledger.sent)
    assert all(count == 1 for count in keys.values()), "a minute was sent for twice"
    for task, start in since.items():
        due = expected(task.schedule, start, made.now, 100_000)
        covered = Counter(
            minute for fate in fates if fate.task.name == task.name for minute in _minutes(fate)
        )
        assert all(covered[minute] == 1 for minute in due), (
            task,
            [(minute - START, covered[minute]) for minute in due if covered[minute] != 1],
        )
    for fate in fates:
        if isinstance(fate, Skipped):
            assert fate.last <= made.now, "a skipped minute has not come yet"
            assert fate.count == len(_minutes(fate))


def _minutes(fate: Fate) -> list[int]:
    if isinstance(fate, Sent):
        return [fate.minute]
    return expected(fate.task.schedule, fate.minute - 1, fate.last, 100_000)
