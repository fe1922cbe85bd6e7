"""The certificate of a deployment: what it did to those who were served meanwhile.

It is drawn up once, when the operation ends, from what was noted on the way (`core.tallies`), and
never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.tallies import Tally

REASONS_MAX = 8
REASON_MAX = 400  # characters


class End(StrEnum):
    """How a deployment ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # it stopped where it was
    REVERTED = "reverted"  # everything is as it was before
    SUPERSEDED = "superseded"  # another operation took its place


@dataclass(frozen=True)
class Label:
    """Which version a release is of."""

    release: int
    version: str


@dataclass(frozen=True)
class Certificate:
    """`number` is that of the operation in its environment; times are in seconds.

    `size` is the capacity that was wanted; `labels` has the versions of all releases in `tally`.
    `reasons` say why it did not succeed, `aborted` that somebody asked for it to end.
    """

    environment_id: str
    environment: str
    application: str
    number: int
    kind: str
    request_id: str
    policy: str
    release: int
    began: float
    ended: float
    end: End
    size: int
    tally: Tally
    previous: int | None = None
    aborted: bool = False
    reasons: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    unit: str = "requests"  # what was served; a worker processes messages

    @property
    def seconds(self) -> float:
        return max(0.0, self.ended - self.began)

    @property
    def version(self) -> str:
        return self.version_of(self.release)

    def version_of(self, release: int) -> str:
        return next((label.version for label in self.labels if label.release == release), "")

    @property
    def summary(self) -> str:
        return summary(self.number, self.size, self.tally, self.seconds, self.unit)


def summary(number: int, size: int, tally: Tally, seconds: float, unit: str = "requests") -> str:
    """Say a deployment in one line."""
    return f"Deployment {number}: {'; '.join(_parts(size, tally, unit))}; {seconds:.0f} s."


def _parts(size: int, tally: Tally, unit: str) -> Iterator[str]:
    least = "at least " if tally.partial else ""
    if tally.counted:
        done = "served" if unit == "requests" else "processed"
        one = unit[:-1] if tally.requests == 1 else unit
        numbers = ((tally.requests, f"{one} {done}"), (tally.harmed, "failed"))
        both = ", ".join(f"{least}{number:,} {what}" for number, what in numbers)
        yield f"{both}, {tally.retried:,} retried" if unit == "requests" else both
    else:
        yield f"its {unit} could not be counted"
    if tally.lowest is not None:
        watched = ", as far as it was watched" if tally.away_s else ""
        yield f"never below {tally.lowest} of {size} instances{watched}"
