"""How many instances a backlog asks for, and when that is followed. Pure.

Up at once, as messages wait; down only when fewer have been enough for a while, so that a lull
between two bursts costs no instances that the second one needs. What is remembered may be lost:
then the while begins anew, and nothing is taken away too early.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.records import replace

NEVER = float("-inf")


@dataclass(frozen=True)
class Pace:
    """`backlog` messages are aimed at for each instance; cooldowns in seconds.

    After a change no more are added for `out_s`. Instances go when fewer were enough for `in_s`.
    """

    backlog: int
    out_s: float
    in_s: float


@dataclass(frozen=True)
class Bounds:
    least: int
    most: int


@dataclass(frozen=True)
class Wish:
    """How many instances a look asked for."""

    at: float
    count: int


@dataclass(frozen=True)
class Wishes:
    """What looks asked for within the cooldown, rising in time and falling in number.

    `since` is when looking began, `changed` when the capacity was changed last.
    """

    since: float
    recent: tuple[Wish, ...] = ()
    changed: float = NEVER

    def with_(self, wish: Wish, in_s: float) -> Wishes:
        """Return them with the newest; those that it outdoes count for nothing any more."""
        kept = (w for w in self.recent if w.count > wish.count and w.at >= wish.at - in_s)
        return Wishes(self.since, (*kept, wish), self.changed)

    @property
    def highest(self) -> int:
        return self.recent[0].count


def wanted(backlog: int, pace: Pace, bounds: Bounds) -> int:
    """Return how many instances a backlog asks for."""
    return max(bounds.least, min(-(-backlog // pace.backlog), bounds.most))


def scaled(before: Wishes, desired: int, wish: Wish, pace: Pace) -> tuple[Wishes, int]:
    """Return what to remember, and the capacity from now on."""
    after = before.with_(wish, pace.in_s)
    count = _next(after, desired, wish, pace)
    return after if count == desired else replace(after, changed=wish.at), count


def _next(wishes: Wishes, desired: int, wish: Wish, pace: Pace) -> int:
    rested_s, watched_s = wish.at - wishes.changed, wish.at - wishes.since
    if wish.count > desired:
        return wish.count if rested_s >= pace.out_s else desired
    if min(rested_s, watched_s) < pace.in_s:
        return desired
    return min(wishes.highest, desired)
