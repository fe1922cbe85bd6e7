"""Requests that one arm of a canary answered, and how many of them failed."""

from __future__ import annotations

from dataclasses import dataclass

REQUESTS_MAX = 10**15  # beyond it products of counts leave what floats can tell apart


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests, and those among them that failed."""

    requests: int = 0
    errors: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.requests <= REQUESTS_MAX:
            raise ValueError(
                f"{self.errors} errors in {self.requests} requests cannot be: "
                f"count 0 <= errors <= requests <= {REQUESTS_MAX}"
            )

    @property
    def share(self) -> float:
        """The share of requests that failed; 0 where there were none."""
        return self.errors / self.requests if self.requests else 0.0

    def plus(self, other: Counts) -> Counts:
        return Counts(self.requests + other.requests, self.errors + other.errors)


NONE = Counts()
