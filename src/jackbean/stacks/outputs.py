"""What a stack tells others: its outputs, and those of them that it exports by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.stacks.functions import evaluate
from jackbean.stacks.values import Bad, Resolver, joined


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
