"""Resources of every type, in memory: what there is, of whom, and with which properties."""

from __future__ import annotations

import json
from collections.abc import Callable

from jackbean.core.errors import Fault
from jackbean.core.resources import Gone, Made, Resource, Underway
from jackbean.ports.resources import Properties, Wanted

REFUSES, STAYS, TAKES = "RefuseToBe", "RefuseToEnd", "TakesLooks"  # tags that say so


class MemoryResources:
    """ports.Resources. `there` is what there is, by type and name: its owner and its properties.

    `refused` are those that refuse every change from now on, by type and name, and why.

    Tags can say that a resource refuses to be, or to end, or how often it must be asked for.
    """

    def __init__(self, effect: Callable[[str], None] = lambda name: None) -> None:
        self.there: dict[tuple[str, str], tuple[str, str]] = {}
        self.refused: dict[tuple[str, str], str] = {}
        self._effect = effect
        self.ended: list[Wanted] = []
        self._looks: dict[tuple[str, str], int] = {}

    def holds(self, resource: Resource, properties: Properties) -> bool:
        """Whether what there is of a resource has those properties."""
        _, found = self.there.get((resource.type, resource.name), ("", "null"))
        return bool(json.loads(found) == json.loads(json.dumps(properties)))

    async def ensure(self, wanted: Wanted) -> Made | Underway:
        self._effect("ensure resource")
        place = (wanted.type, wanted.name)
        owner, _ = self.there.get(place, (wanted.owner, ""))
        if owner != wanted.owner:
            raise Fault("AlreadyExistsException", f"{wanted.name} already exists")
        if reason := self.refused.get(place) or _said(wanted, REFUSES):
            raise Fault("ValidationError", str(reason))
        self._looks[place] = self._looks.get(place, 0) + 1
        if self._looks[place] < int(_said(wanted, TAKES) or 0):
            return Underway("It takes its time.")
        self._looks[place] = 0
        self.there[place] = (wanted.owner, json.dumps(wanted.properties, sort_keys=True))
        return Made(wanted.name, {"Arn": f"arn:{wanted.name}"})

    async def remove(self, wanted: Wanted) -> Gone | Underway:
        self._effect("remove resource")
        place = (wanted.type, wanted.name)
        owner, _ = self.there.get(place, ("", ""))
        if owner != wanted.owner:
            return Gone()
        if reason := _said(wanted, STAYS):
            raise Fault("DeleteFailed", str(reason))
        del self.there[place]
        self.ended.append(wanted)
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        owner, properties = self.there.get((wanted.type, wanted.name), ("", "{}"))
        found: Properties = json.loads(properties)
        unset = dict.fromkeys(wanted.properties.keys() - found.keys())
        return {**unset, **found} if owner == wanted.owner else None


def _said(wanted: Wanted, name: str) -> str:
    """Return the value of a tag; empty if there is none."""
    tags = wanted.properties.get("Tags") or []
    return next((str(one["Value"]) for one in tags if one["Key"] == name), "")
