"""A rehearsal: an update as it would go, and once more for everything that can go wrong in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jackbean.control.plans import Plan
from jackbean.control.rehearsal.cases import Case, Change, opened
from jackbean.control.rehearsal.doubles import Kind
from jackbean.control.rehearsal.endings import Ending, ending
from jackbean.control.rehearsal.envelope import Envelope, envelope
from jackbean.control.rehearsal.failures import LIKELY, Failure, Point, Where, failure, points
from jackbean.control.rehearsal.moments import Measures, Moment, changes, measure, rollout_of
from jackbean.control.rehearsal.run import Run, run
from jackbean.core.rollouts import Rollout

WAVES, STEPS = 8, 80  # of more the last, the first and some between are rehearsed failing, aborted
BUDGET = 150_000  # instances times turns: what all failures may cost together; 50 microseconds each


@dataclass(frozen=True)
class Rehearsal:
    """An update as it would go. `rollout` is as it began, None where no instance is touched."""

    change: Change
    plan: Plan
    size: int
    rollout: Rollout | None
    moments: tuple[Moment, ...]
    measures: Measures
    ending: Ending
    waves: int
    failures: tuple[Failure, ...] = ()

    @property
    def envelope(self) -> Envelope:
        """What must hold of it, whatever of all this happens."""
        runs = [(f.moments, f.ending) for f in self.failures]
        return envelope([(self.moments, self.ending), *runs])

    @property
    def policy(self) -> str:
        return self.rollout.policy if self.rollout else ""


def rehearse(case: Case, kinds: Sequence[Kind] = tuple(Kind), waves: int = WAVES) -> Rehearsal:
    """Rehearse an update, and failures of `kinds` in at most `waves` of its waves.

    Of a large fleet that changes one by one fewer failures are rehearsed.
    """
    start, script = opened(case)
    result = run(start, script)
    found = tuple(points(result, script))
    moments = changes(result.frames)
    size = result.last.environment.desired
    return Rehearsal(
        change=case.change,
        plan=case.plan,
        size=size,
        rollout=_rollout(result),
        moments=moments,
        measures=measure(moments, moments[-1].at_s, size),
        ending=ending(result, script),
        waves=sum(p.where is Where.WAVE for p in found),
        failures=tuple(
            failure(kind, point, script, result)
            for point in _chosen(found, *_affordable(result, waves))
            for kind in LIKELY[point.where]
            if kind in kinds
        ),
    )


def _rollout(result: Run) -> Rollout | None:
    """Return the rollout as it was when it had begun."""
    rollouts = [rollout_of(after.environment.operation) for _, after in result.steps]
    begun = [r for r in rollouts if r is not None]
    return begun[1] if len(begun) > 1 else next(iter(begun), None)


def _affordable(result: Run, waves: int) -> tuple[int, int]:
    """Return in how many waves, and after how many steps, something may go wrong."""
    cost = sum(frame.total + 1 for frame in result.frames)
    runs = max(BUDGET // cost, 10)
    each = len(LIKELY[Where.WAVE])
    return min(waves, max(runs // (2 * each), 1)), min(STEPS, max(runs // 2, 2))


def _chosen(found: Iterable[Point], waves: int, steps: int) -> list[Point]:
    """Leave out waves, and steps, between the first and the last where there are too many."""
    every = list(found)
    kept = {Where.WAVE: waves, Where.STEP: steps}
    numbers = {
        where: _spread([p.number for p in every if p.where is where], most)
        for where, most in kept.items()
    }
    return [p for p in every if p.where not in numbers or p.number in numbers[p.where]]


def _spread(numbers: list[int], most: int) -> list[int]:
    """Return at most so many of `numbers`, the last and, if there is room, the first among them."""
    if len(numbers) <= most:
        return numbers
    step = (len(numbers) - 1) / max(most - 1, 1)
    return [numbers[-1 - round(n * step)] for n in range(most)]
