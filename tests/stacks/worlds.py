"""Random templates, and a world in which stacks are made, with what goes wrong in it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from jackbean.core.resources import Gone, Key, Made, Refused, Resource, Sight, State, Underway
from jackbean.stacks.engine import Stack, Step, Surrounded, advance, dismantle, tidy, undo
from jackbean.stacks.graph import Blueprint
from jackbean.stacks.values import Resolver, Unresolved, Value

IDS = ("A", "B", "C", "D", "E")
QUEUE, TOPIC, ROLE = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::IAM::Role"
NAMED_BY = {QUEUE: "QueueName", TOPIC: "TopicName"}
STEPS_MAX = 400
Template = dict[str, Any]


@st.composite
def templates(draw: st.DrawFn, *, refusing: bool = False) -> Template:
    """Draw a template; `refusing`: some of its resources cannot be made or changed."""
    order = draw(st.permutations(IDS))[: draw(st.integers(0, len(IDS)))]
    made: dict[str, Any] = {}
    for at, name in enumerate(order):
        made[name] = draw(_resource(order[:at], refusing))
    shuffled = draw(st.permutations(list(made)))
    return {"Resources": {name: made[name] for name in shuffled}}


@st.composite
def _resource(draw: st.DrawFn, earlier: tuple[str, ...], refusing: bool) -> Template:
    kind = draw(st.sampled_from((QUEUE, QUEUE, TOPIC, ROLE)))
    properties: dict[str, Any] = {"Size": draw(st.integers(0, 2))}
    others = st.sampled_from(earlier) if earlier else st.nothing()
    if earlier and draw(st.booleans()):
        name = draw(others)
        forms = ({"Ref": name}, {"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"<${{{name}}}>"})
        properties["Other"] = draw(st.sampled_from(forms))
    if kind in NAMED_BY and draw(st.booleans()):
        properties["FifoQueue" if kind == QUEUE else "FifoTopic"] = draw(st.booleans())
    if refusing and draw(st.integers(0, 3)) == 0:
        properties["Refuse"] = True
    body: dict[str, Any] = {"Type": kind, "Properties": properties}
    if earlier and draw(st.integers(0, 3)) == 0:
        body["DependsOn"] = draw(others)
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if draw(st.integers(0, 3)) == 0:
            body[policy] = "Retain"
    return body


@dataclass
class Reality:
    """What there is by type and name, and how unreliable it is to get there.

    Each look at a pending resource may do nothing, do it, or do it and say nothing of it.
    """

    random: random.Random
    there: dict[tuple[str, str], str] = field(default_factory=dict)
    unreliable: bool = True
    ended: list[Resource] = field(default_factory=list)

    def look(self, stack: Stack) -> dict[Key, Sight]:
        sights: dict[Key, Sight] = {}
        for resource in stack:
            if not resource.pending:
                continue
            chance = self.random.random() if self.unreliable else 1.0
            if chance < 0.2:
                sights[resource.key] = Underway("not now")
                continue
            sight = self._done(resource)
            if chance > 0.4:  # else nobody has heard of it
                sights[resource.key] = sight
        return sights

    def _done(self, resource: Resource) -> Sight:
        place = resource.type, resource.name
        if resource.state is State.REMOVING:
            if self.there.pop(place, None) is not None:
                self.ended.append(resource)
            return Gone()
        if json.loads(resource.properties).get("Refuse"):
            return Refused("it does not want to")
        self.there[place] = resource.properties
        return Made(f"ref-{resource.name}", {"Arn": f"arn-{resource.name}"})


class Known(Resolver):
    """Knows the resources of a stack that are there."""

    def __init__(self, stack: Stack) -> None:
        self._stack = {r.id: r for r in stack if not r.leaving}

    def ref(self, name: str) -> Value:
        return self._there(name).referred

    def attribute(self, resource: str, name: str) -> Value:
        found = self._there(resource)
        return dict(found.attributes).get(name, f"{name}-{found.name}")

    def _there(self, name: str) -> Resource:
        found = self._stack.get(name)
        if found is None or found.pending:
            raise Unresolved(f"{name} is not there yet")
        return found

    def option(self, namespace: str, name: str) -> str | None:
        raise AssertionError

    mapped = condition = exported = zones = None  # type: ignore[assignment]  # nobody asks


class Names:
    """Physical names, each given once."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, blueprint: Blueprint, properties: Value) -> str:
        self._count += 1
        given = properties.get(NAMED_BY.get(blueprint.type, ""), "")
        return str(given or f"{blueprint.id}-{self._count}")


Taking = Callable[[Stack, dict[Key, Sight]], Step]


class Life:
    """A stack's life: one record, and the reality that follows it."""

    def __init__(self, seed: int) -> None:
        self.reality = Reality(random.Random(seed))
        self.stack: Stack = ()
        self._around = Surrounded(Known, Names())

    def take(self, step: Taking, most: int = STEPS_MAX) -> Step:
        """Take steps until all is done or something fails; at most so many."""
        found = Step(self.stack)
        for _ in range(most):
            found = step(self.stack, self.reality.look(self.stack))
            self.stack = found.stack
            if found.over or found.failure:
                return found
        return found

    def towards(self, template: Template) -> Taking:
        return lambda stack, sights: advance(template, stack, sights, self._around)

    def update(self, template: Template, crash_after: int = STEPS_MAX) -> bool:
        """Make the resources a template's, or what they were; return whether they are its.

        It is given up after so many steps, if it has not ended by then.
        """
        before = self.stack
        step = self.take(self.towards(template), crash_after)
        if step.over:
            assert self.take(tidy).over
            return True
        assert self.take(lambda stack, sights: undo(before, stack, sights)).over
        return False

    def end(self) -> None:
        assert self.take(dismantle).over


def expected(template: Template, stack: Stack) -> dict[tuple[str, str], str]:
    """Return what must be there for a template, by the names that a stack has."""
    by_id = {r.id: r for r in stack}
    return {
        (body["Type"], by_id[name].name): by_id[name].properties
        for name, body in template["Resources"].items()
        if body["Type"] != ROLE
    }
