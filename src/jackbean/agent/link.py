"""The line to the control plane: one request that is always open.

It says how the instance does and brings back what there is to do. The control plane may be gone for
as long as it likes: what runs goes on running, and the agent dials again.
"""

from __future__ import annotations

import os
import re
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jackbean.agent.dial import Dial, Exchange, Request, Unreachable, json_request
from jackbean.agent.logfiles import EngineLog
from jackbean.core.protocol import HOLD_S, Notice, Order, Report, from_json, to_json

BACKOFF_S_MIN = 0.1
BACKOFF_S_MAX = 2.0
PATIENCE_S = HOLD_S + 5.0  # longer than that is silence
WORKING_S = 3.0  # how often the control plane hears of work that goes on
PACE_S = 0.05  # between two requests, however much news there is
UNAUTHORIZED, OTHER_PROTOCOL = 401, 426
TROUBLE = (Unreachable, OSError, ValueError)
STEPS_WAITING_MAX = 200
LOG_REQUEST = r"[0-9A-Za-z_-]{1,100}"


class Bell:
    """Something that can be waited for together with a socket."""

    def __init__(self) -> None:
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._event

    def ring(self) -> None:
        os.eventfd_write(self._event, 1)

    def answer(self) -> None:
        """Let it be silent until it rings again."""
        try:
            os.eventfd_read(self._event)
        except BlockingIOError:
            return


class Link:
    """`report` says how we do; `sent` hears that it was said; `accept` takes what is to be done."""

    def __init__(
        self,
        dial: Dial,
        log: EngineLog,
        report: Callable[[], Report],
        sent: Callable[[], None],
        accept: Callable[[Order], None],
    ) -> None:
        self._dial = dial
        self._log = log
        self._report = report
        self._sent = sent
        self._accept = accept
        self._bell = Bell()
        self._stopping = False
        self._said = ""

    def news(self) -> None:
        """Report anew, now: something has changed."""
        self._bell.ring()

    def stop(self) -> None:
        self._stopping = True
        self._bell.ring()

    def run(self) -> None:
        """Report and take orders until stopped, or until the instance is not known any more."""
        backoff_s = 0.0
        while not self._stopping:
            began = time.monotonic()
            try:
                status = self._exchange()
                trouble = "" if status in (0, 200) else f"it answers {status}"
            except TROUBLE as error:
                status, trouble = -1, str(error)
            if status == UNAUTHORIZED:
                self._log.info("The instance is not known any more: it is ended")
                return
            self._note(trouble)
            backoff_s = min(max(backoff_s * 2, BACKOFF_S_MIN), BACKOFF_S_MAX) if trouble else 0.0
            self._rest(max(backoff_s, PACE_S - (time.monotonic() - began)), heed_news=not trouble)

    def _exchange(self) -> int:
        """Send a report and take the answer; return its status, 0 if news came first."""
        self._bell.answer()
        report = self._report()
        request = json_request("POST", "/v1/report", to_json(report), PATIENCE_S)
        with self._dial.send(request) as exchange:
            self._sent()
            if not self._answered(exchange, working=report.state == "working"):
                return 0
            exchange.receive()
            if exchange.status == 200:
                self._accept(from_json(Order, exchange.json()))
            return exchange.status

    def _answered(self, exchange: Exchange, *, working: bool) -> bool:
        """Wait for an answer; tell if there is one, rather than something to report."""
        waiting: list[Exchange | Bell] = [exchange, self._bell]
        ready = select.select(waiting, [], [], WORKING_S if working else PATIENCE_S)[0]
        if not ready and not working:
            raise Unreachable("the control plane does not answer")
        return exchange in ready

    def _rest(self, seconds: float, *, heed_news: bool) -> None:
        """Wait; news shorten the wait only while the control plane is there."""
        if self._stopping or seconds <= 0:
            return
        if not heed_news:
            deadline = time.monotonic() + seconds
            while not self._stopping and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(left, PACE_S))
        else:
            time.sleep(min(seconds, PACE_S))

    def _note(self, trouble: str) -> None:
        """Log that the control plane is gone, or back; once."""
        if trouble != self._said:
            self._log.warn(f"Control plane: {trouble or 'back'}")
            self._said = trouble


class Progress:
    """Steps as they are done, for people who watch; told in the background, lost in trouble."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._waiting: deque[dict[str, Any]] = deque(maxlen=STEPS_WAITING_MAX)
        self._some = threading.Event()
        threading.Thread(target=self._tell, name="progress", daemon=True).start()

    def step(self, serial: int, step: str, seconds: float) -> None:
        self._waiting.append({"serial": serial, "step": step, "seconds": round(seconds, 4)})
        self._some.set()

    def _tell(self) -> None:
        while self._some.wait():
            self._some.clear()
            while self._waiting:
                body = self._waiting.popleft()
                try:
                    with self._dial.send(json_request("POST", "/v1/steps", body)) as exchange:
                        exchange.receive()
                except TROUBLE:
                    self._waiting.clear()


class Notices:
    """What is worth telling people, told in the background; lost if nobody listens for long."""

    TRIES_MAX = 20

    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    def tell(self, notice: Notice) -> None:
        threading.Thread(target=self._send, args=(notice,), daemon=True).start()

    def _send(self, notice: Notice) -> None:
        for number in range(self.TRIES_MAX):
            try:
                request = json_request("POST", "/v1/notices", to_json(notice))
                with self._dial.send(request) as exchange:
                    if exchange.receive().status < 500:
                        return
            except TROUBLE:
                pass
            time.sleep(min(BACKOFF_S_MIN * 2**number, BACKOFF_S_MAX))


class LogSender:
    """Uploads of logs that were asked for: each once, in the background, until it succeeds."""

    TRIES_MAX = 20
    REMEMBERED_MAX = 1_000

    def __init__(self, dial: Dial, log: EngineLog, make: Callable[[str], bytes | Path]) -> None:
        self._dial = dial
        self._log = log
        self._make = make
        self._seen: deque[str] = deque(maxlen=self.REMEMBERED_MAX)

    def want(self, wanted: dict[str, str]) -> None:
        """Send what has not been asked for before."""
        for name, kind in wanted.items():
            known = kind in ("tail", "bundle") and re.fullmatch(LOG_REQUEST, name)
            if known and name not in self._seen:
                self._seen.append(name)
                threading.Thread(target=self._send, args=(name, kind), daemon=True).start()

    def _send(self, name: str, kind: str) -> None:
        for number in range(self.TRIES_MAX):
            try:
                if self._put(f"/v1/logs/{name}/{kind}", self._make(kind)) < 500:
                    return
            except TROUBLE as error:
                self._log.warn(f"The logs could not be sent: {error}")
            time.sleep(min(BACKOFF_S_MIN * 2**number, BACKOFF_S_MAX))

    def _put(self, target: str, body: bytes | Path) -> int:
        try:
            with self._dial.send(Request("PUT", target, body)) as exchange:
                return exchange.receive().status
        finally:
            if isinstance(body, Path):
                body.unlink(missing_ok=True)
