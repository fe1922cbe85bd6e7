"""Stacks of their own, driven by AWS's own client."""

from __future__ import annotations

from typing import Any

from tests.api.rig import PlantRig

NAME = "own"


def settled(rig: PlantRig, name: str = NAME, turns: int = 100) -> dict[str, Any]:
    """Take turns until nothing is under way, and return the stack as it is described."""
    for _ in range(turns):
        if not rig.run(rig.stacks.turn()):
            break
        rig.universe.clock.advance(1.0)
    return described(rig, name)


def described(rig: PlantRig, name: str = NAME) -> dict[str, Any]:
    (found,) = rig.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return dict(found)


def told(rig: PlantRig, name: str = NAME) -> list[tuple[str, str]]:
    """Return the story, oldest first: whose line, and its status."""
    return [(one["LogicalResourceId"], one["ResourceStatus"]) for one in story(rig, name)]


def story(rig: PlantRig, name: str = NAME) -> list[dict[str, Any]]:
    pages = rig.client("cloudformation").get_paginator("describe_stack_events")
    found = [one for page in pages.paginate(StackName=name) for one in page["StackEvents"]]
    return found[::-1]
