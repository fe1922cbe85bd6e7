"""How long things are kept that nobody deletes."""

from __future__ import annotations

EVENT_RETENTION_S = 42 * 86_400.0  # what Elastic Beanstalk keeps: about six weeks
CERTIFICATES_KEPT_MAX = 1000  # of an environment; all of them go with it, as its events do


def events_kept_since_ms(now: float) -> int:
    """Return the date before which events are forgotten, in milliseconds since the epoch."""
    return int((now - EVENT_RETENTION_S) * 1000)
