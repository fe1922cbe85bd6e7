"""How many messages instances of workers have processed, by release, since this program started.

For the certificates of deployments: what becomes of a message its queue decides, and the ledger
keeps. What is told twice counts once, as far as the memory goes.
"""

from __future__ import annotations

from collections.abc import Iterable

from jackbean.core.protocol import Attempt
from jackbean.core.records import replace
from jackbean.core.traffic import Count

PROCESSED = 200  # the one status that ends a message
RECEIPTS_MAX = 10_000


class Processed:
    """`epoch` names the life of this program: another one begins to count anew."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._counts: dict[str, dict[int, Count]] = {}
        self._receipts: dict[str, None] = {}

    def add(self, environment_id: str, release: int, attempts: Iterable[Attempt]) -> None:
        counts = self._counts.setdefault(environment_id, {})
        count = counts.get(release) or Count(release, self._epoch)
        for attempt in attempts:
            if self._is_news(attempt.receipt):
                count = _counted(count, attempt.status)
        counts[release] = count

    def counts(self, environment_id: str, deployed: int) -> tuple[Count, ...]:
        """Return what is known of each release; of the `deployed` one also if that is nothing."""
        known = self._counts.setdefault(environment_id, {})
        known.setdefault(deployed, Count(deployed, self._epoch))
        return tuple(known[release] for release in sorted(known))

    def _is_news(self, receipt: str) -> bool:
        if receipt in self._receipts:
            return False
        if len(self._receipts) >= RECEIPTS_MAX:
            del self._receipts[next(iter(self._receipts))]
        self._receipts[receipt] = None
        return True


def _counted(count: Count, status: int) -> Count:
    """Return the count with one attempt more: an answer is an error unless it ends the message."""
    erred, unanswered = status not in {0, PROCESSED}, status == 0
    return replace(
        count,
        requests=count.requests + 1,
        errors=count.errors + erred,
        failed=count.failed + unanswered,
    )
