"""Histories of one environment's tasks: a clock that is set, outages, releases, suspensions.

`Ledger` is what a store keeps; `live` is the scheduler reduced to its rules: what was decided is
saved whole or not at all, and a program that is started again knows nothing but what was saved.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from jackbean.core.tasks import Task
from jackbean.schedules.accounts import Account, Decision, Fate, Present, Sent
from jackbean.schedules.decide import decide


@dataclass
class Ledger:
    account: Account = field(default_factory=lambda: Account("e-1"))
    fates: dict[tuple[str, int], Fate] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

    def ahead(self, now: int) -> tuple[Fate, ...]:
        settled = self.account.settled(now)
        return tuple(fate for fate in self.fates.values() if fate.last > settled)

    def save(self, decision: Decision) -> None:
        self.account = decision.account
        for fate in decision.void:
            del self.fates[fate.key]
        for fate in decision.fates:
            before = self.fates.get(fate.key)
            assert not isinstance(before, Sent), f"{fate} takes the place of {before}"
            self.fates[fate.key] = fate
        self.sent += decision.sent


@dataclass
class Life:
    now: int
    tasks: tuple[Task, ...] = ()
    release: int = 1
    hindrance: str = ""
    looked: int | None = None
    ledger: Ledger = field(default_factory=Ledger)

    def present(self) -> Present:
        ahead = self.ledger.ahead(self.now)
        return Present(self.now, self.release, self.tasks, self.hindrance, self.looked, ahead)

    def look(self, *, saved: bool = True) -> Decision:
        """Decide until nothing is left; a crash between decision and save loses the decision."""
        while True:
            decision = decide(self.ledger.account, self.present())
            if not saved:
                return decision
            self.ledger.save(decision)
            if not decision.more:
                self.looked = self.now
                return decision

    def suspend(self, *names: str) -> None:
        self.ledger.account = replace(self.ledger.account, suspended=names)
