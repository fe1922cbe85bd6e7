"""The error tree.

    JackbeanError
    ├── Fault            the caller's: has an AWS error code, shown as it is
    └── PortError        the world's: logged, and the next tick tries again
        └── Conflict     somebody else changed the record first: read it again

Everything else is a bug: an assertion fails, the tick dies, the loop goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class JackbeanError(Exception):
    """Whatever Jackbean raises on purpose."""


class Fault(JackbeanError):
    """A request that cannot be served, and what its sender can do about it.

    `code` is the code on the wire (not the name of the shape), `status` the HTTP status; `extras`
    are what the answer says besides, as JSON has it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        extras: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.extras = extras


class PortError(JackbeanError):
    """Something outside (a disk, a process, a socket) did not do what was asked."""


class Conflict(PortError):
    """The record has changed since it was read."""


def invalid(message: str) -> Fault:
    """Return the fault for a bad name, value or state."""
    return Fault("InvalidParameterValue", message)


def missing(message: str) -> Fault:
    """Return the fault for a parameter that must be there."""
    return Fault("MissingRequiredParameter", message)


def unfitting(message: str) -> Fault:
    """Return the fault for parameters that exclude one another."""
    return Fault("InvalidParameterCombination", message)
