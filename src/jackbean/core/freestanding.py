"""A stack of its own: resources that belong to no environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from jackbean.core.records import replace
from jackbean.core.resources import Fate, Resource, State

STORY_MAX = 500


class Aim(StrEnum):
    """What is being done about a stack."""

    MAKE = "make"
    CHANGE = "change"
    UNDO = "undo"  # what was made or changed
    TIDY = "tidy"
    END = "end"
    REST = "rest"


@dataclass(frozen=True)
class Happened:
    """One line of its story; `at` in seconds."""

    at: float
    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """What a stack is to be: a template, and values of its parameters."""

    template: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Freestanding:
    """`before` and `former` are its resources and its plan before what is under way.

    `stays` says that what fails is left as it is, `ends` that a stack ends whose making fails.
    A new one that takes more than `timeout_s` seconds from `began` fails; 0: it may take any time.
    `since` is when anything was last done about a resource (s). `told` counts the lines of its
    story, of which the last are kept; `policy` is kept for whoever asks for it. Of one that is a
    resource of another, `parent` and `root` are the ids of those, and `wish` what was done last.
    """

    name: str
    id: str
    created: float
    status: str
    aim: Aim = Aim.REST
    plan: Plan = Plan()
    former: Plan = Plan()
    resources: tuple[Resource, ...] = ()
    before: tuple[Resource, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    stays: bool = False
    ends: bool = False
    timeout_s: float = 0.0
    began: float = 0.0
    protected: bool = False
    policy: str = ""
    parent: str = ""
    root: str = ""
    depth: int = 0
    wish: int = 0
    reason: str = ""
    updated: float | None = None
    ended: float | None = None
    since: float = 0.0
    story: tuple[Happened, ...] = ()
    told: int = 0

    def telling(self, *lines: Happened) -> Freestanding:
        """Return it with more lines of its story."""
        story = (*self.story, *lines)[-STORY_MAX:]
        return replace(self, story=story, told=self.told + len(lines))

    @property
    def resting(self) -> bool:
        return self.aim is Aim.REST


KNOWN = frozenset(one.name for one in fields(Freestanding))  # older records may have more


def to_json(stack: Freestanding) -> str:
    return json.dumps(asdict(stack), separators=(",", ":"))


def from_json(text: str) -> Freestanding:
    """Return the stack that `to_json` made."""
    told = {name: value for name, value in json.loads(text).items() if name in KNOWN}
    return Freestanding(
        **{
            **told,
            "aim": Aim(told["aim"]),
            "plan": Plan(**told["plan"]),
            "former": Plan(**told["former"]),
            "resources": tuple(map(_resource, told["resources"])),
            "before": tuple(map(_resource, told["before"])),
            "tags": tuple((key, value) for key, value in told["tags"]),
            "story": tuple(Happened(**one) for one in told["story"]),
        }
    )


def _resource(told: Mapping[str, Any]) -> Resource:
    return Resource(
        **{
            **told,
            "state": State(told["state"]),
            "deletion": Fate(told["deletion"]),
            "replacement": Fate(told["replacement"]),
            "attributes": tuple((key, value) for key, value in told["attributes"]),
            "needs": tuple(told["needs"]),
        }
    )
