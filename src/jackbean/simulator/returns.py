"""Where a rollback must lead: held against what an environment has really been on."""

from __future__ import annotations

from collections.abc import Mapping

from jackbean.core.environments import Environment
from jackbean.core.fleet import PARKED
from jackbean.core.options.settings import Settings
from jackbean.ports.store import Store
from jackbean.simulator.invariants import require

Substance = tuple[str | None, Settings]  # what people chose: a version, and settings


class WayBack:
    """Remembers what an environment has come to rest on. `ask` precedes a rollback."""

    def __init__(self) -> None:
        self._on: Substance | None = None
        self._before: Substance | None = None
        self._parked: Substance | None = None
        self._until = 0.0
        self._goals: tuple[Substance | None, ...] = ()
        self._operations = 0

    def ask(self, environment: Environment, running: Mapping[str, int]) -> None:
        """Note where a rollback must lead that is asked for now, while instances run `running`.

        Where one was told of another release than it runs, both ways are good.
        """
        if environment.operation is not None:
            return  # it was asked for before, and there was no answer
        self._operations = environment.operations
        parked = any(m.group == PARKED and not m.leaving for m in environment.members)
        counted, on = [m for m in environment.members if m.counted], environment.deployment
        if environment.parked and parked:
            self._goals = (self._parked,)
        elif all(m.assignment and m.assignment.release == on for m in counted):
            self._goals = (self._before,)
        elif all(running.get(m.id) == on for m in counted):
            self._goals = (self._before, self._on)
        else:
            self._goals = (self._on,)

    async def rest(self, environment: Environment, store: Store, *, won: bool) -> None:
        """Note what it is on. Raises a ViolationError where a rollback has led elsewhere."""
        if environment.deployment is None or environment.release is None:
            return
        release = await store.release(environment.id, environment.release)
        on = (release.version_label, release.direct) if release else None
        label = environment.version_label
        require(on is not None and on[0] == label, f"it says that it is on {label}, and is on {on}")
        goals, self._goals = self._goals, ()
        if goals and None not in goals:
            require(environment.operations > self._operations, "there was no way back")
            require(not won or on in goals, f"a rollback led to {on}, not to {goals}")
        self._note(environment, on)

    def _note(self, environment: Environment, on: Substance | None) -> None:
        until = environment.parked.until if environment.parked else 0.0
        if until != self._until:
            self._until, self._parked = until, self._on
        if on != self._on:
            self._on, self._before = on, self._on
