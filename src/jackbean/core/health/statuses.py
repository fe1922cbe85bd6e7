"""The nine statuses of enhanced health, their colours, and which is worse than which.

The order is ours where Elastic Beanstalk shows none: an instance that is silent (`NoData`) ranks
just below `Severe`, since what was last heard of it says nothing about what it does now. The
numbers are those that Elastic Beanstalk publishes as the metric `EnvironmentHealth`.
"""

from __future__ import annotations

from enum import StrEnum


class HealthStatus(StrEnum):
    """A status as the API spells it, with `rank` (higher is worse) and `color`."""

    rank: int
    color: str
    number: int | None

    def __new__(cls, value: str, rank: int, color: str, number: int | None) -> HealthStatus:
        """Make a member that carries its row: lookups by member are slow, attributes are not."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.rank, made.color, made.number = rank, color, number
        return made

    OK = "Ok", 0, "Green", 0
    INFO = "Info", 1, "Green", 1
    PENDING = "Pending", 2, "Grey", None
    UNKNOWN = "Unknown", 3, "Grey", 5
    WARNING = "Warning", 4, "Yellow", 15
    DEGRADED = "Degraded", 5, "Red", 20
    NO_DATA = "NoData", 6, "Grey", 10
    SEVERE = "Severe", 7, "Red", 25
    SUSPENDED = "Suspended", 8, "Grey", None  # of environments only: clients die of it elsewhere

    @property
    def words(self) -> str:
        """The status as people read it."""
        return "No Data" if self is HealthStatus.NO_DATA else str(self)


# What an instance can be, in the order of rank; environments count their instances by these.
COUNTED = tuple(s for s in HealthStatus if s is not HealthStatus.SUSPENDED)


def status_of(text: str) -> HealthStatus | None:
    """Return the status that `text` spells, None where it is none (basic health has none)."""
    return _BY_SPELLING.get(text)


_BY_SPELLING = {str(s): s for s in HealthStatus}
