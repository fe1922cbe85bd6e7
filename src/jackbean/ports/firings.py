"""The ledger of periodic tasks: what became of every minute at which one was due.

It is kept where the messages are, so a message and the line that says that it was sent are there
together or not at all. What became of the message is not written down, but looked up: its queue
knows. Only what ends a message without anybody having taken it leaves a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from jackbean.core.tasks import Task
from jackbean.ports.queues import Draft
from jackbean.schedules.accounts import Account, Decision, Fate

KEPT = 10_000  # lines of one environment


class State(StrEnum):
    """How it stands with a line: `DONE` to `SKIPPED` is how it ended."""

    WAITING = "waiting"  # nobody has taken the message yet
    RUNNING = "running"
    FAILED = "failed"  # it was given back, or nobody answered; it comes again
    DONE = "done"  # it was deleted
    DEAD = "dead"  # it is in a dead-letter queue, or ended there
    EXPIRED = "expired"
    PURGED = "purged"
    DROPPED = "dropped"  # its queue was deleted
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Letter:
    """A message to send, and the key of its queue."""

    queue: int
    draft: Draft


@dataclass(frozen=True)
class Run:
    """A task that somebody wants to be run now, not when it is due."""

    environment: str
    task: Task
    release: int
    at_ms: int


@dataclass(frozen=True)
class Firing:
    """A line of the ledger: one message, or so many due minutes in a row that were skipped.

    Instants are in milliseconds since the epoch, of when it was due. `receives` is how often the
    message was handed out: 0 where it is gone and nobody noted it.
    """

    task: Task
    at_ms: int
    last_ms: int
    count: int
    release: int
    state: State
    reason: str = ""
    message: str = ""
    number: int | None = None
    receives: int = 0


@dataclass(frozen=True)
class History:
    """Which lines: of one task or all, due before an instant. The newest first."""

    environment: str
    task: str = ""
    before_ms: int | None = None
    limit: int = 100


class Firings(Protocol):
    """A change is on disk when it returns."""

    async def account(self, environment: str) -> Account:
        """Return what was saved last, or an account of nothing."""
        ...

    async def accounts(self) -> list[str]:
        """Return the environments that have one."""
        ...

    async def ahead(self, environment: str, after: int) -> list[Fate]:
        """Return the fates of due minutes that end after that minute, in order."""
        ...

    async def save(self, decision: Decision, letters: Sequence[Letter], now_ms: int) -> None:
        """Save a decision and send its messages, one for each of `decision.sent`, all or nothing.

        Raises Conflict if somebody else saved the account meanwhile, QueueRefused if a queue is
        gone.
        """
        ...

    async def run(self, run: Run, letter: Letter, now_ms: int) -> None:
        """Send a message out of turn. Raises Conflict for the same instant again, QueueRefused."""
        ...

    async def history(self, wanted: History, now_ms: int) -> list[Firing]: ...

    async def prune(self, environment: str, keep: int = KEPT) -> None:
        """Forget all but the newest lines of an environment."""
        ...

    async def forget(self, environment: str) -> None:
        """Forget an environment."""
        ...
