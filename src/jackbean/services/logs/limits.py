"""How much of anything there may be: CloudWatch Logs' own numbers where it has one."""

from __future__ import annotations

from jackbean.ports.logs import OVERHEAD_BYTES

BATCH_BYTES_MAX = 1 << 20
BATCH_EVENTS_MAX = 10_000
EVENT_BYTES_MAX = BATCH_BYTES_MAX - OVERHEAD_BYTES
BATCH_SPAN_MS = 24 * 3600 * 1000
FUTURE_MS = 2 * 3600 * 1000
PAST_MS = 14 * 24 * 3600 * 1000

PAGE_EVENTS_MAX = 10_000
PAGE_BYTES_MAX = 1 << 20
SEARCHED_EVENTS_MAX = 50_000  # in one request, whatever it finds
PAGE_MAX = 50  # groups or streams
STREAM_NAMES_MAX = 100  # in one search
TAGS_MAX = 50

# Ours: a disk is smaller than AWS.
GROUPS_MAX = 10_000
STREAMS_MAX = 10_000  # of a group

WEEKS_AND_MONTHS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180)
YEARS = (365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
RETENTION_DAYS = frozenset((*WEEKS_AND_MONTHS, *YEARS))

assert EVENT_BYTES_MAX < PAGE_BYTES_MAX  # noqa: S101  a relation of constants
