"""How large a difference must be to be told from chance after so many requests.

The answer to "it was not found worse; how much worse might it still be?". It is the smallest rise
that, had it shown in every block alike, would have brought the wealth (`wealth`) to 1/level by
now. A true difference of that size is found by then in about every second run, a larger one more
often.
"""

from __future__ import annotations

import math

from jackbean.core.evidence.bets import BETS, Table, log_payoffs
from jackbean.core.evidence.counts import Counts

REQUESTS_NEW_MIN = 20  # before these nothing is said
FIRST_STAKE = 0.5  # what is in play from the first block on
HALVINGS = 40


def smallest_visible_effect(old: Counts, requests_new: int, level: float) -> float | None:
    """Return the smallest rise over `old.share` that `requests_new` could show, None if none can.

    It is a difference of shares: 0.02 is two percentage points.
    """
    if requests_new < REQUESTS_NEW_MIN or not old.requests:
        return None
    low, high = old.share, 1.0
    if not _seen(old, requests_new, high, level):
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _seen(old, requests_new, middle, level):
            high = middle
        else:
            low = middle
    return high - old.share


def _seen(old: Counts, requests_new: int, share: float, level: float) -> bool:
    """Tell whether `share` of errors among the new requests would have decided."""
    errors_new = share * requests_new
    table = Table(old.requests + requests_new, requests_new, old.errors + errors_new, errors_new)
    logs = [math.log(bet.stake) + p for bet, p in zip(BETS, log_payoffs(table), strict=True)]
    most = max(logs)
    wealth = most + math.log(math.fsum(math.exp(each - most) for each in logs))
    return wealth + math.log(FIRST_STAKE) >= -math.log(level)
