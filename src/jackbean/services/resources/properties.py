"""Properties of resources as templates have them, for services that take texts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jackbean.core.errors import Fault
from jackbean.ports.resources import Properties, Wanted


def check(wanted: Wanted, known: Collection[str]) -> None:
    """Raise the Fault for properties that a type does not have."""
    for name in wanted.properties:
        if name not in known:
            raise Fault("ValidationError", f"Encountered unsupported property {name[:80]}")


def text(value: Any) -> str:
    """Return a value as text: true and false in lower case, what is nested as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    return "" if value is None else str(value)


def texts(properties: Properties, names: Collection[str]) -> dict[str, str]:
    """Return those properties that are there, as texts."""
    return {name: text(properties[name]) for name in names if name in properties}


def items(properties: Properties, name: str) -> list[Any]:
    """Return a property that is a list; a single value is a list of one."""
    found = properties.get(name)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def tags(properties: Properties) -> dict[str, str]:
    """Return tags. Raises the Fault where they are none."""
    found = {}
    for one in items(properties, "Tags"):
        if not isinstance(one, dict) or "Key" not in one:
            raise Fault("ValidationError", "Tags are a list of Key and Value.")
        found[text(one["Key"])] = text(one.get("Value"))
    return found


def required(wanted: Wanted, name: str) -> str:
    """Return a property as text. Raises the Fault where it is missing."""
    found = text(wanted.properties.get(name))
    if not found:
        raise Fault("ValidationError", f"Property {name} cannot be empty.")
    return found


def read(value: str | None) -> Any:
    """Return what a service has as text in the words of templates: documents are no texts there.

    None: it is not set.
    """
    if not value:
        return None
    if value[0] in "{[":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def told_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def read_policy(wanted: Wanted, places: str, found: Sequence[tuple[Any, str]]) -> Properties | None:
    """Return a policy that is an attribute of others, by those that have any (`found`).

    Where they differ, it is the first that is not what is wanted. None: nobody has one.
    """
    if not found:
        return None
    documents = [read(policy) for _, policy in found]
    same = wanted.properties.get("PolicyDocument")
    other = next((one for one in documents if one != same), documents[0])
    return {"PolicyDocument": other, places: [place for place, _ in found]}
