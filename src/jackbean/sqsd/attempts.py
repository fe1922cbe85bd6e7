"""What is told of attempts, for the ledger of messages: as said in `jackbean.core.protocol`."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict

from jackbean.core.protocol import ATTEMPTS_MAX, Attempt
from jackbean.sqsd.exchange import Ending
from jackbean.sqsd.line import Done, Line, Outbox
from jackbean.sqsd.loop import Act, Loop

PATH = "/v1/attempts"
WAITING_MAX = 20_000  # told only for people: what is beyond it, the ledger does not have


class _Telling:
    """A Parcel: attempts are told again unless the control plane has understood them."""

    size_max = ATTEMPTS_MAX

    def __init__(self, line: Line) -> None:
        self._line = line

    def send(self, items: Sequence[Attempt], done: Done) -> None:
        self._line.tell(PATH, {"attempts": [asdict(item) for item in items]}, done)

    def left(self, items: Sequence[Attempt], ending: Ending) -> list[Attempt]:
        heard = ending.answered and ending.status < 500
        return [] if heard else list(items)

    def stale(self, item: Attempt) -> bool:
        return False


class Attempts:
    def __init__(self, loop: Loop, line: Line, changed: Act) -> None:
        self._outbox = Outbox(loop, _Telling(line), changed, deque(maxlen=WAITING_MAX))

    def __len__(self) -> int:
        return len(self._outbox)

    def tell(self, attempt: Attempt) -> None:
        self._outbox.put(attempt)
