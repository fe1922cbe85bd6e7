"""How fast each of many may go on: so much a second, and a burst at first.

What is over is not kept waiting but sent back, so that it waits where it costs nobody anything.
"""

from __future__ import annotations

KEPT_MAX = 10_000


class Paces:
    """`rate` units in a second for each name, after a burst of `burst`."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._spent: dict[str, tuple[float, float]] = {}  # by name: how much, as of when

    def take(self, name: str, amount: float, now: float) -> bool:
        """Tell if a name may have so much now, and count it if it may.

        What is more than the burst is given once nothing is owed, and owed then.
        """
        spent, since = self._spent.get(name, (0.0, now))
        left = max(0.0, spent - self._rate * max(0.0, now - since))
        allowed = left + amount <= self._burst or left == 0.0
        if len(self._spent) >= KEPT_MAX and name not in self._spent:
            self._spent.clear()
        self._spent[name] = (left + amount if allowed else left, now)
        return allowed
