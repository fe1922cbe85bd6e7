"""What a rehearsal saw: frames, the moments in which they changed, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jackbean.core.environments import Environment
from jackbean.core.fleet import Member, Service, Work
from jackbean.core.operations import Operation, Roll
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout, Stage


@dataclass(frozen=True)
class Moment:
    """How an environment stood, from `at_s` seconds after the request on.

    `old` and `new` are instances that got new requests, by what they ran: the release that was
    asked for, or another. `total` are machines, whatever they do, and `kept` those of them that
    are to stay; `exposed` are changed while requests come in. `batch` counts batches begun.
    """

    at_s: float
    old: int
    new: int
    total: int
    kept: int
    exposed: int = 0
    batch: int = 0
    batch_size: int = 0
    stage: str = ""
    split: int | None = None  # percent of requests for the new release, while it has a share
    told: tuple[str, ...] = ()

    @property
    def serving(self) -> int:
        return self.old + self.new

    def same(self, other: Moment) -> bool:
        """Whether nothing but time lies between them."""
        return replace(self, at_s=0.0, told=()) == replace(other, at_s=0.0, told=())


@dataclass(frozen=True)
class Measures:
    """What moments come to; seconds, and instances."""

    lowest: int
    most: int
    none_s: float  # with nobody in service
    mixed_s: float  # with old and new in service
    extra_minutes: float  # of instances beyond the capacity


def rollout_of(operation: Operation | None) -> Rollout | None:
    """Return the rollout that is under way."""
    phase = operation.phase if operation else None
    return phase.rollout if isinstance(phase, Roll) else None


def moment(
    at_s: float,
    environment: Environment,
    serving: Iterable[str],
    running: Mapping[str, int | None],
    goal: int,
) -> Moment:
    """Return how things stand: `serving` gets requests, `running` is what each machine runs."""
    now = [running[name] for name in serving if name in running]
    new = sum(release == goal for release in now)
    rollout = rollout_of(environment.operation)
    return Moment(
        at_s=at_s,
        old=len(now) - new,
        new=new,
        total=len(running),
        kept=sum(not member.leaving for member in environment.members),
        exposed=sum(_exposed(member, running) for member in environment.members),
        batch=rollout.batches if rollout else 0,
        batch_size=len(rollout.batch) if rollout else 0,
        stage=stage_of(rollout),
        split=environment.split,
    )


def _exposed(member: Member, running: Mapping[str, int | None]) -> bool:
    """Whether its application is exchanged while requests come in."""
    told, runs = member.assignment, running.get(member.id)
    changing = told is not None and told.work is not Work.STAGE and runs not in {None, told.release}
    return changing and member.service is not Service.OUT


def stage_of(rollout: Rollout | None) -> str:
    """Return a rollout's stage, with the evaluation of a canary as one of its own."""
    if rollout is None:
        return ""
    evaluating = rollout.evaluating and rollout.stage is Stage.ADVANCING
    return EVALUATING if evaluating else rollout.stage.value


EVALUATING = "evaluating"


def changes(frames: Sequence[Moment]) -> tuple[Moment, ...]:
    """Return the frames in which something changed, each told what it was."""
    kept: list[Moment] = []
    words = BOTH if any(frame.new for frame in frames) else ONE
    for frame in frames:
        if not kept:
            kept.append(frame)
        elif not frame.same(kept[-1]):
            kept.append(replace(frame, told=tuple(told(kept[-1], frame, words))))
    return tuple(kept)


Words = tuple[str, str]
BOTH: Words = ("in service with the new release", "in service with the old release")
ONE: Words = ("in service", "in service")


def told(was: Moment, now: Moment, words: Words = BOTH) -> Iterator[str]:
    """Say what happened between two moments; `words` for those who serve with either release."""
    if now.batch > was.batch:
        yield f"Batch {now.batch} begins: {_count(now.batch_size)}."
    if now.stage != was.stage and now.stage in TURNS:
        yield TURNS[now.stage]
    if now.split != was.split and now.split:
        yield f"{now.split} % of requests go to the new release."
    yield from _counted(was.total, now.total, ("launched", "ended"))
    if now.old < was.old and now.new - was.new == was.old - now.old:
        yield f"{_count(now.new - was.new)} changed to the new release."
        return
    new, old = words
    yield from _counted(was.new, now.new, (new, "out of service"))
    yield from _counted(was.old, now.old, (old, "out of service"))


TURNS = {
    EVALUATING: "The new instances are well and are put to the test.",
    Stage.COMMITTED.value: "The new release holds: from here there is no way back.",
    Stage.REVERTING.value: "It is given up: back to the old release.",
    Stage.FAILED.value: "It is given up where it stands.",
}


def _counted(was: int, now: int, words: tuple[str, str]) -> Iterator[str]:
    more, less = words
    if now > was:
        yield f"{_count(now - was)} {more}."
    elif now < was:
        yield f"{_count(was - now)} {less}."


def _count(number: int) -> str:
    return f"{number} instance{'' if number == 1 else 's'}"


def measure(moments: Sequence[Moment], end_s: float, size: int) -> Measures:
    """Add up what `moments` come to until `end_s`, where `size` is the capacity."""
    spans = [(m, after.at_s - m.at_s) for m, after in pairwise(moments)]
    spans.append((moments[-1], max(end_s - moments[-1].at_s, 0.0)))
    return Measures(
        lowest=min(m.serving for m in moments),
        most=max(m.total for m in moments),
        none_s=sum(s for m, s in spans if size and not m.serving),
        mixed_s=sum(s for m, s in spans if m.old and m.new),
        extra_minutes=sum(s * max(m.total - size, 0) for m, s in spans) / 60,
    )
