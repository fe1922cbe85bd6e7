"""What an instance admits besides its load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network


@dataclass(frozen=True)
class Opening:
    """Ports `first` to `last` for connections that come from `source`.

    `protocol` is IP's number for it; None: all, and then ports do not count.
    """

    protocol: int | None
    first: int
    last: int
    source: IPv4Network
