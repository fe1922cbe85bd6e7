"""What a bundle says of its environment's template, merged into what Elastic Beanstalk makes of it.

A resource that is there is changed property by property, a new one is added; either is taken away
by `CmpFn::Remove`. What is wrong is found all at once, when a release is cut: nothing of a template
that cannot be meant reaches the stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jackbean.core.extensions import Declared
from jackbean.core.resources import Fate
from jackbean.stacks.advice import advised
from jackbean.stacks.functions import evaluate
from jackbean.stacks.graph import FATES, Blueprint, Circle, blueprints
from jackbean.stacks.legacy import modern
from jackbean.stacks.openings import EFFECTIVE
from jackbean.stacks.properties import UNREALISED, unrealised, wrong
from jackbean.stacks.types import SNAPSHOTS, Reality, kind, nearest, provided
from jackbean.stacks.values import SHOWN_MAX, Resolver

Template = dict[str, Any]
REMOVE = "CmpFn::Remove"
LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")
RESOURCES_MAX, OTHERS_MAX = 500, 200  # CloudFormation's: resources; parameters, mappings, outputs
BYTES_MAX = 1 << 20
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
LISTED_MAX = 10
MEANINGS = {
    Reality.INERT: "without a meaning here: Ref gives a name, and nothing else is done",
    Reality.UNBUILT: "not built by this version: Ref gives a name, and nothing is behind it",
}


@dataclass
class Merged:
    """The template, what is wrong with what was merged (`faults`), and what people should know."""

    template: Template
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


NOTHING: Mapping[str, Sequence[str]] = {}


def merge(
    template: Template,
    declared: Declared,
    owned: Mapping[str, str],
    unmet: Mapping[str, Sequence[str]] = NOTHING,
) -> Merged:
    """Return a template with what a bundle declares; `owned` are the types of EB's logical ids.

    `unmet` are properties without an effect, of those logical ids of which others have one.
    """
    found = Merged({**template, "Resources": dict(template["Resources"])})
    for name, said in declared.resources.items():
        _resource(found, name, said, owned)
    others = {
        "Parameters": declared.parameters,
        "Mappings": declared.mappings,
        "Conditions": declared.conditions,
        "Outputs": declared.outputs,
    }
    for section, said in others.items():
        if said:
            merged = combined(found.template.get(section, {}), said)
            found.template[section] = merged
            _count(found, section, len(merged), OTHERS_MAX)
    _count(found, "Resources", len(found.template["Resources"]), RESOURCES_MAX)
    _meanings(found, declared, (owned, unmet))
    if declared.resources:
        found.warnings += [_at(name, text) for name, text in advised(found.template["Resources"])]
    return found


def check(template: Template, resolver: Resolver) -> list[str]:
    """Return what is wrong with functions and dependencies in a template's resources."""
    resources = template["Resources"]
    faults = [*_dangling(resources), *_unconditional(resources, resolver)]
    if faults:
        return faults
    try:
        found = blueprints(template, resolver)
    except Circle as circle:
        return [f".ebextensions: Resources: {circle}."]
    return [
        fault
        for one in found
        if provided(one.type, one.id)
        for fault in _unmeant(one, resources, resolver)
    ]


def _unconditional(resources: Template, resolver: Resolver) -> Iterator[str]:
    for name, body in resources.items():
        if "Condition" in body:
            for fault in evaluate({"Fn::If": [body["Condition"], True, False]}, resolver)[1]:
                yield _at(name, f"Condition: {fault.text}")


def _unmeant(one: Blueprint, resources: Template, resolver: Resolver) -> Iterator[str]:
    """Yield what is wrong with the properties of a resource that something is made of."""
    value, faults = evaluate(one.properties, resolver)
    for fault in faults:
        yield _at(one.id, f"{'.'.join(map(str, ('Properties', *fault.path)))}: {fault.text}")
    if not faults and not isinstance(value, dict):
        yield _at(one.id, "Properties is a mapping")
    for path, text in () if faults else wrong(one.type, one.properties, value, resources):
        yield _at(one.id, f"{'.'.join(map(str, ('Properties', *path)))}: {text}")


def combined(first: Mapping[str, Any], second: Mapping[str, Any]) -> Template:
    """Return both, property by property; the second wins, and takes away what it says to."""
    found = dict(first)
    for name, value in second.items():
        before = found.get(name)
        if removes(value):
            found.pop(name, None)
        elif isinstance(before, dict) and isinstance(value, dict) and not _function(before, value):
            found[name] = combined(before, value)
        else:
            found[name] = value
    return found


def removes(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {REMOVE}


def _function(*values: Mapping[str, Any]) -> bool:
    """Whether one of them is a function with its argument: those are replaced whole."""
    keys = [next(iter(v)) for v in values if len(v) == 1]
    return any(key == "Ref" or str(key).startswith("Fn::") for key in keys)


def _resource(found: Merged, name: str, said: Any, owned: Mapping[str, str]) -> None:
    resources = found.template["Resources"]
    if removes(said):
        resources.pop(name, None)
        return
    if not isinstance(said, dict):
        found.faults.append(_at(name, "it is a mapping with Type and Properties"))
        return
    said, told = modern(name, said, resources.get(name, {}).get("Type") or owned.get(name, ""))
    found.warnings += [_at(name, text) for text in told]
    if name in resources:
        before = resources[name]["Type"]
        if said.get("Type", before) != before:
            found.faults.append(_at(name, f"it is of type {before}, which cannot be changed"))
        resources[name] = combined(resources[name], said)
        found.faults += _policies(name, resources[name])
    elif "Type" not in said and name in owned:
        found.warnings.append(_at(name, "this environment has none; what is said of it is dropped"))
    else:
        resources[name] = combined({}, said)
        found.faults += _wrong(name, resources[name])


def _wrong(name: str, said: Template) -> Iterator[str]:
    """Yield what is wrong with a resource of a bundle's own."""
    named_type = said.get("Type")
    if not LOGICAL_ID.fullmatch(name):
        yield _at(name, "a logical id has letters and digits only")
    if not isinstance(named_type, str) or not named_type:
        yield _at(name, "it has no Type")
    elif kind(named_type, name) is None:
        yield _at(name, f"type {named_type[:SHOWN_MAX]} is not known here{_meant(named_type)}")
    if not isinstance(said.get("Properties") or {}, dict):
        yield _at(name, "Properties is a mapping")
    yield from _policies(name, said)


def _meant(named_type: str) -> str:
    found = ", ".join(nearest(named_type[:SHOWN_MAX]))
    return f"; the nearest: {found}" if found else "; types are named like AWS::SQS::Queue"


def _policies(name: str, said: Template) -> Iterator[str]:
    for policy in POLICIES:
        chosen = said.get(policy)
        if chosen is None:
            continue
        if not isinstance(chosen, str) or chosen not in FATES:
            yield _at(name, f"{policy} is one of {', '.join(FATES)}")
        elif chosen == Fate.SNAPSHOT and said.get("Type") not in SNAPSHOTS:
            yield _at(name, f"resources of type {said.get('Type')} have no snapshots ({policy})")


def _dangling(resources: Template) -> Iterator[str]:
    for name, body in resources.items():
        depends = body.get("DependsOn") or []
        names = [depends] if isinstance(depends, str) else depends
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            yield _at(name, "DependsOn is a logical id, or a list of them")
            continue
        missing = [one for one in names if one not in resources]
        if missing:
            listed = ", ".join(one[:SHOWN_MAX] for one in missing[:LISTED_MAX])
            yield _at(name, f"DependsOn names what is not there: {listed}")


def _count(found: Merged, section: str, count: int, most: int) -> None:
    if count > most:
        found.faults.append(f".ebextensions: {section}: there are {count}, and at most {most}.")
    if section == "Resources" and len(json.dumps(found.template)) > BYTES_MAX:
        found.faults.append(f".ebextensions: Resources come to more than {BYTES_MAX} bytes.")


def _meanings(
    found: Merged,
    declared: Declared,
    known: tuple[Mapping[str, str], Mapping[str, Sequence[str]]],
) -> None:
    """Say of which resources nothing comes here, or less than on AWS."""
    owned, unmet = known
    followed, realities = [], dict[Reality, list[str]]()
    for name, said in declared.resources.items():
        body = found.template["Resources"].get(name)
        if body is None or not isinstance(said, dict):
            continue
        found_kind = kind(str(body.get("Type", "")), name)
        reality = found_kind.reality if found_kind else None
        if reality is Reality.FOLLOWED or (name in owned and reality is not Reality.PROVIDED):
            followed += _without_effect(name, said, unmet, EFFECTIVE.get(str(body.get("Type"))))
        elif reality in MEANINGS:
            realities.setdefault(reality, []).append(name)
        elif none := unrealised(str(body.get("Type")), body.get("Properties")):
            found.warnings.append(_at(name, f"{', '.join(none)}: {UNREALISED}"))
    if followed:
        text = "they are in the template, and what runs here follows option settings alone"
        found.warnings.append(f".ebextensions: Resources: {listed(followed)}: {text}.")
    for reality, names in realities.items():
        text = MEANINGS[reality]
        found.warnings.append(f".ebextensions: Resources: {listed(names)}: {text}.")


def _without_effect(
    name: str,
    said: Template,
    unmet: Mapping[str, Sequence[str]],
    effective: frozenset[str] | None,
) -> list[str]:
    """Return what of a resource has no effect: the whole of it, or properties, or nothing."""
    if effective is not None:
        properties = said.get("Properties")
        said_of = properties if isinstance(properties, dict) else {}
        return [f"{name}.{key}" for key in said_of if key not in effective]
    if name in unmet:
        return [f"{name}.{path}" for path in unmet[name]]
    return [name] if set(said) - {"Type", "Metadata"} else []


def listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED_MAX} more" if len(names) > LISTED_MAX else ""
    return ", ".join(name[:SHOWN_MAX] for name in names[:LISTED_MAX]) + more


def _at(name: str, text: str) -> str:
    return f".ebextensions: Resources: {name[:SHOWN_MAX]!r}: {text}."
