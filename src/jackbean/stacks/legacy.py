"""Properties as bundles of past years write them, in the form that CloudFormation takes today."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, Any]
Told = list[str]
KEYS = (("HashKeyElement", "HASH"), ("RangeKeyElement", "RANGE"))


def modern(name: str, said: Body, known_type: str) -> tuple[Body, Told]:
    """Return what is said of a resource in today's form, and what was changed for it."""
    change = CHANGES.get(str(said.get("Type") or known_type))
    properties = said.get("Properties")
    if change is None or not isinstance(properties, dict):
        return said, []
    changed, told = change(properties)
    return ({**said, "Properties": changed}, told) if told else (said, [])


def _table(properties: Body) -> tuple[Body, Told]:
    """Return a table's keys as lists: first they were named elements, with types of their own."""
    schema = properties.get("KeySchema")
    if not isinstance(schema, dict) or not any(key in schema for key, _ in KEYS):
        return properties, []
    elements = [(schema[key], role) for key, role in KEYS if isinstance(schema.get(key), dict)]
    defined = [_definition(element) for element, _ in elements]
    given = properties.get("AttributeDefinitions")
    before = given if isinstance(given, list) else []
    names = [one.get("AttributeName") for one in before if isinstance(one, dict)]
    changed = {
        **properties,
        "KeySchema": [
            {"AttributeName": element.get("AttributeName"), "KeyType": role}
            for element, role in elements
        ],
        "AttributeDefinitions": [
            *before,
            *(one for one in defined if one["AttributeName"] not in names),
        ],
    }
    return changed, ["KeySchema with HashKeyElement is read as a list of AttributeName and KeyType"]


def _definition(element: Mapping[str, Any]) -> Body:
    return {
        "AttributeName": element.get("AttributeName"),
        "AttributeType": element.get("AttributeType", "S"),
    }


CHANGES: Mapping[str, Callable[[Body], tuple[Body, Told]]] = {"AWS::DynamoDB::Table": _table}
