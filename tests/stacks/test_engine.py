"""Whatever two templates say, and whatever goes wrong between them: the one or the other."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stacks.worlds import ROLE, Life, Template, expected, templates

from jackbean.core.resources import Fate, Refused, Resource, State
from jackbean.stacks.engine import dismantle, tidy, undo
from jackbean.stacks.functions import evaluate

SEEDS = st.integers(0, 2**32)


def whole(life: Life, template: Template) -> None:
    """Assert that a stack and its reality are a template's, and nothing else."""
    assert all(not r.pending and not r.leaving for r in life.stack)
    assert {r.id for r in life.stack} == template["Resources"].keys()
    for resource in life.stack:
        body = template["Resources"][resource.id]
        assert resource.type == body["Type"]
        if body["Type"] != ROLE:
            assert json.loads(resource.properties) == resolved(body["Properties"], life)
    kept = {(r.type, r.name) for r in life.stack if r.type != ROLE}
    there = {place: made for place, made in life.reality.there.items() if place in kept}
    assert there == expected(template, life.stack)


def resolved(properties: Any, life: Life) -> Any:
    known = life._around.resolver(life.stack)
    found, faults = evaluate(properties, known)
    assert not faults
    return found


@settings(max_examples=60, deadline=None)
@given(templates(), templates(), SEEDS)
def test_a_change_leads_to_what_the_template_says(
    first: Template, second: Template, seed: int
) -> None:
    life = Life(seed)
    assert life.update(first)
    whole(life, first)
    assert life.update(second)
    whole(life, second)
    retained = {p for p in life.reality.there if p not in expected(second, life.stack)}
    policies = ("DeletionPolicy", "UpdateReplacePolicy")
    asked = any(body.get(p) for body in first["Resources"].values() for p in policies)
    assert asked or not retained


@settings(max_examples=60, deadline=None)
@given(templates(), templates(refusing=True), SEEDS, st.integers(1, 12))
def test_what_is_given_up_leaves_everything_as_it_was(
    first: Template, second: Template, seed: int, steps: int
) -> None:
    life = Life(seed)
    assert life.update(first)
    before, there = life.stack, dict(life.reality.there)
    if life.update(second, crash_after=steps):
        whole(life, second)
        return
    assert life.stack == before
    retained = {p for p in life.reality.there if p not in there}
    asked = any(b.get("DeletionPolicy") for b in second["Resources"].values())
    assert asked or not retained
    assert {p: made for p, made in life.reality.there.items() if p in there} == there


@settings(max_examples=60, deadline=None)
@given(st.lists(templates(), min_size=1, max_size=3), SEEDS, st.integers(0, 6))
def test_the_end_leaves_only_what_is_to_be_retained(
    several: list[Template], seed: int, steps: int
) -> None:
    life = Life(seed)
    for template in several[:-1]:
        assert life.update(template)
    life.take(life.towards(several[-1]), steps)  # and left where it is
    kept = {r.key for r in life.stack if Fate.RETAIN in (r.deletion, r.replacement)}
    life.end()
    assert life.stack == ()
    ended = [r for r in life.reality.ended if r.deletion is Fate.RETAIN]
    assert all(r.replacement is not Fate.RETAIN for r in ended)
    assert (
        kept
        or not life.reality.there
        or any(
            body.get(policy)
            for template in several
            for body in template["Resources"].values()
            for policy in ("DeletionPolicy", "UpdateReplacePolicy")
        )
    )


@settings(max_examples=60, deadline=None)
@given(templates(), SEEDS)
def test_what_needs_another_is_made_after_it_and_ended_before_it(
    template: Template, seed: int
) -> None:
    life = Life(seed)
    life.reality.unreliable = False
    made: list[str] = []
    while not (step := life.take(life.towards(template), 1)).over:
        made += [r.id for r in step.stack if r.id not in made]
    made += [r.id for r in life.stack if r.id not in made]
    for resource in life.stack:
        assert all(made.index(need) < made.index(resource.id) for need in resource.needs)
    life.end()
    ended = [r.id for r in life.reality.ended]
    for resource in life.reality.ended:
        needed = [ended.index(n) for n in resource.needs if n in ended]
        assert all(ended.index(resource.id) < at for at in needed)


def queue(name: str = "A", **said: Any) -> Resource:
    return Resource(name, "AWS::SQS::Queue", f"{name}-1", properties="{}", **said)


def test_what_cannot_be_ended_is_let_go_of() -> None:
    removing = queue(state=State.REMOVING, leaving=True)
    refused = {removing.key: Refused("it is not empty")}
    assert tidy((removing,), refused).over
    assert dismantle((removing,), refused).over


def test_what_could_not_be_made_is_removed_even_if_it_was_to_be_retained() -> None:
    making = queue(state=State.MAKING, deletion=Fate.RETAIN)
    step = undo((), (making,), {making.key: Refused("no")})
    assert [r.state for r in step.stack] == [State.REMOVING]


def test_old_and_new_that_need_one_another_all_go() -> None:
    old = queue("A", needs=("B",), leaving=True)
    new = Resource("A", "AWS::SQS::Queue", "A-2")
    other = queue("B", needs=("A",))
    step = dismantle((old, other, new), {})
    assert State.REMOVING in [r.state for r in step.stack]
    assert Life(1).take(lambda stack, sights: dismantle(stack or (old, other), sights), 1).stack
    stuck = dismantle((old, other), {})
    assert [r.state for r in stuck.stack] == [State.REMOVING, State.REMOVING]


def test_a_resource_under_its_own_name_cannot_be_replaced() -> None:
    def named(fifo: bool) -> Template:
        given = {"QueueName": "mine", "FifoQueue": fifo}
        return {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": given}}}

    life = Life(1)
    assert life.update(named(False))
    step = life.take(life.towards(named(True)))
    assert "Rename mine and update the stack again" in step.failure
    assert step.blamed == "Q"


def test_what_was_on_its_way_out_stays_if_it_is_wanted_again() -> None:
    template = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {}}}}
    life = Life(1)
    assert life.update(template)
    first = life.stack
    life.take(life.towards({"Resources": {}}))
    assert [r.leaving for r in life.stack] == [True]
    assert life.update(template)
    assert life.stack == first


def test_two_of_one_name() -> None:
    one = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "mine"}}
    step = Life(1).take(Life(1).towards({"Resources": {"A": one, "B": one}}))
    assert "mine already exists in this stack as A" in step.failure
    assert step.blamed == "B"
