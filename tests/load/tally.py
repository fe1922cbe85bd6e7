"""What visitors saw: every answer that was as it should be, and every one that was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Seen:
    """A right answer, and who gave it. Times are of the monotonic clock, in seconds."""

    kind: str
    begun: float
    ended: float
    version: str
    instance: str
    colour: str = "-"


@dataclass(frozen=True, slots=True)
class Loss:
    """A request that failed, or a message on an open WebSocket that was lost."""

    kind: str
    begun: float
    ended: float
    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path} failed after {self.ended - self.begun:.2f} s: {self.why}"


@dataclass
class Tally:
    """`messages` are those echoed on WebSockets; `moved` counts closes that said to come again,
    `repeated` messages that crossed such a close; `reopened` counts connections that an answer
    announced to close.
    """

    seen: list[Seen] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    messages: int = 0
    moved: int = 0
    repeated: int = 0
    reopened: int = 0

    @property
    def requests(self) -> int:
        """Return how many requests there were; messages on WebSockets are none."""
        return len(self.seen) - self.messages + len(self.losses)

    @property
    def answers(self) -> Counter[str]:
        """Return how many answers each version gave."""
        return Counter(one.version for one in self.seen)

    @property
    def failures(self) -> list[str]:
        return [str(loss) for loss in self.losses]

    def kinds(self) -> Counter[str]:
        return Counter(one.kind for one in self.seen)


def longest_gap_s(tally: Tally, kinds: Iterable[str]) -> float:
    """Return the longest time in which no request of these kinds was answered."""
    wanted = frozenset(kinds)
    ends = sorted(one.ended for one in tally.seen if one.kind in wanted)
    return max((later - at for at, later in pairwise(ends)), default=0.0)
