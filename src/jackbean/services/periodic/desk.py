"""What people do about periodic tasks: look at them, run one now, suspend and resume them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from jackbean.core.environments import Environment
from jackbean.core.errors import Conflict, invalid
from jackbean.core.tasks import Task
from jackbean.ports.firings import Firing, Firings, History, Run
from jackbean.ports.ledger import Ledger, Try
from jackbean.ports.store import Store
from jackbean.schedules.accounts import Account, Decision
from jackbean.schedules.expected import MINUTE_S, following, minute_of
from jackbean.services.periodic.message import message
from jackbean.services.periodic.scheduler import SENDER, Scheduler, Wall
from jackbean.services.periodic.worker import Worker, Workers
from jackbean.services.queues import Posting

TRIES_MAX = 5  # while somebody else decides at the same time
SHOWN_MAX = 10

Change = Callable[[Collection[str]], Collection[str]]


@dataclass(frozen=True)
class Line:
    """A line of the ledger, and the last time that its message was posted, if that was told."""

    firing: Firing
    last: Try | None = None


@dataclass(frozen=True)
class Described:
    """A task as it stands. `due_s` is when it is due next, None if it is suspended or never is."""

    task: Task
    suspended: bool
    due_s: float | None
    last: Line | None = None


class PeriodicDesk:
    def __init__(
        self,
        store: Store,
        workers: Workers,
        ledgers: tuple[Firings, Ledger, Posting],
        wall: Wall,
    ) -> None:
        self.workers = workers
        self._firings, self._ledger, self._posting = ledgers
        self._wall = wall
        self.scheduler = Scheduler(store, workers, (self._firings, self._posting), wall)

    async def tasks(self, environment: Environment) -> list[Described]:
        """Return the tasks of an environment, in the order of its `cron.yaml`."""
        of = await self.workers.look(environment)
        account = await self._firings.account(environment.id)
        return [await self._described(of, account, task) for task in of.tasks]

    async def history(self, wanted: History) -> list[Line]:
        """Return lines of the ledger, the newest first."""
        firings = await self._firings.history(wanted, self._posting.now_ms)
        numbers = [firing.number for firing in firings if firing.number is not None]
        tries = await self._ledger.last(numbers)
        return [Line(one, tries.get(one.number or 0)) for one in firings]

    async def run(self, environment: Environment, name: str) -> Line:
        """Send a task's message now, whether it is due or not, and return its line."""
        of = await self.workers.look(environment)
        (task,) = _named(of, (name,))
        if of.hindrance:
            raise invalid(f"{environment.name}: {name} cannot be run: {of.hindrance}.")
        now = self._wall()
        at_ms = int(now * 1000)
        at_ms += at_ms % (MINUTE_S * 1000) == 0  # whole minutes are those at which it is due
        letter = await self._posting.letter(of.queue, message(task, now), SENDER)
        run = Run(environment.id, task, of.release, at_ms)
        await self._firings.run(run, letter, self._posting.now_ms)
        self._posting.kept(letter)
        (line, *_) = await self.history(History(environment.id, name, at_ms + 1, 1))
        return line

    async def suspend(self, environment: Environment, names: Collection[str]) -> list[str]:
        """Skip tasks from now on, until they are resumed; none means all. Return their names."""
        of = await self.workers.look(environment)
        chosen = [task.name for task in _named(of, names)]
        await self._change(environment, lambda suspended: {*suspended, *chosen})
        return chosen

    async def resume(self, environment: Environment, names: Collection[str]) -> list[str]:
        """Send tasks again when they are due from now on; none means all. Return their names."""
        suspended = (await self._firings.account(environment.id)).suspended
        for name in set(names) - set(suspended):
            known = ", ".join(suspended[:SHOWN_MAX]) or "none is"
            raise invalid(f"{environment.name}: {name[:80]!r} is not suspended ({known}).")
        chosen = list(names or suspended)
        await self._change(environment, lambda before: set(before) - set(chosen))
        return chosen

    async def _change(self, environment: Environment, change: Change) -> None:
        """Save what is suspended, after what was due by now has been settled as things stood."""
        for left in reversed(range(TRIES_MAX)):
            try:
                await self.scheduler.turn(environment)
                account = await self._firings.account(environment.id)
                changed = replace(account, suspended=tuple(sorted(change(account.suspended))))
                await self._firings.save(Decision(changed), (), self._posting.now_ms)
                return
            except Conflict:  # somebody else decided meanwhile
                if not left:
                    raise

    async def _described(self, of: Worker, account: Account, task: Task) -> Described:
        suspended = task.name in account.suspended
        lines = await self.history(History(of.environment.id, task.name, None, 1))
        due = None
        if not suspended and not of.hindrance:
            due = following(task.schedule, minute_of(self._wall()))
        last = lines[0] if lines else None
        return Described(task, suspended, None if due is None else due * MINUTE_S, last)


def _named(of: Worker, names: Collection[str]) -> list[Task]:
    """Return the tasks of those names, all for none. Raises a Fault that tells what there is."""
    found = [task for task in of.tasks if not names or task.name in names]
    unknown = sorted(set(names) - {task.name for task in found})
    if unknown or not found:
        known = ", ".join(task.name for task in of.tasks[:SHOWN_MAX]) or "none"
        asked = f" {unknown[0][:80]!r}" if unknown else ""
        raise invalid(f"{of.environment.name} has no periodic task{asked}; it has: {known}.")
    return found
