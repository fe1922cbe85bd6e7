"""What is said to the queue of messages that were received: that they are done, or come back when.

A message that could not be settled in time is handed out again by its queue: nothing is lost, and
there is nothing left to say.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jackbean.sqsd.exchange import Ending
from jackbean.sqsd.line import OK, Done, Line, Outbox
from jackbean.sqsd.loop import Act, Loop

BATCH_MAX = 10
REFUSED = frozenset((400, 404, 413))  # saying it again would be refused again


@dataclass(frozen=True)
class Settled:
    """A message that is done with; both instants are on the monotonic clock.

    `until` is when the queue hands it out again unless it hears of it; `visible_at` when it is to.
    """

    receipt: str
    until: float
    visible_at: float = 0.0


class _Batches:
    """A Parcel: batches of one operation."""

    size_max = BATCH_MAX

    operation = ""

    def __init__(self, line: Line, queue_url: str, say: Callable[[str], None]) -> None:
        self._line = line
        self._queue_url = queue_url
        self._say = say

    def entry(self, item: Settled) -> dict[str, Any]:
        return {"ReceiptHandle": item.receipt}

    def send(self, items: Sequence[Settled], done: Done) -> None:
        entries = [{"Id": str(at), **self.entry(item)} for at, item in enumerate(items)]
        members = {"QueueUrl": self._queue_url, "Entries": entries}
        self._line.call(self.operation, members, done)

    def left(self, items: Sequence[Settled], ending: Ending) -> list[Settled]:
        if ending.status == OK:
            try:
                failed = json.loads(ending.body).get("Failed") or ()
                again = {int(one["Id"]) for one in failed if not one.get("SenderFault")}
            except (ValueError, KeyError, TypeError, AttributeError):
                return list(items)
            for one in failed:
                self._say(f"{self.operation}: {one.get('Code')} {one.get('Message')}")
            return [item for at, item in enumerate(items) if at in again]
        self._say(f"{self.operation}: {trouble(ending)}")
        return [] if ending.status in REFUSED else list(items)

    def stale(self, item: Settled) -> bool:
        return time.monotonic() >= item.until


class _Deletions(_Batches):
    operation = "DeleteMessageBatch"


class _Returns(_Batches):
    operation = "ChangeMessageVisibilityBatch"

    def entry(self, item: Settled) -> dict[str, Any]:
        hidden_s = max(0.0, item.visible_at - time.monotonic())
        return {**super().entry(item), "VisibilityTimeout": round(hidden_s)}


class Settling:
    """Has messages deleted and given back; `changed` is called when some have been."""

    def __init__(
        self, loop: Loop, line: Line, queue: tuple[str, Callable[[str], None]], changed: Act
    ) -> None:
        self._deletions = Outbox(loop, _Deletions(line, *queue), changed)
        self._returns = Outbox(loop, _Returns(line, *queue), changed)

    def __len__(self) -> int:
        return len(self._deletions) + len(self._returns)

    def delete(self, item: Settled) -> None:
        self._deletions.put(item)

    def give_back(self, item: Settled) -> None:
        self._returns.put(item)


def trouble(ending: Ending) -> str:
    """Return a clause about an exchange with the control plane that brought nothing."""
    if not ending.answered:
        return ending.why
    text = ending.body[:300].decode("utf-8", "replace")
    return f"it answers {ending.status} {text}".rstrip()
