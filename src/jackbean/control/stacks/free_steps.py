"""What happens next to a stack of its own. Pure: the same steps as those of environments."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from jackbean.control.scene import Namer
from jackbean.control.stacks.stacking import PATIENCE_S, impatient
from jackbean.control.stacks.surroundings import check_attribute
from jackbean.core.freestanding import Aim, Freestanding, Happened, Plan
from jackbean.core.installation import Installation
from jackbean.core.records import replace
from jackbean.core.resources import Key, Refused, Resource, Sight, State
from jackbean.stacks.engine import Stack, Surrounded, abandoned, advance, dismantle, tidy, undo
from jackbean.stacks.graph import Blueprint
from jackbean.stacks.names import given_or_made
from jackbean.stacks.properties import UNREALISED, unrealised
from jackbean.stacks.types import STACK
from jackbean.stacks.values import Unresolved, Value

OVERDUE = "Stack creation time exceeded the specified timeout. Rollback requested by user."
NOTHING: Mapping[Key, Sight] = MappingProxyType({})
DONE = {
    (State.MAKING, State.READY): "CREATE_COMPLETE",
    (State.CHANGING, State.READY): "UPDATE_COMPLETE",
}
BEGUN = {
    State.MAKING: "CREATE_IN_PROGRESS",
    State.CHANGING: "UPDATE_IN_PROGRESS",
    State.REMOVING: "DELETE_IN_PROGRESS",
}
FAILED = {
    State.MAKING: "CREATE_FAILED",
    State.CHANGING: "UPDATE_FAILED",
    State.REMOVING: "DELETE_FAILED",
}


@dataclass(frozen=True)
class FreeSurroundings:
    """stacks.values.Resolver for a stack of its own; `exports` are those of other stacks."""

    installation: Installation
    stack: Freestanding
    plan: Plan
    exports: Mapping[str, str] = field(default_factory=dict)

    def ref(self, name: str) -> Value:
        if name in (pseudo := self._pseudo()):
            return pseudo[name]
        if name in self.plan.template.get("Parameters", {}):
            return self._parameter(name)
        return self._resource(name).referred

    def attribute(self, resource: str, name: str) -> Value:
        found = self._resource(resource)
        if name in (told := dict(found.attributes)):
            return told[name]
        check_attribute(resource, found.type, name)
        if found.type == STACK and found.ref:  # it is there, and this it has not
            raise Unresolved(f"{resource} has no output {name.removeprefix('Outputs.')[:80]}")
        return f"{found.name}/{name[:80]}"

    def option(self, namespace: str, name: str) -> str | None:
        raise Unresolved("Fn::GetOptionSetting has a meaning in environments only")

    def mapped(self, mapping: str, first: str, second: str) -> Value:
        found: Any = self.plan.template.get("Mappings", {})
        for name in (mapping, first, second):
            if not isinstance(found, dict) or name not in found:
                raise Unresolved(f"there is no {mapping[:80]}.{first[:80]}.{second[:80]}")
            found = found[name]
        return found

    def condition(self, name: str) -> Value:
        conditions = self.plan.template.get("Conditions", {})
        if name not in conditions:
            raise Unresolved(f"there is no condition {name[:80]!r}")
        return conditions[name]

    def exported(self, name: str) -> Value:
        if name not in self.exports:
            raise Unresolved(f"No export named {name[:80]} found")
        return self.exports[name]

    def zones(self, region: str) -> list[str]:
        return [f"{region or self.installation.region}a"]

    def _parameter(self, name: str) -> Value:
        said = self.plan.template["Parameters"][name]
        default = said.get("Default") if isinstance(said, dict) else None
        found = self.plan.parameters.get(name, default)
        if found is None:
            raise Unresolved(f"parameter {name[:80]!r} has no value")
        listed = str(said.get("Type", "")).startswith(("CommaDelimitedList", "List<"))
        return [item.strip() for item in str(found).split(",")] if listed else found

    def _resource(self, name: str) -> Resource:
        for resource in self.stack.resources:
            if resource.id == name and not resource.leaving:
                return resource
        said = self.plan.template.get("Resources", {}).get(name)
        if not isinstance(said, dict):
            raise Unresolved(f"there is no resource or parameter {name[:80]!r}")
        return Resource(name, str(said.get("Type", "")), name)

    def _pseudo(self) -> dict[str, Value]:
        return {
            "AWS::AccountId": self.installation.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": self.installation.region,
            "AWS::StackId": self.stack.id,
            "AWS::StackName": self.stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }


@dataclass(frozen=True)
class Turn:
    """What a turn is decided from."""

    sights: Mapping[Key, Sight]
    now: float
    namer: Namer
    exports: Mapping[str, str] = field(default_factory=dict)


def next_turn(stack: Freestanding, turn: Turn) -> Freestanding:
    """Return what a turn leads to, with its story."""
    late = bool(stack.since) and turn.now - stack.since > PATIENCE_S
    if late:
        turn = replace(turn, sights=impatient(stack.resources, turn.sights))
    return stack if stack.resting else _told(stack, _taken(stack, turn), turn)


def _taken(stack: Freestanding, turn: Turn) -> Freestanding:
    match stack.aim:
        case Aim.MAKE | Aim.CHANGE:
            return _forward(stack, turn)
        case Aim.UNDO:
            return _back(stack, turn)
        case Aim.TIDY:
            step = tidy(stack.resources, turn.sights)
            after = replace(stack, resources=step.stack)
            return _rests(after, "UPDATE_COMPLETE") if step.over else after
        case Aim.END:
            return _ending(stack, turn)
        case Aim.REST:
            return stack


def _forward(stack: Freestanding, turn: Turn) -> Freestanding:
    making = stack.aim is Aim.MAKE
    step = advance(stack.plan.template, stack.resources, turn.sights, _around(stack, turn))
    after = replace(stack, resources=step.stack)
    failure = step.failure or (_overdue(stack, turn) if making and not step.over else "")
    if failure:
        after = replace(after, reason=failure)
        if stack.stays:
            left = replace(after, resources=tuple(map(abandoned, step.stack)))
            return _rests(left, "CREATE_FAILED" if making else "UPDATE_FAILED", before=stack.before)
        if making and stack.ends:
            return replace(after, aim=Aim.END, status="DELETE_IN_PROGRESS")
        return going_back(after, turn.sights)
    if not step.over:
        return after
    if any(resource.leaving for resource in step.stack):
        return replace(after, aim=Aim.TIDY, status="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    return _rests(after, "CREATE_COMPLETE" if making else "UPDATE_COMPLETE")


def _overdue(stack: Freestanding, turn: Turn) -> str:
    late = 0 < stack.timeout_s <= turn.now - stack.began
    return OVERDUE if late else ""


def changing(stack: Freestanding, plan: Plan, now: float) -> Freestanding:
    """Return a stack on its way to another plan.

    After a change that failed and was left as it is, it would go back further: to what it was
    before that.
    """
    stable = stack.status != "UPDATE_FAILED"
    return replace(
        stack,
        status="UPDATE_IN_PROGRESS",
        aim=Aim.CHANGE,
        plan=plan,
        former=stack.plan if stable else stack.former,
        before=stack.resources if stable else stack.before,
        reason="",
        updated=now,
    )


def going_back(stack: Freestanding, sights: Mapping[Key, Sight] = NOTHING) -> Freestanding:
    """Return a stack on its way back to what it was before what is under way."""
    made = stack.status.startswith(("CREATE", "ROLLBACK"))
    status = "ROLLBACK_IN_PROGRESS" if made else "UPDATE_ROLLBACK_IN_PROGRESS"
    back = undo(stack.before, stack.resources, sights).stack
    return replace(stack, aim=Aim.UNDO, status=status, resources=back)


def _back(stack: Freestanding, turn: Turn) -> Freestanding:
    """Go back. What cannot be changed back stops it, and so does what a new stack cannot end."""
    made = stack.status == "ROLLBACK_IN_PROGRESS"
    was = {r.key for r in stack.before}
    stuck = {r.key: r.id for r in stack.resources if _stuck(r, turn, was, made=made)}
    sights = {key: sight for key, sight in turn.sights.items() if key not in stuck}
    step = undo(stack.before, stack.resources, sights)
    after = replace(stack, resources=step.stack)
    if stuck and all(r.key in stuck for r in step.stack if r.pending):
        verb, status = ("delete", "ROLLBACK") if made else ("update", "UPDATE_ROLLBACK")
        reason = f"The following resource(s) failed to {verb}: [{', '.join(stuck.values())}]."
        failed = replace(after, reason=reason)
        return _rests(failed, f"{status}_FAILED", before=stack.before)
    if step.over:
        status = "ROLLBACK_COMPLETE" if made else "UPDATE_ROLLBACK_COMPLETE"
        return _rests(replace(after, plan=stack.plan if made else stack.former), status)
    if not made and not any(r.pending and r.key in was for r in step.stack):
        return replace(after, status="UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    return after


def _stuck(resource: Resource, turn: Turn, was: Collection[Key], *, made: bool) -> bool:
    """Whether a resource stops a rollback: what an update has made and cannot end does not."""
    if not isinstance(turn.sights.get(resource.key), Refused):
        return False
    if made:
        return resource.state is State.REMOVING
    return resource.state is State.CHANGING and resource.key in was


def skipping(stack: Freestanding, skipped: Collection[str]) -> Freestanding:
    """Return a stack that goes on back, with what is skipped taken for changed back."""
    was = {r.key: r for r in stack.before}
    resources = tuple(
        was[r.key] if r.id in skipped and r.key in was else r for r in stack.resources
    )
    return replace(going_back(replace(stack, resources=resources)), reason="")


def _ending(stack: Freestanding, turn: Turn) -> Freestanding:
    """End everything; what cannot be ended stays, and so does the stack."""
    stuck = {
        r.key: r.id
        for r in stack.resources
        if r.state is State.REMOVING and isinstance(turn.sights.get(r.key), Refused)
    }
    sights = {key: sight for key, sight in turn.sights.items() if key not in stuck}
    step = dismantle(stack.resources, sights)
    after = replace(stack, resources=step.stack)
    if stuck and all(r.key in stuck for r in step.stack if r.pending):
        text = f"The following resource(s) failed to delete: [{', '.join(stuck.values())}]."
        return _rests(replace(after, reason=text), "DELETE_FAILED")
    return replace(_rests(after, "DELETE_COMPLETE"), ended=turn.now) if step.over else after


def _rests(stack: Freestanding, status: str, before: Stack = ()) -> Freestanding:
    """Return a stack at rest; `before` is what it may still go back to."""
    return replace(stack, aim=Aim.REST, status=status, before=before, since=0.0)


def _around(stack: Freestanding, turn: Turn) -> Surrounded:
    def resolve(resources: Stack) -> FreeSurroundings:
        now = replace(stack, resources=resources)
        return FreeSurroundings(turn.namer.installation, now, stack.plan, turn.exports)

    def name(blueprint: Blueprint, properties: Value) -> str:
        made = turn.namer.resource((blueprint.id, blueprint.type), stack.name)
        return given_or_made((blueprint.id, blueprint.type), properties, made)

    return Surrounded(resolve, name)


def _told(before: Freestanding, after: Freestanding, turn: Turn) -> Freestanding:
    """Return it with what has happened; its clock begins anew where anything has."""
    was = {r.key: r for r in before.resources}
    now = {r.key: r for r in after.resources}
    lines = [
        *(_line(was.get(key), one, turn) for key, one in now.items()),
        *(_gone(one, turn) for key, one in was.items() if key not in now),
    ]
    told = [line for line in lines if line is not None]
    if after.status != before.status:
        told.append(itself(after, turn.now))
    moved = after.resources != before.resources or not after.since
    since = turn.now if moved and not after.resting else after.since
    if not told and since == after.since:
        return after
    return replace(after.telling(*told), since=since)


def itself(stack: Freestanding, now: float) -> Happened:
    """Return the line of a stack's own status."""
    kind = "AWS::CloudFormation::Stack"
    return Happened(now, stack.name, stack.id, kind, stack.status, stack.reason)


def noted(stack: Freestanding, one: Resource, told: tuple[float, str]) -> Freestanding:
    """Return a stack with what has happened to a resource on its way, and when."""
    at, reason = told
    status = BEGUN.get(one.state, "CREATE_IN_PROGRESS")
    line = Happened(at, one.id, one.referred, one.type, status, reason)
    return stack.telling(line)


def _line(was: Resource | None, one: Resource, turn: Turn) -> Happened | None:
    before = was.state if was else State.MAKING if one.state is State.READY else None
    sight = turn.sights.get(one.key)
    if was is not None and isinstance(sight, Refused):
        return _said(was, FAILED.get(was.state, "UPDATE_FAILED"), turn, sight.reason)
    if before is one.state:
        return None
    status = DONE.get((before, one.state)) if before else None
    status = status or BEGUN.get(one.state)
    return _said(one, status, turn, _unmet(one)) if status else None


def _unmet(one: Resource) -> str:
    """Return what of a resource that is begun nothing comes of here; empty if all is meant."""
    names = unrealised(one.type, json.loads(one.properties or "{}")) if one.pending else []
    return f"{', '.join(names)}: {UNREALISED}" if names and one.state is not State.REMOVING else ""


def _gone(one: Resource, turn: Turn) -> Happened:
    ended = one.state is State.REMOVING
    return _said(one, "DELETE_COMPLETE" if ended else "DELETE_SKIPPED", turn)


def _said(one: Resource, status: str, turn: Turn, reason: str = "") -> Happened:
    return Happened(turn.now, one.id, one.referred, one.type, status, reason)
