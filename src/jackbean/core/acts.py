"""What a policy may ask for. Every act says what is to be ensured; asking twice is asking once.

Acts amend the saved membership, in the transaction that saves the policy's record. What follows for
machines and routes is derived from that membership, again and again, so nothing depends on whether
the control plane lived long enough to perform it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jackbean.core.fleet import MAIN, PARKED, Member, Service, Work
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout


@dataclass(frozen=True)
class Launch:
    """Ensure that `group` has `count` members that are not leaving; new ones get `release`."""

    count: int
    release: int
    template: str
    group: str = MAIN
    leader: bool = False


@dataclass(frozen=True)
class Assign:
    """Ensure that a member has this work as its assignment."""

    id: str
    work: Work
    release: int
    leader: bool = False


@dataclass(frozen=True)
class Attach:
    """Ensure that a member is in service."""

    id: str


@dataclass(frozen=True)
class Drain:
    """Ensure that a member gets no new requests, and leaves service when its last one ends."""

    id: str


@dataclass(frozen=True)
class Retire:
    """Ensure that a member leaves service and then ends."""

    id: str


@dataclass(frozen=True)
class Park:
    """Ensure that a member is kept as it is and gets no requests, to have them again at once."""

    id: str


@dataclass(frozen=True)
class Join:
    """Ensure that everybody is in the main group who is not parked.

    `parked`: those too. From then on they serve like the others.
    """

    parked: bool = False


@dataclass(frozen=True)
class Weigh:
    """Ensure that the temporary group gets `percent` of the requests; None: all alike."""

    percent: int | None


Act = Launch | Assign | Attach | Drain | Retire | Park | Join | Weigh


@dataclass(frozen=True)
class Step:
    """What to remember and what to ensure; `why` says what is waited for when nothing changes."""

    rollout: Rollout
    acts: tuple[Act, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Occasion:
    """What an act may draw on besides itself: the time, fresh instance ids, and who asks."""

    now: float
    fresh: Iterator[str]
    operation: int = 0


def amend(
    members: tuple[Member, ...], acts: Iterable[Act], occasion: Occasion
) -> tuple[Member, ...]:
    """Return `members` as `acts` want them."""
    for act in acts:
        members = _amend(members, act, occasion)
    return members


def weighed(split: int | None, acts: Iterable[Act]) -> int | None:
    """Return the split of requests as `acts` want it."""
    for act in acts:
        if isinstance(act, Weigh):
            split = act.percent
    return split


def _amend(members: tuple[Member, ...], act: Act, occasion: Occasion) -> tuple[Member, ...]:
    if isinstance(act, Launch):
        return members + tuple(_launched(members, act, occasion))
    if isinstance(act, Join):
        return tuple(
            replace(m, group=MAIN) if act.parked or m.group != PARKED else m for m in members
        )
    if isinstance(act, Weigh):
        return members  # weights belong to the environment: see `weighed`
    return tuple(_changed(m, act, occasion.now) if m.id == act.id else m for m in members)


def _changed(member: Member, act: Assign | Attach | Drain | Retire | Park, now: float) -> Member:
    match act:
        case Assign(work=work, release=release, leader=leader):
            return member.assign(work, release, leader=leader)
        case Attach():
            return member if member.leaving else member.move(Service.IN, now)
        case Drain():
            return _drained(member, now)
        case Park():
            return member if member.leaving else replace(member, group=PARKED)
        case Retire():
            return replace(_drained(member, now), leaving=True)


def _drained(member: Member, now: float) -> Member:
    return member.move(Service.DRAINING, now) if member.service is Service.IN else member


def _launched(members: tuple[Member, ...], act: Launch, occasion: Occasion) -> Iterator[Member]:
    staying = [m for m in members if not m.leaving]
    have = sum(m.group == act.group for m in staying)
    told = [m.assignment for m in staying if m.assignment]
    led = any(a.leader and a.release == act.release for a in told)
    for position in range(act.count - have):
        blank = Member(
            id=next(occasion.fresh),
            template=act.template,
            launched_by=occasion.operation,
            launched_at=occasion.now,
            group=act.group,
            since=occasion.now,
        )
        leader = act.leader and position == 0 and not led
        yield blank.assign(Work.ACTIVATE, act.release, leader=leader)
