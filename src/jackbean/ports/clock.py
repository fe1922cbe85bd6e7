"""Time and names from outside, so that a seed reproduces them."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Return seconds since the epoch, never less than what it returned before."""
        ...


class Ids(Protocol):
    """Fresh identifiers, never handed out twice."""

    def environment(self) -> str:
        """Return `e-` and ten of a-z0-9."""
        ...

    def instance(self) -> str:
        """Return `i-` and seventeen hexadecimal digits."""
        ...

    def request(self) -> str:
        """Return a UUID."""
        ...

    def suffix(self, length: int) -> str:
        """Return that many of A-Z0-9, for physical names."""
        ...

    def secret(self) -> str:
        """Return an unguessable token of at least 128 bits."""
        ...
