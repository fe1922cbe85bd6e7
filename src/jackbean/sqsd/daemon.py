"""The daemon itself: when to receive, what to post, and how to come to an end.

Never more is received than there are free connections; a message is *in flight* from when the
queue has handed it out until it is deleted or given back.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from jackbean.core.daemon import DaemonConfig, DaemonState
from jackbean.core.protocol import Attempt, Worker
from jackbean.sqsd.application import Application
from jackbean.sqsd.attempts import Attempts
from jackbean.sqsd.exchange import Address, Asked, Ending, Exchange, Kind
from jackbean.sqsd.journal import Journal
from jackbean.sqsd.line import OK, WAIT_S, Backoff, Line
from jackbean.sqsd.loop import Loop
from jackbean.sqsd.message import Message, NotMessages, path, post, read_messages
from jackbean.sqsd.outcome import outcome
from jackbean.sqsd.settling import Settled, Settling, trouble

RECEIVE_MAX = 10  # what a queue hands out at a time
SYSTEM = [
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "SenderId",
    "SentTimestamp",
]
PAUSE_S_MAX = 5.0
HELD_S_MIN = 30  # a message can be deleted after its time, as long as nobody else has it
WORDS = {
    Kind.SILENT: "timed out",
    Kind.UNREACHABLE: "not reachable",
    Kind.LEFT: "given back: the daemon was stopped",
}
ENOUGH, ENOUGH_AGAIN_S = "/v1/enough", 0.1
LAST_WORDS_S = 2.0  # for what is still to be said, once everything else has ended


class Daemon:
    def __init__(self, loop: Loop, config: DaemonConfig, worker: Worker, journal: Journal) -> None:
        self._loop = loop
        self._config = config
        self._worker = worker
        self._journal = journal
        self._line = Line(loop, config)
        queue = (worker.queue_url, journal.say)
        self._settling = Settling(loop, self._line, queue, self._go_on)
        self._attempts = Attempts(loop, self._line, self._go_on)
        self._application = Application(loop, _address(config.application), self._go_on)
        self._posting: dict[str, Exchange] = {}
        self._receiving: Exchange | None = None
        self._ready = self._paused = self._stopping = False
        self._backoff = Backoff(PAUSE_S_MAX)
        self._polled_at: float | None = None
        self.over = False

    def begin(self) -> None:
        self._journal.say(f"start: polling {self._worker.queue_url}")
        self._application.doubt()
        self._line.fetch_keys(self._begin_to_poll)

    def stop(self) -> None:
        """Receive no more; end when all is done, or given back because it took too long.

        Who asks again has no more time.
        """
        if self._stopping:
            self.hurry()
        else:
            self._journal.say("stop: no more messages are received")
            self._stopping = True
            self._loop.later(self._config.drain_s, self._leave_posts)
            self._loop.later(self._config.drain_s + LAST_WORDS_S, self._leave)
            self._stop_waiting()
            self._go_on()

    def hurry(self) -> None:
        """Give back what is not done, and end whoever has heard of it."""
        self._leave_posts()
        self._loop.later(LAST_WORDS_S, self._leave)

    def note(self) -> None:
        """Let what has happened be known."""
        in_flight = len(self._posting) + len(self._settling)
        self._journal.flush(DaemonState(os.getpid(), in_flight, self._polled_at))

    # Receiving

    def _begin_to_poll(self) -> None:
        self._ready = True
        self._go_on()

    def _go_on(self) -> None:
        """Receive if that is possible, or end if there is nothing left to do."""
        if self._stopping:
            busy = self._receiving or self._posting or self._settling or self._attempts
            self.over = self.over or not busy
            return
        free = self._worker.http_connections - len(self._posting)
        if self._able and free > 0 and not self._receiving:
            self._receive(min(free, RECEIVE_MAX))

    @property
    def _able(self) -> bool:
        ready = self._ready and not self._paused and not self._stopping
        return ready and self._application.there

    def _receive(self, limit: int) -> None:
        first = self._polled_at is None  # somebody waits to hear that the queue answers
        members = {
            "QueueUrl": self._worker.queue_url,
            "MaxNumberOfMessages": limit,
            "WaitTimeSeconds": 0 if first else WAIT_S,
            "VisibilityTimeout": self._worker.visibility_timeout_s,
            "MessageSystemAttributeNames": SYSTEM,
            "MessageAttributeNames": ["All"],
        }
        self._receiving = self._line.call("ReceiveMessage", members, self._received)

    def _received(self, ending: Ending) -> None:
        self._receiving = None
        try:
            messages = read_messages(ending.body) if ending.status == OK else None
        except NotMessages as error:
            self._journal.say(f"poll-err: {error}")
            messages = None
        if messages is None:
            self._pause(ending)
            return
        self._backoff.over()
        self._polled_at = time.monotonic()
        for message in messages:
            self._take(message)
        self._go_on()

    def _stop_waiting(self) -> None:
        """Have the queue answer now: again and again, as one request may overtake another."""
        if self._receiving and not self._able:
            self._line.tell(ENOUGH, {}, _ignore)
            self._loop.later(ENOUGH_AGAIN_S, self._stop_waiting)

    def _pause(self, ending: Ending) -> None:
        if not self._stopping:
            self._journal.say(f"poll-err: {trouble(ending)}")
            self._paused = True
            self._loop.later(self._backoff.next_s(), self._resume)
        self._go_on()

    def _resume(self) -> None:
        self._paused = False
        self._go_on()

    # Posting

    def _take(self, message: Message) -> None:
        held_s = max(self._worker.visibility_timeout_s, HELD_S_MIN)
        settled = Settled(message.receipt, time.monotonic() + held_s)
        if message.older_than(self._worker.retention_period_s, time.time()):
            self._journal.say(f"message: {message.id} is older than RetentionPeriod: deleted")
            self._settling.delete(settled)
            return
        where = (self._config.address, self._config.port)
        asked = Asked(
            where,
            post(message, self._worker),
            self._worker.connect_timeout_s,
            self._worker.inactivity_timeout_s,
        )
        began = time.time()
        exchange = Exchange(
            self._loop, asked, lambda ending: self._posted(message, settled, began, ending)
        )
        self._posting[message.receipt] = exchange
        exchange.begin()
        target = f"http://localhost:{self._config.port}{path(message, self._worker)}"
        self._journal.say(f"message: sent to {target}")

    def _posted(self, message: Message, settled: Settled, began: float, ending: Ending) -> None:
        del self._posting[message.receipt]
        found = outcome(ending, self._worker)
        if found.absent:
            self._application.doubt()
            self._stop_waiting()
        if found.delete:
            self._settling.delete(settled)
        else:
            self._fail(message, ending)
            due = time.monotonic() + found.hidden_s
            self._settling.give_back(replace(settled, visible_at=due))
        self._attempts.tell(attempt(message, began, ending))
        self._go_on()

    def _fail(self, message: Message, ending: Ending) -> None:
        name = f"{message.id} ({message.receives})"
        if ending.answered:
            self._journal.say(f"http-err: {name} {ending.status} - {ending.seconds:.3f}")
        else:
            self._journal.say(f"socket-err: {name} {ending.why} - {ending.seconds:.3f}")

    # The end

    def _leave_posts(self) -> None:
        """Give back what has taken too long."""
        for exchange in (*self._posting.values(), self._receiving):
            if exchange:
                exchange.leave()

    def _leave(self) -> None:
        self.over = True


def _ignore(ending: Ending) -> None:
    """Whether it was heard is seen by what comes of it."""


def attempt(message: Message, began: float, ending: Ending) -> Attempt:
    """Return what is told of a request that has ended."""
    return Attempt(
        receipt=message.receipt,
        message=message.id,
        at=began,
        seconds=round(ending.seconds, 3),
        status=ending.status if ending.answered else 0,
        error="" if ending.answered else WORDS.get(ending.kind, ending.why),
        task=message.task,
    )


def _address(text: str) -> Address | None:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host and port.isdecimal() else None
