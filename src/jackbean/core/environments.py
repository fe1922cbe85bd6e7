"""The environment: one aggregate, saved whole, changed by use cases and by the tick only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.applications import Tags
from jackbean.core.errors import invalid
from jackbean.core.fleet import Member
from jackbean.core.operations import Operation
from jackbean.core.resources import Resource

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]")
CNAME_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{2,61}[a-z0-9]")
ID = re.compile(r"e-[a-z0-9]{10}")
WORKER = "Worker"


class Status(StrEnum):
    """As the wire spells them."""

    LAUNCHING = "Launching"
    UPDATING = "Updating"
    READY = "Ready"
    LINKING_FROM = "LinkingFrom"
    LINKING_TO = "LinkingTo"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"
    ABORTING = "Aborting"


@dataclass(frozen=True)
class Tier:
    name: str = "WebServer"
    type: str = "Standard"
    version: str = "1.0"

    @property
    def worker(self) -> bool:
        return self.name == WORKER


@dataclass(frozen=True)
class Link:
    """Another environment that this one was told of by an environment property, `name`.

    `value` is what the property says: the URL of a worker's queue, as AWS has it, or a CNAME.
    """

    name: str
    environment: str
    value: str
    queue: bool = False


@dataclass(frozen=True)
class Verdict:
    """The health last told: colour, status, and the causes for it. `since` in seconds."""

    color: str = "Grey"
    status: str = "Unknown"
    causes: tuple[str, ...] = ()
    since: float = 0.0


@dataclass(frozen=True)
class Parked:
    """What a rollback goes back to at once: a release whose instances are kept until then (s).

    `deployment` is the release that they run; 0 in records of earlier programs.
    """

    release: int
    until: float
    deployment: int = 0


@dataclass(frozen=True)
class Environment:
    """`revision` counts the saves of this record; a save that expects another one is refused.

    `release` is the release it is on, the last that was committed; `former` the one before, which a
    rollback goes back to; `deployment` the one that its instances run, which is older where later
    ones changed nothing that concerns instances, None until one has worked; `releases` how many
    have been cut; `draft` one whose settings failed. `desired` is the capacity: one stored number.
    `slot` numbers its load balancer's loopback address. A worker has no load balancer: no CNAME
    prefix, and slot 0. `links` are those of its release, `group` what a + in the names of its
    bundle stands for.
    """

    id: str
    name: str
    application: str
    stack: str
    platform_arn: str
    cname_prefix: str
    slot: int
    tier: Tier = Tier()
    description: str = ""
    created: float = 0.0
    updated: float = 0.0
    status: Status = Status.LAUNCHING
    tags: Tags = ()
    group: str = ""
    links: tuple[Link, ...] = ()
    release: int | None = None
    deployment: int | None = None
    former: int | None = None
    releases: int = 0
    draft: int | None = None
    version_label: str | None = None
    template: str = ""  # fingerprint of the launch template that new instances get
    desired: int = 1
    members: tuple[Member, ...] = ()
    split: int | None = None  # percent of requests for the temporary group; None: all alike
    parked: Parked | None = None
    operation: Operation | None = None
    operations: int = 0
    resources: tuple[Resource, ...] = ()
    verdict: Verdict = Verdict()
    revision: int = 0

    @property
    def worker(self) -> bool:
        """Whether its instances fetch messages from a queue, and nobody sends them requests."""
        return self.tier.worker

    @property
    def ready(self) -> bool:
        return self.status is Status.READY and self.operation is None

    @property
    def terminated(self) -> bool:
        return self.status is Status.TERMINATED

    def resources_of(self, release: int) -> tuple[Resource, ...]:
        """Return the resources that a release refers to.

        While an operation leads to another release these are the ones that it began with.
        """
        provision = self.operation.provision if self.operation else None
        if self.operation is None or provision is None or provision.before is None:
            return self.resources
        return self.resources if release == self.operation.release else provision.before

    def resource(self, logical_id: str) -> Resource | None:
        """Return the resource that has that logical id, not one whose place it has taken."""
        return next((r for r in self.resources if r.id == logical_id and not r.leaving), None)


def check_environment_name(name: str) -> None:
    """Raise a Fault unless `name` is one that Elastic Beanstalk accepts."""
    if not NAME.fullmatch(name):
        raise invalid(
            f"Value '{name[:80]}' at 'EnvironmentName' failed to satisfy constraint: "
            "4 to 40 letters, digits and hyphens, not beginning or ending with a hyphen."
        )


def check_cname_prefix(prefix: str) -> None:
    """Raise a Fault unless `prefix` (in lower case) can be a DNS label of 4 to 63 characters."""
    if not CNAME_PREFIX.fullmatch(prefix):
        raise invalid(
            f"Value '{prefix[:80]}' at 'CNAMEPrefix' failed to satisfy constraint: "
            "4 to 63 letters, digits and hyphens, not beginning or ending with a hyphen."
        )
