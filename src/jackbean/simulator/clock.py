"""Time that moves when told to, and identifiers that a seed reproduces."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable

LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
TRIES_MAX = 1000  # before a space of names counts as used up


class VirtualClock:
    """A clock that stands still until it is set or advanced, and never goes back."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def set(self, now: float) -> None:
        if now < self._now:
            raise ValueError(f"virtual time is {self._now} and cannot go back to {now}")
        self._now = now

    def advance(self, seconds: float) -> None:
        self.set(self._now + seconds)


class SeededIds:
    """The identifiers of one history: the same seed hands out the same ones in the same order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self._taken: set[str] = set()

    def reseed(self, seed: int) -> None:
        """Draw from another seed; what is taken stays so."""
        self._random.seed(seed)

    def environment(self) -> str:
        return self._fresh(lambda: f"e-{self._draw(LOWER, 10)}")

    def instance(self) -> str:
        return self._fresh(lambda: f"i-{self._draw(HEX, 17)}")

    def request(self) -> str:
        return self._fresh(lambda: str(uuid.UUID(int=self._random.getrandbits(128), version=4)))

    def suffix(self, length: int) -> str:
        return self._fresh(lambda: self._draw(UPPER, length))

    def secret(self) -> str:
        return self._fresh(lambda: self._draw(HEX, 64))

    def _draw(self, alphabet: str, length: int) -> str:
        return "".join(self._random.choices(alphabet, k=length))

    def _fresh(self, draw: Callable[[], str]) -> str:
        for _ in range(TRIES_MAX):
            drawn = draw()
            if drawn not in self._taken:
                self._taken.add(drawn)
                return drawn
        raise ValueError(f"no name like {draw()!r} is left; ask for a longer one")
