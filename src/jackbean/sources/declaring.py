"""From config files to what they declare together: instance keys by file, template keys merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jackbean.core.extensions import ConfigKeys, Declared, Tree
from jackbean.sources.extensions import INSTANCE_KEYS, ConfigFile

TEMPLATE_KEYS = {
    "Parameters": "parameters",
    "Mappings": "mappings",
    "Conditions": "conditions",
    "Resources": "resources",
    "Outputs": "outputs",
}


def declared(files: Sequence[ConfigFile]) -> Declared:
    """Return what files declare, in the order in which they come; later ones win."""
    found: dict[str, Tree] = {member: {} for member in TEMPLATE_KEYS.values()}
    for file in files:
        for key, member in TEMPLATE_KEYS.items():
            if isinstance(said := file.keys.get(key), dict):
                found[member] = merged(found[member], said)
    instance = [
        ConfigKeys(file.name, {k: v for k, v in file.keys.items() if k in INSTANCE_KEYS})
        for file in files
    ]
    return Declared(tuple(keys for keys in instance if keys.keys), **found)


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> Tree:
    """Return both, property by property; where they differ the second wins."""
    found = dict(first)
    for name, value in second.items():
        before = found.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            found[name] = merged(before, value)
        else:
            found[name] = value
    return found
