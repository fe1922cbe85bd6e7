"""What a stack tells others: its outputs, and those of them that it exports by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.stacks.functions import evaluate
from jackbean.stacks.values import Bad, Resolver, joined

IMPORT = "Fn::ImportValue"


@dataclass(frozen=True)
class Output:
    key: str
    value: str
    description: str = ""
    export: str = ""


def outputs(template: Mapping[str, Any], resolver: Resolver) -> tuple[Output, ...]:
    """Return the outputs of a template whose conditions hold and whose values can be had."""
    said = template.get("Outputs")
    every = said.items() if isinstance(said, dict) else ()
    found = (_output(key, body, resolver) for key, body in every)
    return tuple(one for one in found if one is not None)


def exports(every: Iterable[Output]) -> dict[str, str]:
    """Return what is exported, by its name."""
    return {one.export: one.value for one in every if one.export}


def exported_names(template: Mapping[str, Any], resolver: Resolver) -> set[str]:
    """Return the names under which a template exports, whatever its resources come to."""
    said = template.get("Outputs")
    bodies = said.values() if isinstance(said, dict) else ()
    names = (_name(body, resolver) for body in bodies if isinstance(body, dict))
    return {name for name in names if name}


def imported_names(value: Any, resolver: Resolver) -> set[str]:
    """Return the names of exports that functions in a value import."""
    if isinstance(value, list):
        return {name for item in value for name in imported_names(item, resolver)}
    if not isinstance(value, dict):
        return set()
    if value.keys() == {IMPORT}:
        name, faults = evaluate(value[IMPORT], resolver)
        return set() if faults else {str(name)}
    return {name for item in value.values() for name in imported_names(item, resolver)}


def _name(body: Mapping[str, Any], resolver: Resolver) -> str:
    if "Condition" in body:
        holds, faults = evaluate({"Fn::If": [body["Condition"], True, False]}, resolver)
        if faults or holds is not True:
            return ""
    export, faults = evaluate(body.get("Export"), resolver)
    return str(export.get("Name", "")) if isinstance(export, dict) and not faults else ""


def _output(key: str, body: Any, resolver: Resolver) -> Output | None:
    if not isinstance(body, dict):
        return None
    if "Condition" in body:
        holds, faults = evaluate({"Fn::If": [body["Condition"], True, False]}, resolver)
        if faults or holds is not True:
            return None
    told, faults = evaluate(
        {name: body.get(name) for name in ("Value", "Description", "Export")}, resolver
    )
    if faults:
        return None
    export = told.get("Export")
    name = export.get("Name", "") if isinstance(export, dict) else ""
    try:
        return Output(key, joined(told["Value"]), joined(told["Description"]), joined(name))
    except Bad:
        return None
