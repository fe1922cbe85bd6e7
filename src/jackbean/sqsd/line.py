"""The line to the control plane: requests to the queue, and what is told besides.

The control plane may be away at any time. Whatever could not be said waits, is said again with
growing pauses, and is let go once nobody would have any use for it.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from jackbean.core.daemon import DaemonConfig
from jackbean.sqsd.exchange import Asked, Ending, Exchange
from jackbean.sqsd.loop import Loop
from jackbean.sqsd.signing import Keys, aws_request, own_request

CONNECT_S = 5.0
ANSWER_S = 30.0
WAIT_S = 20  # the longest that a queue lets anybody wait
ANSWER_BYTES_MAX = 32 << 20  # ten messages of a megabyte, each character escaped
BACKOFF_S_MIN, BACKOFF_S_MAX = 0.1, 2.0
CREDENTIALS = "/v1/credentials"
KEYS_S_MIN = 60.0
OK = 200

Done = Callable[[Ending], None]


@dataclass
class Backoff:
    """Pauses that double, up to a limit."""

    longest_s: float = BACKOFF_S_MAX
    _last_s: float = 0.0

    def next_s(self) -> float:
        self._last_s = min(max(self._last_s * 2, BACKOFF_S_MIN), self.longest_s)
        return self._last_s

    def over(self) -> None:
        self._last_s = 0.0


class Line:
    """Sends requests. Those to the queue are signed: they wait until `fetch_keys` is done.

    Keys end; long before they do, new ones are fetched.
    """

    def __init__(self, loop: Loop, config: DaemonConfig) -> None:
        self._loop = loop
        self._config = config
        self._keys: Keys | None = None
        self._backoff = Backoff()

    def fetch_keys(self, done: Callable[[], None]) -> None:
        """Ask for the instance's keys until they are there; then call `done`."""
        data = own_request("GET", CREDENTIALS, self._config.token)
        self._send(data, ANSWER_S, lambda ending: self._keys_came(ending, done))

    def call(self, operation: str, members: dict[str, Any], done: Done) -> Exchange:
        """Ask the queue."""
        assert self._keys  # noqa: S101 - nobody has anything to ask for before they are there
        data = aws_request(operation, members, self._keys, time.time())
        patience_s = WAIT_S + ANSWER_S if operation == "ReceiveMessage" else ANSWER_S
        return self._send(data, patience_s, done)

    def tell(self, path: str, body: Any, done: Done) -> None:
        """Say something to the control plane itself."""
        data = own_request("POST", path, self._config.token, json.dumps(body).encode())
        self._send(data, ANSWER_S, done)

    def _send(self, data: bytes, patience_s: float, done: Done) -> Exchange:
        asked = Asked(self._config.socket, data, CONNECT_S, patience_s, ANSWER_BYTES_MAX)
        exchange = Exchange(self._loop, asked, done)
        exchange.begin()
        return exchange

    def _keys_came(self, ending: Ending, done: Callable[[], None]) -> None:
        try:
            said = json.loads(ending.body) if ending.status == OK else {}
            pair = said["AccessKeyId"], said["SecretAccessKey"]
            self._keys = Keys(*pair, said["SessionToken"], self._config.region)
            left_s = float(said["Expiration"]) - time.time()
        except (ValueError, KeyError, TypeError):
            self._loop.later(self._backoff.next_s(), lambda: self.fetch_keys(done))
            return
        self._backoff.over()
        self._loop.later(max(left_s / 2, KEYS_S_MIN), lambda: self.fetch_keys(_nothing))
        done()


def _nothing() -> None:
    """Newer keys are used from now on; nobody has waited for them."""


Item = TypeVar("Item")


class Parcel(Protocol[Item]):
    """How the items of an outbox are said."""

    size_max: int

    def send(self, items: Sequence[Item], done: Done) -> None: ...

    def left(self, items: Sequence[Item], ending: Ending) -> list[Item]:
        """Return those that have to be said again, after this answer."""
        ...

    def stale(self, item: Item) -> bool:
        """Tell if an item need not be said any more."""
        ...


@dataclass
class Outbox(Generic[Item]):
    """Items that are said in order, as many at a time as have come together, until they are."""

    loop: Loop
    parcel: Parcel[Item]
    changed: Callable[[], None]
    _waiting: deque[Item] = field(default_factory=deque)
    _sent: Sequence[Item] = ()
    _backoff: Backoff = field(default_factory=Backoff)
    _paused: bool = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    def put(self, item: Item) -> None:
        self._waiting.append(item)
        self._flush()

    def _flush(self) -> None:
        if self._sent or self._paused:
            return
        sent: list[Item] = []
        while self._waiting and len(sent) < self.parcel.size_max:
            item = self._waiting.popleft()
            if not self.parcel.stale(item):
                sent.append(item)
        if sent:
            self._sent = sent
            self.parcel.send(sent, self._answered)

    def _answered(self, ending: Ending) -> None:
        left = self.parcel.left(self._sent, ending)
        self._sent = ()
        self._waiting.extendleft(reversed(left))
        if left:
            self._paused = True
            self.loop.later(self._backoff.next_s(), self._again)
        else:
            self._backoff.over()
            self._flush()
        self.changed()

    def _again(self) -> None:
        self._paused = False
        self._flush()
        self.changed()
