"""Sends what is due, and writes down what becomes of every due minute.

A turn of an environment reads its account, decides (`jackbean.schedules`), and saves account, lines
and messages in one transaction, which is refused if anybody else saved the account meanwhile. So it
does not matter how many look, or when one of them is killed: what was saved was sent, and what was
not saved is decided again.

Time is the machine's own, which may be set back or forward: the clock of everything else never goes
back, and would stand still until it is caught up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jackbean.core.environments import Environment
from jackbean.core.errors import Conflict, Fault, JackbeanError
from jackbean.ports.firings import Firings, Letter
from jackbean.ports.store import EnvironmentQuery, Store
from jackbean.schedules.accounts import Account, Decision, Present
from jackbean.schedules.decide import decide
from jackbean.schedules.expected import MINUTE_S, minute_of
from jackbean.services.periodic.message import message
from jackbean.services.periodic.worker import Worker, Workers
from jackbean.services.queues import Posting

RETRY_S = 1.0  # after a port refused, or somebody else decided
LOOK_S = 10.0  # between two looks at the clock, which may have been set meanwhile
PARTS_MAX = 20  # of what a long outage leaves to decide, in one turn: others are not to wait
SENDER = "jackbean-periodic-tasks"
NO_SUCH_QUEUE = "its queue was not there"
FIFO = "its queue was first-in-first-out"

Wall = Callable[[], float]

log = logging.getLogger("jackbean.periodic")


@dataclass(frozen=True)
class _Look:
    """How an environment stood when it was last looked at, and when there is something to do."""

    release: int
    hindrance: str
    minute: int
    due: int | None

    def holds(self, of: Worker, now: int) -> bool:
        same = self.release == of.release and self.hindrance == of.hindrance
        return same and self.minute <= now and (self.due is None or now < self.due)


class Scheduler:
    """`wall` returns seconds since the epoch, and may go back."""

    def __init__(
        self,
        store: Store,
        workers: Workers,
        ledger: tuple[Firings, Posting],
        wall: Wall,
    ) -> None:
        self._store = store
        self._workers = workers
        self._firings, self._posting = ledger
        self._wall = wall
        self._looks: dict[str, _Look] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def run(self) -> None:
        """Send what is due until cancelled."""
        while True:
            calm = await self.round()
            left = MINUTE_S - self._wall() % MINUTE_S
            await asyncio.sleep(min(left, LOOK_S) if calm else RETRY_S)

    async def round(self) -> bool:
        """Look at every environment; return whether nothing is left to try again."""
        try:
            environments = await self._store.environments(EnvironmentQuery())
            await self._forget({e.id for e in environments})
        except JackbeanError as error:
            log.warning("periodic tasks: %s; trying again", error)
            return False
        except Exception:  # a bug: the next round goes on
            log.exception("periodic tasks cannot be looked at")
            return False
        return all([await self._looked(e) for e in environments if e.worker])

    async def turn(self, environment: Environment) -> bool:
        """Settle what is due by now, and return whether that is all.

        Raises Conflict, PortError: nothing was saved then.
        """
        async with self._locks.setdefault(environment.id, asyncio.Lock()):
            of = await self._workers.look(environment)
            now = minute_of(self._wall())
            look = self._looks.get(environment.id)
            if look is not None and look.holds(of, now):
                self._looks[environment.id] = replace(look, minute=now)
                return True
            for _ in range(PARTS_MAX):
                decision = await self._decided(of, now, look)
                if not decision.more:
                    found = _Look(of.release, of.hindrance, now, decision.due)
                    self._looks[environment.id] = found
                    return True
            return False

    async def _looked(self, environment: Environment) -> bool:
        try:
            return await self.turn(environment)
        except Conflict:
            return False
        except JackbeanError as error:
            log.warning("periodic tasks of %s: %s; trying again", environment.name, error)
            return False
        except Exception:  # a bug: the others go on
            log.exception("periodic tasks of %s: a turn failed", environment.name)
            return False

    async def _decided(self, of: Worker, now: int, look: _Look | None) -> Decision:
        """Decide, and save what comes of it."""
        account = await self._firings.account(of.environment.id)
        present = Present(
            now=now,
            release=of.release,
            tasks=of.tasks,
            hindrance=await self._hindrance(of),
            looked=look.minute if look else None,
            ahead=tuple(await self._firings.ahead(account.environment, account.settled(now))),
        )
        decision = await asyncio.to_thread(decide, account, present)
        try:
            letters = await self._letters(of, decision)
        except Fault as fault:  # the queue takes no such message
            present = replace(present, hindrance=fault.message)
            decision, letters = await asyncio.to_thread(decide, account, present), []
        if _differs(account, decision):
            await self._save(decision, letters)
        return decision

    async def _hindrance(self, of: Worker) -> str:
        if of.hindrance:
            return of.hindrance
        queue = await self._posting.queue(of.queue)
        if queue is None:
            return NO_SUCH_QUEUE
        return FIFO if queue.fifo else ""

    async def _letters(self, of: Worker, decision: Decision) -> list[Letter]:
        return [
            await self._posting.letter(of.queue, message(s.task, s.minute * MINUTE_S), SENDER)
            for s in decision.sent
        ]

    async def _save(self, decision: Decision, letters: Sequence[Letter]) -> None:
        await self._firings.save(decision, letters, self._posting.now_ms)
        for letter in letters:
            self._posting.kept(letter)
        for fate in decision.fates:
            log.debug("%s: %s", decision.account.environment, fate)

    async def _forget(self, known: set[str]) -> None:
        """Forget the environments that have ended."""
        for gone in set(await self._firings.accounts()) - known:
            await self._firings.forget(gone)
            self._looks.pop(gone, None)
            self._locks.pop(gone, None)


def _differs(account: Account, decision: Decision) -> bool:
    """Return whether there is more to save than that time has passed."""
    before = [mark.task for mark in account.marks]
    marks = decision.account.marks
    set_back = account.through > decision.account.through
    return bool(decision.fates or decision.void or set_back or [m.task for m in marks] != before)
