"""The ledger of messages: what came of posting them, beside where they are.

Worker instances tell of each time that they posted a message. It is kept where the messages are, in
the commits that they share: nobody who sends or receives waits for it. The last ones of a queue are
kept, and those of its dead letters for as long as these are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

KEPT = 10_000  # tries of one queue, besides those of dead letters
SHOWN_MAX = 20  # tries of one message, the last ones


class Stand(StrEnum):
    """How it stands with a message."""

    WAITING = "waiting"  # it can be taken; it may have been taken before
    DELAYED = "delayed"  # it cannot be taken yet, and was never taken
    HELD = "held"  # somebody has it, or it waits to be tried again
    DEAD = "dead"
    GONE = "gone"  # it was deleted, or its time was over


@dataclass(frozen=True)
class Try:
    """One time that a message was posted: the `receives`-th time that it was handed out.

    Instants and durations are in milliseconds. `status` 0 is no answer, and `error` says why.
    """

    queue: int
    number: int
    receives: int
    message: str
    instance: str
    at_ms: int
    ms: int
    status: int
    error: str = ""
    task: str = ""


@dataclass(frozen=True)
class Entry:
    """A message, where it is, and the last times that it was posted, the last one first.

    What is not known of a message that is gone is 0. `carried` is how often it had been handed out
    when it came into the queue where it is; `task` is that of its last try.
    """

    number: int
    message: str
    stand: Stand
    receives: int = 0
    carried: int = 0
    sent_ms: int = 0
    visible_ms: int = 0
    tries: tuple[Try, ...] = ()

    @property
    def touched_ms(self) -> int:
        """When something happened to it last, as far as is known."""
        return max([self.sent_ms, *(one.at_ms + one.ms for one in self.tries)])


@dataclass(frozen=True)
class Search:
    """Which messages: of a queue and its dead letters, or only of the latter. None: it has none.

    The last ones first, by when they were posted or sent. `at_ms` is the present.
    """

    queue: int
    dead: int | None
    at_ms: int
    dead_only: bool = False
    limit: int = 100


class Ledger(Protocol):
    async def add(self, tries: Sequence[Try]) -> None:
        """Keep tries, on disk when it returns; one that is known already changes nothing."""
        ...

    async def entries(self, search: Search) -> list[Entry]: ...

    async def last(self, numbers: Sequence[int]) -> dict[int, Try]:
        """Return the last try of each message that has one."""
        ...

    async def tidy(self) -> None:
        """Forget the tries of dead letters that are no longer there."""
        ...
