"""The ledger of periodic tasks in memory, beside queues in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jackbean.core.errors import Conflict
from jackbean.ports.firings import KEPT, Firing, History, Letter, Run, State
from jackbean.ports.queues import Kept
from jackbean.schedules.accounts import Account, Decision, Fate, Sent, Skipped
from jackbean.simulator.queues import MemoryQueues, Place

MINUTE_MS = 60_000


@dataclass(frozen=True)
class _Line:
    """`sent` is the message, and the queue it was sent to; None where minutes were skipped."""

    fate: Fate
    at_ms: int
    last_ms: int
    sent: tuple[Kept, int] | None = None


class MemoryFirings:
    """`ports.firings.Firings` for simulated histories."""

    def __init__(self, queues: MemoryQueues) -> None:
        self._queues = queues
        self._accounts: dict[str, Account] = {}
        self._lines: dict[tuple[str, str, int], _Line] = {}

    async def account(self, environment: str) -> Account:
        return self._accounts.get(environment, Account(environment))

    async def accounts(self) -> list[str]:
        return sorted(self._accounts)

    async def ahead(self, environment: str, after: int) -> list[Fate]:
        found = [
            line
            for (of, _, at_ms), line in self._lines.items()
            if of == environment and line.last_ms > after * MINUTE_MS and not at_ms % MINUTE_MS
        ]
        found.sort(key=lambda line: (line.at_ms, line.fate.task.name))
        return [line.fate for line in found]

    async def save(self, decision: Decision, letters: Sequence[Letter], now_ms: int) -> None:
        account, name = decision.account, decision.account.environment
        if (await self.account(name)).revision != account.revision:
            raise Conflict(f"periodic tasks of {name}: somebody else decided meanwhile")
        for fate in decision.fates:
            self._check(name, fate)
        for letter in letters:
            self._queues.require(letter.queue)
        for void in decision.void:
            self._lines.pop((name, void.task.name, void.minute * MINUTE_MS), None)
        for fate in decision.fates:
            if isinstance(fate, Skipped):
                self._skip(name, fate)
        for sent, letter in zip(decision.sent, letters, strict=True):
            run = Run(name, sent.task, sent.release, sent.minute * MINUTE_MS)
            await self.run(run, letter, now_ms)
        self._accounts[name] = replace(account, revision=account.revision + 1)

    async def run(self, run: Run, letter: Letter, now_ms: int) -> None:
        key = (run.environment, run.task.name, run.at_ms)
        if key in self._lines:
            raise _sent_before(*key)
        (kept,) = await self._queues.send(letter.queue, (letter.draft,), now_ms)
        fate = Sent(run.task, run.at_ms // MINUTE_MS, run.release)
        self._lines[key] = _Line(fate, run.at_ms, run.at_ms, (kept, letter.queue))

    async def history(self, wanted: History, now_ms: int) -> list[Firing]:
        before = 2**62 if wanted.before_ms is None else wanted.before_ms
        found = [
            line
            for (of, task, at_ms), line in self._lines.items()
            if of == wanted.environment and wanted.task in ("", task) and at_ms < before
        ]
        found.sort(key=lambda line: (-line.at_ms, line.fate.task.name))
        return [self._firing(line, now_ms) for line in found[: wanted.limit]]

    async def prune(self, environment: str, keep: int = KEPT) -> None:
        ours = sorted((key for key in self._lines if key[0] == environment), key=lambda k: -k[2])
        for key in ours[keep:]:
            del self._lines[key]

    async def forget(self, environment: str) -> None:
        self._accounts.pop(environment, None)
        await self.prune(environment, 0)

    def _check(self, environment: str, fate: Fate) -> None:
        key = (environment, fate.task.name, fate.minute * MINUTE_MS)
        line = self._lines.get(key)
        if line and (line.sent or isinstance(fate, Sent)):
            raise _sent_before(*key)

    def _skip(self, environment: str, fate: Skipped) -> None:
        at_ms, last_ms = fate.minute * MINUTE_MS, fate.last * MINUTE_MS
        self._lines[environment, fate.task.name, at_ms] = _Line(fate, at_ms, last_ms)

    def _firing(self, line: _Line, now_ms: int) -> Firing:
        fate = line.fate
        count = fate.count if isinstance(fate, Skipped) else 1
        plain = Firing(fate.task, line.at_ms, line.last_ms, count, fate.release, State.SKIPPED)
        if isinstance(fate, Skipped) or line.sent is None:
            return replace(plain, reason=fate.reason if isinstance(fate, Skipped) else "")
        kept, home, place = self._queues.place(*line.sent)
        state = _state(place, home, now_ms)
        return replace(
            plain, state=state, message=kept.id, number=kept.number, receives=place.receives
        )


def _sent_before(environment: str, task: str, at_ms: int) -> Conflict:
    return Conflict(f"task {task} of {environment} was sent for {at_ms} before")


def _state(place: Place, home: int, now_ms: int) -> State:
    if place.gone and not place.ended:
        return State.DONE
    if place.queue != home:
        return State.DEAD
    if place.gone:
        return State(place.ended)
    if not place.receives:
        return State.WAITING
    return State.RUNNING if place.visible > now_ms else State.FAILED
