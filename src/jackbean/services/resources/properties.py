"""Properties of resources as templates have them, for services that take texts."""

from __future__ import annotations

import json
from collections.abc import Collection
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
