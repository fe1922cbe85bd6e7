"""One resource of a stack: what is wanted of it, saved before it is made, and what is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Key = tuple[str, str]


class State(StrEnum):
    """What is to be done about a resource."""

    MAKING = "making"
    CHANGING = "changing"
    READY = "ready"
    REMOVING = "removing"


class Fate(StrEnum):
    """What becomes of a resource that a template no longer has: CloudFormation's policies."""

    DELETE = "Delete"
    RETAIN = "Retain"
    RETAIN_EXCEPT_ON_CREATE = "RetainExceptOnCreate"
    SNAPSHOT = "Snapshot"


@dataclass(frozen=True)
class Resource:
    """Its logical id, its type, and its physical name, which is chosen before it is made.

    `properties` are JSON, functions evaluated, as they are to be; `former` those before the change
    under way. `ref` is what Ref gives, the name if it is empty. `needs` are the logical ids that it
    depends on. `leaving`: something else or nothing takes its place, and it ends when there is no
    way back. `deletion` and `replacement` are its DeletionPolicy and its UpdateReplacePolicy.
    """

    id: str
    type: str
    name: str
    state: State = State.READY
    properties: str = ""
    former: str = ""
    ref: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()
    deletion: Fate = Fate.DELETE
    replacement: Fate = Fate.DELETE
    leaving: bool = False

    @property
    def key(self) -> Key:
        """What tells it from all others of its stack, its successor too."""
        return self.id, self.name

    @property
    def pending(self) -> bool:
        return self.state is not State.READY

    @property
    def referred(self) -> str:
        """What `Ref` gives."""
        return self.ref or self.name


@dataclass(frozen=True)
class Made:
    """What was asked for is so: what `Ref` and `Fn::GetAtt` give of it."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Underway:
    """What was asked for takes time; `why` says what. `ends`: it knows itself for how long."""

    why: str
    ends: bool = False


@dataclass(frozen=True)
class Refused:
    """What was asked for can never be."""

    reason: str


@dataclass(frozen=True)
class Gone:
    """It is not there."""


Sight = Made | Underway | Refused | Gone
