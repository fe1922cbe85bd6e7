"""Whether answers could have been what they were: versions move as a change lets them, only so.

    begun before the change was asked for    the old value
    while it was under way                   either; but who has given the new does not go back
    after the environment was at rest        the new value

A request during which the next change was asked for may be answered as either lets it be. What was
said on WebSockets is exempt from the last two: one that is open stays with the process it was
opened to, which may finish beside its successor.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.load.tally import Seen

MESSAGE = "message"


@dataclass(frozen=True)
class Move:
    """One change: of which member of an answer, from what to what, and when it was under way."""

    of: str
    before: str
    after: str
    asked: float
    rested: float = math.inf

    def value(self, seen: Seen) -> str:
        return str(getattr(seen, self.of))


def contradictions(seen: Iterable[Seen], moves: Sequence[Move], *, at_once: bool) -> list[str]:
    """Return what was answered and should not have been.

    With `at_once` the change is one of all instances together, as where names are swapped.
    """
    parts: dict[int, list[Seen]] = defaultdict(list)
    for one in seen:
        parts[_at(one.begun, moves)].append(one)
    found = [*_early(parts[-1], moves[0]), *_across(parts[-1], moves[:1])]
    for number, move in enumerate(moves):
        later = moves[number + 1 : number + 2]
        alone = [one for one in parts[number] if not later or one.ended < later[0].asked]
        found += _during(alone, move, at_once=at_once)
        found += _across(parts[number], [move, *later])
    return found


def _at(moment: float, moves: Sequence[Move]) -> int:
    """Return the number of the change asked for last, -1 before the first."""
    return sum(move.asked <= moment for move in moves) - 1


def _early(seen: Iterable[Seen], move: Move) -> Iterator[str]:
    for one in seen:
        if move.value(one) != move.before and one.ended < move.asked:
            yield f"{_told(one, move)} before anything was changed"


def _across(seen: Iterable[Seen], moves: Sequence[Move]) -> Iterator[str]:
    values = {value for move in moves for value in (move.before, move.after)}
    for one in seen:
        if moves[0].value(one) not in values:
            told = _told(one, moves[0])
            yield f"{told} on the way from {moves[0].before} to {moves[0].after}"


def _during(seen: Sequence[Seen], move: Move, *, at_once: bool) -> Iterator[str]:
    turned: dict[str, float] = {}
    for one in seen:
        if move.value(one) == move.after and one.kind != MESSAGE:
            who = "" if at_once else one.instance
            turned[who] = min(one.ended, turned.get(who, math.inf))
    for one in seen:
        if move.value(one) != move.before or move.before == move.after or one.kind == MESSAGE:
            continue
        if one.begun >= move.rested:
            late_s = one.begun - move.rested
            yield f"{_told(one, move)} {late_s:.2f} s after all was at rest on {move.after}"
        elif one.begun > turned.get("" if at_once else one.instance, math.inf):
            yield f"{_told(one, move)} after {move.after} had been answered there"


def _told(one: Seen, move: Move) -> str:
    return f"{one.instance} answered {move.value(one)} to a {one.kind}"


def share_of(seen: Iterable[Seen], version: str, begin: float, end: float) -> tuple[int, int]:
    """Return how many requests were answered by `version` between two moments, and by anybody."""
    there = [one for one in seen if begin <= one.begun < end and one.kind != MESSAGE]
    return sum(one.version == version for one in there), len(there)
