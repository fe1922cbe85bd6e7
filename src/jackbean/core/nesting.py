"""What is wanted of a stack that is a resource of another one, until it has ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from jackbean.core.freestanding import Plan

DEPTH_MAX = 5  # of stacks in stacks
PLANS_MAX = 3  # of one stack, the last ones


@dataclass(frozen=True)
class Nested:
    """`id` and `name` are those of the stack, `parent` and `root` the ids of whose resource it is.

    `number` counts what was wanted of it. `plans` are by the properties of the resource: what a
    URL led to stays what it was, so that a change can be undone. `key` chooses among them.
    """

    id: str
    name: str
    parent: str
    root: str
    depth: int
    number: int = 1
    key: str = ""
    plans: dict[str, Plan] = field(default_factory=dict)
    tags: tuple[tuple[str, str], ...] = ()
    ends: bool = False

    @property
    def plan(self) -> Plan:
        return self.plans[self.key]


def to_json(nested: Nested) -> str:
    return json.dumps(asdict(nested), separators=(",", ":"))


def from_json(text: str) -> Nested:
    """Return what `to_json` made."""
    told = json.loads(text)
    plans = {key: Plan(**plan) for key, plan in told["plans"].items()}
    tags = tuple((key, value) for key, value in told["tags"])
    return Nested(**{**told, "plans": plans, "tags": tags})
