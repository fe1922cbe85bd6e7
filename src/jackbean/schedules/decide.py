"""What becomes of the minutes at which tasks are due: `(account, present) -> Decision`.

Of what was missed (an outage, a clock set forward, a machine that slept) the newest due minute of
each task is made up for if it is at most `CATCH_UP_S` ago, and the others are skipped: what cleans
up hourly is to clean up once after a day's outage, not twenty-four times, and what greets in the
morning is not to greet in the evening.

A clock that is set back makes minutes come again. What was sent for them stays sent, and is not
sent again. That they were skipped is void: they are decided anew when they come.

A task begins when the release that brings it is first seen to run, so nothing is missed before; it
ends with the first look at a release without it, or with another path or schedule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jackbean.core.tasks import Task
from jackbean.schedules.accounts import Account, Decision, Fate, Mark, Present, Sent, Skipped
from jackbean.schedules.expected import MINUTE_S, expected, following

CATCH_UP_S = 3600
DUE_MAX = 500  # of one task in one decision: working them out takes 20 ms
RUN_MAX = 1000  # minutes that are skipped together

CHANGED = "the environment went on to a release without this task, or with another one of its name"
SUSPENDED = "the task was suspended"
AWAY = "missed: the control plane was not running"
JUMPED = "missed: the clock was set forward, or nobody could look: the machine slept, say"

assert RUN_MAX >= DUE_MAX  # noqa: S101  a relation of constants


@dataclass(frozen=True)
class _Settled:
    """A mark that has gone on, and the fates on the way. `more`: there are due minutes left."""

    mark: Mark
    fates: tuple[Fate, ...] = ()
    more: bool = False


def decide(account: Account, present: Present) -> Decision:
    """Return what is to be sent and what is skipped, up to the present."""
    account, fates, void = _rewound(account, present)
    named = {task.name: task for task in present.tasks}
    settled = [_settled(mark, account, present, named) for mark in account.marks]
    kept = [
        one.mark for one in settled if one.more or named.get(one.mark.task.name) == one.mark.task
    ]
    begun = {mark.task.name for mark in kept}
    new = [Mark(t, present.release, present.now) for t in present.tasks if t.name not in begun]
    return Decision(
        account=replace(account, marks=(*kept, *new), through=present.now),
        fates=(*fates, *(fate for one in settled for fate in one.fates)),
        void=void,
        more=any(one.more for one in settled),
        due=_due(present),
    )


def _due(present: Present) -> int | None:
    found = (following(task.schedule, present.now) for task in present.tasks)
    return min((minute for minute in found if minute is not None), default=None)


# What is due


def _settled(mark: Mark, account: Account, present: Present, named: dict[str, Task]) -> _Settled:
    found = expected(mark.task.schedule, mark.through, present.now, DUE_MAX + 1)
    more, found = len(found) > DUE_MAX, found[:DUE_MAX]
    stretches = _unsent(mark.task, found, present)
    why = _why_not(mark.task, account, present, named)
    newest = None if why or more else _newest(stretches, present)
    mark = replace(mark, through=found[-1] if more else present.now)
    fates: list[Fate] = []
    for number, minutes in enumerate(stretches):
        if number:
            mark = replace(mark, skipped=None)
        due = [minute for minute in minutes if minute != newest]
        mark, skipped = _skipped(mark, due, why or _missed(present))
        fates += skipped
    if newest is not None:
        fates.append(Sent(mark.task, newest, present.release))
        mark = replace(mark, release=present.release, skipped=None)
    return _Settled(mark, tuple(fates), more)


def _unsent(task: Task, due: Sequence[int], present: Present) -> list[list[int]]:
    """Return the stretches of due minutes between those for which a message was sent before."""
    sent = {fate.key for fate in present.ahead if isinstance(fate, Sent)}
    stretches: list[list[int]] = [[]]
    for minute in due:
        if (task.name, minute) in sent:
            stretches.append([])
        else:
            stretches[-1].append(minute)
    return stretches


def _newest(stretches: Sequence[Sequence[int]], present: Present) -> int | None:
    """Return the last due minute, if a message can still be sent for it."""
    last = stretches[-1][-1] if stretches[-1] else None
    if last is None or (present.now - last) * MINUTE_S > CATCH_UP_S:
        return None
    return last


def _why_not(task: Task, account: Account, present: Present, named: dict[str, Task]) -> str:
    if named.get(task.name) != task:
        return CHANGED
    if task.name in account.suspended:
        return SUSPENDED
    return present.hindrance


def _missed(present: Present) -> str:
    return AWAY if present.looked is None else JUMPED


def _skipped(mark: Mark, due: Sequence[int], reason: str) -> tuple[Mark, tuple[Skipped, ...]]:
    """Skip minutes, together with those before them if that was for the same reason."""
    if not due:
        return mark, ()
    run = mark.skipped
    if run and run.reason == reason and run.count + len(due) <= RUN_MAX:
        run = replace(run, last=due[-1], count=run.count + len(due))
    else:
        run = Skipped(mark.task, due[0], due[-1], len(due), mark.release, reason)
    return replace(mark, skipped=run), (run,)


# A clock that was set back


def _rewound(
    account: Account, present: Present
) -> tuple[Account, tuple[Fate, ...], tuple[Skipped, ...]]:
    """Return the account as of now, skipped minutes that are cut short, and those that are void."""
    if account.through <= present.now:
        return account, (), ()
    ahead = [f for f in present.ahead if isinstance(f, Skipped) and f.last > present.now]
    cut = {run.key: shorter for run in ahead if (shorter := _cut(run, present.now))}
    void = tuple(run for run in ahead if run.key not in cut)
    marks = [_set_back(mark, present.now, cut, void) for mark in account.marks]
    return replace(account, marks=tuple(marks)), tuple(cut.values()), void


def _cut(run: Skipped, now: int) -> Skipped | None:
    due = expected(run.task.schedule, run.minute - 1, now, RUN_MAX)
    return replace(run, last=due[-1], count=len(due)) if due else None


def _set_back(
    mark: Mark, now: int, cut: dict[tuple[str, int], Skipped], void: Iterable[Skipped]
) -> Mark:
    run = mark.skipped
    if run is not None:
        run = None if run in void else cut.get(run.key, run)
    return replace(mark, through=min(mark.through, now), skipped=run)
