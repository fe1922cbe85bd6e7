"""Two stores of messages that are told the same must answer the same, and keep what is promised."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jackbean.ports.queues import (
    DeadLetters,
    Draft,
    Haul,
    Message,
    Outcome,
    Queue,
    Queues,
    Receipt,
    Transfer,
    Wanted,
)
from jackbean.simulator.queues import MemoryQueues
from jackbean.storage.queues import SqliteQueues

START = 1_700_000_000_000
HOLD_MS = 1000
RETENTION_MS = 400_000
NAMES = ("plain", "dead", "ordered.fifo", "dead.fifo")
QUEUE = st.sampled_from([1, 1, 2, 3, 3, 4])
LANE = st.sampled_from(["a", "b", "c"])
TOKEN = st.sampled_from(["", "", "x", "y"])
RECEIVES_MAX = 2


class Told(RuleBasedStateMachine):
    """SQLite beside memory. The model keeps what was handed out last, to check the promises."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        path = Path(self.folder.name) / "queues.db"
        self.stores: tuple[Queues, Queues] = (MemoryQueues(), SqliteQueues.open(path))
        self.now = START
        self.sent = 0
        self.receipts: list[tuple[int, Receipt]] = []
        self.held: dict[int, tuple[Message, int]] = {}  # number -> what was handed out, until
        self.lanes: dict[tuple[int, str], list[int]] = {}
        for name in NAMES:
            self.both(lambda store, name=name: store.add_queue(Queue(name, 1.0, 1.0)))

    def both(self, wish: Callable[[Queues], Awaitable[Any]]) -> Any:
        one, other = (self.loop.run_until_complete(wish(store)) for store in self.stores)
        assert one == other
        return one

    @rule(by=st.sampled_from([1, 500, HOLD_MS, 300_000]))
    def time_passes(self, by: int) -> None:
        self.now += by

    @rule(
        queue=QUEUE,
        lanes=st.lists(st.tuples(LANE, TOKEN), min_size=1, max_size=3),
        delay=st.sampled_from([0, 0, 700]),
    )
    def send(self, queue: int, lanes: list[tuple[str, str]], delay: int) -> None:
        fifo, drafts = queue > 2, []
        for lane, token in lanes:
            self.sent += 1
            visible = self.now + (0 if fifo else delay)
            told = {"lane": lane, "token": token} if fifo else {}
            drafts.append(Draft(f"id-{self.sent}", f"body {self.sent}", visible, **told))
        self.both(lambda store: store.send(queue, drafts, self.now))

    @rule(queue=QUEUE, limit=st.integers(1, 4), attempt=st.sampled_from(["", "", "t"]))
    def receive(self, queue: int, limit: int, attempt: str) -> None:
        fifo = queue > 2
        dead = DeadLetters(queue + 1, RECEIVES_MAX, "arn") if queue in (1, 3) else None
        wanted = Wanted(
            queue=queue,
            now_ms=self.now,
            hold_ms=HOLD_MS,
            oldest_ms=self.now - RETENTION_MS,
            limit=limit,
            fifo=fifo,
            dead=dead,
            attempt=attempt if fifo else "",
        )
        haul = self.both(lambda store: store.receive(wanted))
        self.promised(queue, haul, repeated=bool(attempt))

    def promised(self, queue: int, haul: Haul, *, repeated: bool) -> None:
        for message in haul.messages:
            before = self.held.get(message.number)
            again = before is not None and before[0].receives == message.receives
            if before is not None and not (again and repeated):
                assert before[1] <= self.now, "handed out while somebody held it"
            self.held[message.number] = (message, self.now + HOLD_MS)
            self.receipts.append((queue, Receipt(message.number, message.receives)))
        for lane in {m.lane for m in haul.messages if m.lane is not None}:
            numbers = [m.number for m in haul.messages if m.lane == lane]
            assert numbers == sorted(numbers), "a lane is out of order"
        if queue in (1, 3):
            assert all(m.receives <= RECEIVES_MAX for m in haul.messages if not m.source)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.receipts:
            queue, receipt = data.draw(st.sampled_from(self.receipts))
            held_at = self.now if queue > 2 else None
            (outcome,) = self.both(lambda store: store.delete(queue, [receipt], held_at))
            if outcome is Outcome.DONE:
                self.held.pop(receipt.number, None)

    @rule(data=st.data(), hold=st.sampled_from([0, 300, 5000, 43_200_001]))
    def hold(self, data: st.DataObject, hold: int) -> None:
        if self.receipts:
            queue, receipt = data.draw(st.sampled_from(self.receipts))
            (outcome,) = self.both(lambda store: store.hold(queue, [(receipt, hold)], self.now))
            if outcome is Outcome.DONE:
                message, _ = self.held[receipt.number]
                self.held[receipt.number] = (message, self.now + hold)

    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        if self.receipts:
            at = data.draw(st.integers(0, len(self.receipts) - 1))
            queue, receipt = self.receipts[at]
            self.both(lambda store: store.put_back(queue, [receipt], self.now))
            # Nobody has a receipt that was put back, nor an older one of a lower count.
            self.receipts = [one for one in self.receipts if one[1].number != receipt.number]
            self.held.pop(receipt.number, None)

    @rule(source=st.sampled_from([2, 4]), direct=st.booleans())
    def transfer(self, source: int, direct: bool) -> None:
        self.sent += 1
        wanted = Transfer(
            source,
            self.now,
            (f"id-{self.sent}",),
            source - 1 if direct else None,
            {"arn": source - 1},
        )
        self.both(lambda store: store.transfer(wanted))

    @rule(queue=QUEUE)
    def purge(self, queue: int) -> None:
        self.both(lambda store: store.purge(queue))

    @rule(by=st.sampled_from([0, 900]))
    def delay(self, by: int) -> None:
        self.both(lambda store: store.delay(3, by))

    @invariant()
    def counts(self) -> None:
        if hasattr(self, "stores"):
            for queue in range(1, 5):
                self.both(lambda store, queue=queue: store.counts(queue, self.now))

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            self.loop.run_until_complete(self.stores[1].close())
            self.loop.close()
            self.folder.cleanup()


TestTold = Told.TestCase
TestTold.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
