"""What a turn is decided from, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jackbean.core.environments import Environment
from jackbean.core.fleet import Fleet
from jackbean.core.installation import Installation
from jackbean.core.operations import Operation
from jackbean.core.releases import Release
from jackbean.core.resources import Key, Sight
from jackbean.ports.clock import Ids
from jackbean.stacks.names import SUFFIX_LENGTH, physical


@dataclass(frozen=True)
class Scene:
    """One environment at one moment. `release` is the one it is on, or on its way to.

    `sights` are what was seen of the resources that something is done about. `backlog` is how many
    messages a worker's queue has, and `capacity` how many instances they ask for; None: it is not
    known, or the capacity does not follow. `partner_waits`: the environment that this one leads in
    a swap has not got all its requests yet.
    """

    environment: Environment
    fleet: Fleet
    release: Release
    drain_s: float
    now: float
    hostnames: tuple[str, ...] = ()  # those that lead here now
    sights: Mapping[Key, Sight] = field(default_factory=dict)
    backlog: int | None = None
    capacity: int | None = None
    partner_waits: bool = False


@dataclass(frozen=True)
class Decision:
    """The record to save, how its operation ended if it did, and what is being waited for."""

    environment: Environment
    ended: Operation | None = None
    why: str = ""


@dataclass(frozen=True)
class Namer:
    """Where fresh names come from."""

    installation: Installation
    ids: Ids

    def resource(self, logical: tuple[str, str], stack: str) -> str:
        """Return a physical name for a logical id and type."""
        return physical(self.installation, logical, stack, self.ids.suffix(SUFFIX_LENGTH))

    def instances(self) -> Iterator[str]:
        while True:
            yield self.ids.instance()
