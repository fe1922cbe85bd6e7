"""Everything that can go wrong in an update, each rehearsed by the code that would meet it.

Nothing here knows what a policy does about a failure. The update is run without one first; where
that run gives instances new work, puts them to the test or ends the old ones is a *point*. It is
gone back to, and gone on from with one thing going wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from jackbean.control.rehearsal.doubles import Kind, Trouble
from jackbean.control.rehearsal.endings import Ending, Result, ending
from jackbean.control.rehearsal.moments import (
    EVALUATING,
    Measures,
    Moment,
    changes,
    measure,
    rollout_of,
    stage_of,
)
from jackbean.control.rehearsal.run import Run, Script, State, absent, run
from jackbean.core.environments import Status
from jackbean.core.rollouts import Stage


class Where(StrEnum):
    """The part of an update in which something goes wrong."""

    WAVE = "wave"  # instances that are launched, or given the release, at one moment
    TEST = "test"  # while the new release is evaluated with its share of the requests
    END = "end"  # after the point of no return
    STEP = "step"  # after any one decision


@dataclass(frozen=True)
class Point:
    """Where something can go wrong: `before` the turn that leads there, and after it (`begun`).

    `ids` are the instances that are concerned.
    """

    where: Where
    number: int
    at_s: float
    ids: tuple[str, ...]
    before: State
    begun: State
    fresh: bool = False  # whether they are launched there

    @property
    def batch(self) -> int:
        """The number of the batch that has begun; 0: none has."""
        rollout = rollout_of(self.begun.environment.operation)
        return rollout.batches if rollout else 0


@dataclass(frozen=True)
class Failure:
    """One thing that goes wrong at a point, and what comes of it.

    `given_up_s` is how long after the point it is given up, `back_s` how long from there until no
    request meets the new release any more; None where that does not come about.
    """

    kind: Kind
    point: Point
    ending: Ending
    moments: tuple[Moment, ...]
    measures: Measures
    last: State
    given_up_s: float | None = None
    back_s: float | None = None


# What can go wrong where. A canary that is being tested has been prepared and has started.
LIKELY: Mapping[Where, tuple[Kind, ...]] = {
    Where.WAVE: tuple(kind for kind in Kind if kind is not Kind.ABORT),
    Where.TEST: (Kind.SICK, Kind.ERRING, Kind.DYING, Kind.AWAY),
    Where.END: (Kind.DYING, Kind.AWAY),
    Where.STEP: (Kind.ABORT,),
}


def points(result: Run, script: Script) -> Iterator[Point]:
    """Yield where something can go wrong in a run, in order."""
    known: tuple[str, ...] = ()
    waves, stage = 0, ""
    for number, (before, after) in enumerate(result.steps):
        at_s = before.turn * script.pace.look_s
        told = tuple(i for i in _told(before, after, script.goal) if i not in known)
        if told:
            waves, known = waves + 1, known + told
            fresh = before.doubles.keys().isdisjoint(told)
            yield Point(Where.WAVE, waves, at_s, told, before, after, fresh)
        now = stage_of(rollout_of(after.environment.operation))
        if now != stage and now in PARTS:
            yield Point(PARTS[now], 1, at_s, known, after, after)
        if after.environment.operation is not None:
            yield Point(Where.STEP, number, at_s, (), before, after)
        stage = now


PARTS: Mapping[str, Where] = {EVALUATING: Where.TEST, Stage.COMMITTED.value: Where.END}


def _told(before: State, after: State, release: int) -> Iterator[str]:
    """Yield who is launched, or given the release."""
    for member in after.environment.members:
        given = member.assignment and member.assignment.release == release
        if (given or member.id not in before.doubles) and not member.leaving:
            yield member.id


def failure(kind: Kind, point: Point, script: Script, planned: Run) -> Failure:
    """Rehearse what comes of it if `kind` happens at `point`."""
    ids = point.ids[:1] if kind is Kind.DYING else point.ids
    trouble = Trouble(kind, frozenset(ids), None if point.fresh else script.goal)
    struck = replace(script, trouble=trouble)
    start = point.begun if kind in FROM_OUTSIDE else point.before
    since = start.turn * script.pace.look_s
    result = run(STRIKES.get(kind, _as_it_is)(start, struck), struck)
    frames = [*(f for f in planned.frames if f.at_s < since), *result.frames]
    left = ending(result, script)
    moments = changes(frames)
    turned = _given_up(result, left)
    size = result.last.environment.desired
    return Failure(
        kind=kind,
        point=point,
        ending=left,
        moments=moments,
        measures=measure(moments, frames[-1].at_s, size),
        last=result.last,
        given_up_s=None if turned is None else turned - point.at_s,
        back_s=None if turned is None else _back_s(result, turned),
    )


FROM_OUTSIDE = frozenset({Kind.ABORT, Kind.AWAY})  # what happens in the middle of a wave
GIVEN_UP = frozenset({Stage.REVERTING.value, Stage.FAILED.value, Stage.REVERTED.value})


def _given_up(result: Run, left: Ending) -> float | None:
    """Return when it was decided to give up."""
    for was, now in pairwise(result.frames):
        if now.stage in GIVEN_UP:
            return was.at_s
    return None if left.result is Result.SUCCEEDED else left.after_s


def _back_s(result: Run, since: float) -> float | None:
    """Return how long it takes until only the old release serves, if that comes about."""
    if result.frames[-1].new:
        return None
    last_new = [f.at_s for f in result.frames if f.new]
    after = [f.at_s for f in result.frames if not last_new or f.at_s > last_new[-1]]
    return max(after[0] - since, 0.0)


def _as_it_is(state: State, script: Script) -> State:
    return state


def _dying(state: State, script: Script) -> State:
    """End the machines that run the new release already; others end when they have it."""
    doubles = {
        name: replace(d, exited=True) if script.trouble.strikes(name, d.running) else d
        for name, d in state.doubles.items()
    }
    return replace(state, doubles=doubles)


def _away(state: State, script: Script) -> State:
    """Let the control plane die, and begin anew after a while, with its clocks."""
    later = absent(state, script, script.pace.away_s)
    operation = later.environment.operation
    resumed = operation.resume(script.at(later.turn)) if operation else None
    return replace(later, environment=replace(later.environment, operation=resumed))


def _aborted(state: State, script: Script) -> State:
    """Ask for an abort."""
    operation = state.environment.operation
    if operation is None or not operation.revocable:
        return state
    aborted = replace(operation, aborted=True)
    environment = replace(state.environment, status=Status.ABORTING, operation=aborted)
    return replace(state, environment=environment)


STRIKES: Mapping[Kind, Callable[[State, Script], State]] = {
    Kind.DYING: _dying,
    Kind.AWAY: _away,
    Kind.ABORT: _aborted,
}
