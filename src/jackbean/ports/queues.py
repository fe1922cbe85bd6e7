"""Queues and the messages in them.

The port keeps messages and hands them out; what a request may ask for, and what its answer looks
like, is the business of whoever calls it. Instants are whole milliseconds since the epoch of wall
time: a message that was handed out comes back when its time has passed, also if nobody ran
meanwhile.

In a queue that is first-in-first-out every message is in a lane (AWS: a message group). A lane
hands out its messages in order, and none while one of them is out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol

from jackbean.core.errors import Conflict

Pairs = tuple[tuple[str, str], ...]
DUPLICATES_MS = 300_000  # for so long a message with a known token is not kept again
ATTEMPTS_MS = 300_000  # for so long an attempt to receive can be repeated
HELD_MS_MAX = 43_200_000  # from when it is received, a message stays invisible no longer


@dataclass(frozen=True)
class Queue:
    """`key` is never given twice: a queue that is made anew is another one. 0 before it is kept."""

    name: str
    created: float
    modified: float
    attributes: Pairs = ()
    tags: Pairs = ()
    key: int = 0

    def __hash__(self) -> int:
        """Return what tells one from most others: all of it would take longer than a lookup."""
        return hash((self.key, self.name, self.modified))

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")


@dataclass(frozen=True)
class Draft:
    """A message to keep. `attributes` and `system` are text that the port does not look into.

    `lane` is of a first-in-first-out queue; `token` tells duplicates, within `scope`.
    """

    id: str
    body: str
    visible_ms: int
    attributes: str = ""
    system: str = ""
    lane: str | None = None
    token: str = ""
    scope: str = ""


@dataclass(frozen=True)
class Kept:
    """What became of a draft: the id and number of what is kept, an earlier one's if it is known.

    Numbers rise, and are never given twice.
    """

    id: str
    number: int
    fresh: bool


@dataclass(frozen=True)
class DeadLetters:
    """Where messages go that have been handed out so often, instead of being handed out again."""

    queue: int
    receives_max: int
    source: str  # what they are marked with: the ARN of the queue that they come from


@dataclass(frozen=True)
class Wanted:
    """What to hand out. Messages sent before `oldest_ms` are forgotten, not handed out."""

    queue: int
    now_ms: int
    hold_ms: int
    oldest_ms: int
    limit: int = 1
    fifo: bool = False
    dead: DeadLetters | None = None
    attempt: str = ""


@dataclass(frozen=True)
class Message:
    """A message, handed out for the `receives`-th time."""

    number: int
    id: str
    body: str
    attributes: str
    system: str
    sent_ms: int
    first_ms: int
    receives: int
    lane: str | None = None
    token: str = ""
    source: str = ""


@dataclass(frozen=True)
class Haul:
    """What was handed out; when there may be more (`None`: not before one comes); how many died."""

    messages: tuple[Message, ...]
    due_ms: int | None = None
    died: int = 0


@dataclass(frozen=True)
class Receipt:
    """One time that a message was handed out."""

    number: int
    receives: int


class Outcome(Enum):
    """What became of a wish about a message that was handed out."""

    DONE = "done"
    GONE = "it is not there any more"
    STALE = "it has been handed out again since"
    VISIBLE = "it is visible again"
    TOO_LONG = "it has been held for as long as it may be"


@dataclass(frozen=True)
class Counts:
    """How many messages a queue has, and when the oldest of them was sent."""

    visible: int = 0
    held: int = 0
    delayed: int = 0
    oldest_ms: int | None = None


@dataclass(frozen=True)
class Transfer:
    """Visible messages to send on as new ones: to `target`, or where they came from.

    `origins` has the queues that messages may have come from, by what these are marked with.
    """

    queue: int
    now_ms: int
    ids: tuple[str, ...]  # of the new messages; no more than these are sent on
    target: int | None = None
    origins: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Transferred:
    """How many went; `lost` is whether one is left whose origin is unknown; where they went."""

    count: int
    lost: bool = False
    queues: frozenset[int] = frozenset()


class Phase(StrEnum):
    """Where a move of messages from one queue to others stands."""

    RUNNING = "RUNNING"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Move:
    """A task that moves the messages of `source`. Queues are named by ARN; "": to their origins."""

    handle: str
    source: str
    target: str
    rate: int  # messages in a second at most; 0: no bound
    started: float
    expected: int
    moved: int = 0
    phase: Phase = Phase.RUNNING
    failure: str = ""


class QueueRefusal(Enum):
    """Why a change was not made."""

    TAKEN = "the queue exists"
    ABSENT = "there is no such queue"


class QueueRefused(Conflict):
    """Nothing was changed, and why."""

    def __init__(self, why: QueueRefusal) -> None:
        super().__init__(why.value)
        self.why = why


class Queues(Protocol):
    """A change is on disk when it returns, and seen by every read after that."""

    async def queue(self, name: str) -> Queue | None: ...

    async def queues(self) -> list[Queue]:
        """Return all, by name."""
        ...

    async def add_queue(self, queue: Queue) -> Queue:
        """Keep a new one, and return it with its key. Raises QueueRefused: TAKEN."""
        ...

    async def save_queue(self, queue: Queue) -> None:
        """Keep other attributes and tags. Raises QueueRefused: ABSENT."""
        ...

    async def drop_queue(self, key: int) -> None:
        """Remove a queue and its messages. Raises QueueRefused: ABSENT."""
        ...

    async def send(self, queue: int, drafts: Sequence[Draft], now_ms: int) -> list[Kept]:
        """Keep messages, in order, all or none. Raises QueueRefused: ABSENT."""
        ...

    async def receive(self, wanted: Wanted) -> Haul:
        """Hand out messages, count it, and hide them for a while."""
        ...

    async def put_back(self, queue: int, receipts: Sequence[Receipt], now_ms: int) -> None:
        """Undo that messages were handed out: nobody got them."""
        ...

    async def delete(
        self, queue: int, receipts: Sequence[Receipt], held_at_ms: int | None = None
    ) -> list[Outcome]:
        """Forget messages: DONE, GONE, STALE. With `held_at_ms` only if hidden then: VISIBLE."""
        ...

    async def hold(
        self, queue: int, holds: Sequence[tuple[Receipt, int]], now_ms: int
    ) -> list[Outcome]:
        """Hide messages for so many milliseconds from now: any Outcome."""
        ...

    async def purge(self, queue: int) -> None:
        """Forget all messages that are there now."""
        ...

    async def expire(self, queue: int, oldest_ms: int) -> int:
        """Forget messages sent before, and return how many."""
        ...

    async def delay(self, queue: int, by_ms: int) -> None:
        """Let messages that were never handed out be visible so long after they were sent."""
        ...

    async def counts(self, queue: int, now_ms: int) -> Counts: ...

    async def transfer(self, transfer: Transfer) -> Transferred:
        """Send messages on, as many as there are ids."""
        ...

    async def moves(self, source: str = "") -> list[Move]:
        """Return moves, of one queue or all, the newest first."""
        ...

    async def save_move(self, move: Move) -> None: ...
