"""Where instances run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jackbean.core.fleet import Machine
from jackbean.core.openings import Opening
from jackbean.core.platforms.runtimes import Need
from jackbean.core.protocol import DependencyRequest

Tell = Callable[[str], Awaitable[None]]
Openings = Mapping[str, tuple[Opening, ...]]  # by instance id


@dataclass(frozen=True)
class LaunchSpec:
    """What an instance is made of. The same id always comes with the same spec.

    `metadata_v1` is whether its metadata service answers requests that bring no token.
    """

    instance: str
    environment_id: str
    platform: str  # branch name: "Python 3.11 running on 64bit Amazon Linux 2023"
    instance_type: str
    token: str
    metadata_v1: bool = False
    disk_gib: int = 8  # what Amazon Linux's images come with


@dataclass(frozen=True)
class Address:
    """Where the load balancer reaches an instance."""

    host: str
    port: int


@dataclass(frozen=True)
class MachineSight:
    machine: Machine
    address: Address | None = None
    exit: str = ""  # how it ended, where it has


@dataclass(frozen=True)
class EngineDescription:
    """What this engine is on this machine: for `jackbean status`."""

    name: str  # "process"
    mode: str  # "root", "user", "plain"
    lacks: tuple[str, ...]  # what this mode does not promise, a sentence each
    others: Mapping[str, str]  # better modes and why each is not possible here
    platforms: frozenset[str]  # names of the branches that can run
    stand_ins: frozenset[str] = frozenset()  # those of them that run on another version


class Engine(Protocol):
    def describe(self) -> EngineDescription: ...

    async def machines(self) -> Mapping[str, MachineSight]:
        """Return what it has, by instance id; what is not in it is absent. Cheap: milliseconds."""
        ...

    async def ensure(self, spec: LaunchSpec) -> None:
        """Start it unless it runs; start it again, with its disk, if it is stopped.

        One that has exited by itself stays so: only `terminate` ends it.
        """
        ...

    async def terminate(self, instance: str) -> None:
        """End it and remove all it had; one that is absent is ended already."""
        ...

    async def admit(self, openings: Openings) -> None:
        """Have instances admit these from this machine besides the load balancer, and no others.

        Those that are not named stay as they are; an absent one is passed over, so this is asked
        again and again, and costs nothing where nothing has changed. An engine that starts anew has
        everything closed. Without effect where instances share the machine's network.
        """
        ...


@dataclass(frozen=True)
class Departed:
    """An instance that is gone: since when, in seconds, and its last logs as a ZIP file."""

    instance: str
    at: float
    logs: Path


class LastLogs(Protocol):
    async def departed(self, environment_id: str) -> list[Departed]:
        """Return those whose last logs are still kept, who went last first."""
        ...


class Dependencies(Protocol):
    async def resolve(self, request: DependencyRequest) -> str:
        """Return the path, on instances, of the resolved dependencies: once per request content.

        Raises Unresolvable with the installer's own words.
        """
        ...


@dataclass(frozen=True)
class Runtime:
    """A language as instances see it: its prefix, and its full version.

    `note` is a sentence where it is not quite what was asked for, `lacks` a clause on what it
    cannot do.
    """

    home: str
    version: str
    note: str = ""
    lacks: str = ""


class Runtimes(Protocol):
    async def provide(self, need: Need, tell: Tell) -> Runtime:
        """Return a runtime that fits, fetched now if need be: `tell` hears of that.

        Raises Unresolvable with what would bring it.
        """
        ...


class Unresolvable(Exception):
    """The dependency file cannot be satisfied. `cause` is a sentence, `tail` the log's end."""

    def __init__(self, cause: str, tail: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.tail = tail
