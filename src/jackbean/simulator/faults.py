"""What goes wrong around the control plane, and where."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from jackbean.core.errors import PortError

CRASHES_MAX = 20
HALVED = frozenset(
    {"ensure", "remove", "terminate", "publish", "publish_all", "rename", "withdraw"}
)


class Crash(Exception):
    """The control plane is gone, at this very point."""


@dataclass
class Faults:
    """What goes wrong. `crash_at` numbers effects from 1; shares are of all effects.

    A *refusal* does nothing of what was asked, a *half* does it and says that it did not.
    `upgrades`: what comes back after a crash is a newer program, that finds older records.
    Crashes are counted: a control plane that never lives for long observes no time, and nothing
    that waits can ever be late.
    """

    crash_at: int = 0
    crash_share: float = 0.0
    refuse_share: float = 0.0
    half_share: float = 0.0
    upgrades: bool = False
    random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - seeded
    effects: int = 0
    crashes_max: int = CRASHES_MAX

    def effect(self, name: str) -> None:
        self.effects += 1
        if self.effects == self.crash_at or self._strikes(self.crash_share):
            self.crashes_max -= 1
            if self.crashes_max <= 0:
                self.crash_share = 0.0
            raise Crash(name)
        if not name.startswith("commit") and self._strikes(self.refuse_share):
            raise PortError(f"{name}: refused")

    def done(self, name: str) -> None:
        """Fail after the fact."""
        if self._strikes(self.half_share):
            raise PortError(f"{name}: no answer")

    def end(self) -> None:
        """Let nothing go wrong from here on."""
        self.crash_at, self.crash_share, self.refuse_share, self.half_share = 0, 0.0, 0.0, 0.0

    def _strikes(self, share: float) -> bool:
        return share > 0 and self.random.random() < share


class Halfway:
    """A port whose calls may fail after they were done."""

    def __init__(self, port: Any, faults: Faults) -> None:
        self._port = port
        self._faults = faults

    def __reduce__(self) -> tuple[type[Halfway], tuple[Any, Faults]]:
        return Halfway, (self._port, self._faults)  # a copy finds for itself what it is asked for

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._port, name)
        found = self._halved(name, real) if name in HALVED else real
        setattr(self, name, found)  # from now on it is found without asking here
        return found

    def _halved(
        self, name: str, real: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*given: Any) -> Any:
            result = await real(*given)
            self._faults.done(name)
            return result

        return call
