"""What an agent tells the daemon of its worker, and what that says of itself.

Both are files on the instance: `DaemonConfig` is written once, before the daemon is started;
`DaemonState` is one short line that the daemon writes over and over, at the same place. This module
is shipped with both, so it needs the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STATE_BYTES = 128  # the line's length, padded: it is written by one call, and read by one


@dataclass(frozen=True)
class DaemonConfig:
    """What the daemon needs to know; it holds a token.

    `worker` is a `jackbean.core.protocol.Worker`. `socket` is where the control plane is, `token`
    what the instance proves itself with. `address` and `port` are the instance's proxy.
    `application` is where the application behind it listens ("127.0.0.1:8000"): while nothing
    takes connections there, no message is received; empty where that is not known. `drain_s` is
    how long requests under way may take once the daemon is told to end.
    """

    worker: dict[str, Any]
    region: str
    socket: str
    token: str
    address: str
    port: int
    application: str
    drain_s: float
    state: str


@dataclass(frozen=True)
class DaemonState:
    """`in_flight` counts messages that are neither deleted nor given back.

    `polled_at` is when the queue last answered, on the machine's monotonic clock; None: not yet.
    """

    pid: int
    in_flight: int = 0
    polled_at: float | None = None
