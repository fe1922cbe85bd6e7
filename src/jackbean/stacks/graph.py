"""What of a template depends on what: its resources in an order in which they can be made."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.core.resources import Fate
from jackbean.stacks.functions import evaluate
from jackbean.stacks.intrinsics import VARIABLE
from jackbean.stacks.values import Resolver, Value

Template = Mapping[str, Any]
WAIT_CONDITION, POLICY = "AWS::CloudFormation::WaitCondition", "CreationPolicy"


@dataclass(frozen=True)
class Blueprint:
    """One resource as a template has it; `needs` are the resources it cannot be made before."""

    id: str
    type: str
    properties: Value
    needs: tuple[str, ...] = ()
    deletion: Fate = Fate.DELETE
    replacement: Fate = Fate.DELETE


class Circle(ValueError):
    """Resources that each need one another."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(f"Circular dependency between resources: [{', '.join(sorted(names))}]")


def blueprints(template: Template, resolver: Resolver) -> tuple[Blueprint, ...]:
    """Return the resources whose conditions hold, needs first. Raises Circle."""
    bodies = {
        name: body for name, body in template.get("Resources", {}).items() if holds(body, resolver)
    }
    return ordered(_blueprint(name, body, bodies.keys()) for name, body in bodies.items())


def ordered(found: Iterator[Blueprint]) -> tuple[Blueprint, ...]:
    """Return them so that each comes after what it needs, else as they came. Raises Circle."""
    left = {one.id: one for one in found}
    done: dict[str, Blueprint] = {}
    while left:
        ready = next((one for one in left.values() if done.keys() >= set(one.needs)), None)
        if ready is None:
            raise Circle(left)
        done[ready.id] = left.pop(ready.id)
    return tuple(done.values())


def holds(body: Mapping[str, Any], resolver: Resolver) -> bool:
    """Whether the condition of a resource holds, if it has one."""
    condition = body.get("Condition")
    if condition is None:
        return True
    found, faults = evaluate({"Fn::If": [condition, True, False]}, resolver)
    return found is True or bool(faults)  # what is wrong with it is told when it is checked


def _blueprint(name: str, body: Mapping[str, Any], known: Collection[str]) -> Blueprint:
    properties = _properties(body)
    depends = body.get("DependsOn") or []
    said = [depends] if isinstance(depends, str) else depends
    needs = dict.fromkeys(n for n in (*said, *references(properties)) if n in known and n != name)
    return Blueprint(
        name,
        str(body.get("Type", "")),
        properties,
        tuple(needs),
        _fate(body, "DeletionPolicy"),
        _fate(body, "UpdateReplacePolicy"),
    )


def _properties(body: Mapping[str, Any]) -> Value:
    """Return the properties of a resource; a wait condition has its CreationPolicy among them."""
    properties = body.get("Properties") or {}
    asks = body.get("Type") == WAIT_CONDITION and POLICY in body and isinstance(properties, dict)
    return {**properties, POLICY: body[POLICY]} if asks else properties


def _fate(body: Mapping[str, Any], policy: str) -> Fate:
    said = body.get(policy)
    return Fate(said) if isinstance(said, str) and said in FATES else Fate.DELETE


FATES = frozenset(Fate)


def references(value: Value) -> Iterator[str]:
    """Yield the names that functions in a value refer to, resources and parameters alike."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if len(value) == 1:
                yield from _referred(*next(iter(value.items())))
            left.extend(reversed(value.values()))
        elif isinstance(value, list):
            left.extend(reversed(value))


def _referred(function: str, argument: Value) -> Iterator[str]:
    """Yield what a function itself refers to, if it is one that does."""
    match function, argument:
        case "Ref", str(name):
            yield name
        case "Fn::GetAtt", [str(name), *_]:
            yield name
        case "Fn::GetAtt", str(name):
            yield name.partition(".")[0]
        case "Fn::Sub", _:
            yield from _in_sub(argument)
        case _:
            pass


def _in_sub(argument: Value) -> Iterator[str]:
    text, own = argument, {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        text, own = argument
    if isinstance(text, str):
        for found in VARIABLE.finditer(text):
            name = found[2].strip().partition(".")[0]
            if not found[1] and name not in own:
                yield name
