"""Members that real clients use and the public models lack, as data.

An overlay is `overlays/<service>.json`:

    shapes      name -> {member: shape, ...} for a structure, [shape] for a list
    scalars     name -> kind
    members     structure -> {member: shape, ...} to add
    optional    structure -> [member, ...] that the public model requires and clients leave out
    elements    operation -> root element of its answer, where the model names none
    unwrapped   [operation, ...] whose answer is the bare element of its only member
    codes       error shape -> the code that it had in the query protocol
    namespace   XML namespace, where the model names none
    query       how a service whose model speaks JSON spells its lists and maps in the query
                protocol: {"lists": {shape: item}, "maps": {shape: [entry, key, value]}}

What the public model has by now is kept as it has it; a name that nobody defines is a mistake in
the overlay and raises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

Raw = Mapping[str, Any]


def read(service: str) -> Raw:
    """Return the overlay of a service, empty when it has none."""
    found = resources.files(__package__).joinpath("overlays", f"{service}.json")
    if not found.is_file():
        return {}
    raw: Raw = json.loads(found.read_bytes())
    return raw


def applied(raw: Raw, overlay: Raw) -> Raw:
    """Return a raw model with an overlay laid over it."""
    if not overlay:
        return raw
    scalars = {name: {"type": kind} for name, kind in overlay.get("scalars", {}).items()}
    added = {name: _shape(spelled) for name, spelled in overlay.get("shapes", {}).items()}
    shapes = {**scalars, **added, **raw["shapes"]}
    for name, members in overlay.get("members", {}).items():
        shapes[name] = _with_members(shapes[name], members)
    for name, members in overlay.get("optional", {}).items():
        required = [member for member in shapes[name].get("required", ()) if member not in members]
        shapes[name] = {**shapes[name], "required": required}
    _check(shapes)
    return {**raw, "shapes": shapes, "overlay": overlay}


def as_query(raw: Raw) -> Raw:
    """Return a model as the query protocol has it; the same one if that is no other."""
    spelled = raw.get("overlay", {}).get("query")
    if not spelled:
        return raw
    shapes = dict(raw["shapes"])
    for name, item in spelled["lists"].items():
        member = {**shapes[name]["member"], "locationName": item}
        shapes[name] = {**shapes[name], "member": member}
    for name, (entry, key, value) in spelled["maps"].items():
        shape = shapes[name]
        named = {
            "key": {**shape["key"], "locationName": key},
            "value": {**shape["value"], "locationName": value},
        }
        shapes[name] = {**shape, **named, "locationName": entry}
    return {**raw, "shapes": shapes, "metadata": {**raw["metadata"], "protocol": "query"}}


def _shape(spelled: Mapping[str, str] | list[str]) -> Raw:
    if isinstance(spelled, list):
        (member,) = spelled
        return {"type": "list", "member": {"shape": member}}
    return {"type": "structure", "members": _references(spelled)}


def _with_members(structure: Raw, members: Mapping[str, str]) -> Raw:
    return {**structure, "members": {**_references(members), **structure["members"]}}


def _references(members: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"shape": shape} for name, shape in members.items()}


def _check(shapes: Raw) -> None:
    for name, shape in shapes.items():
        for member, reference in shape.get("members", {}).items():
            if reference["shape"] not in shapes:
                raise LookupError(f"{name}.{member} is of no known shape: {reference['shape']}")
