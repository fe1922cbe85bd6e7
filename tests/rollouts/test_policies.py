"""What holds of every policy, whatever a fleet looks like."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.core.acts import (
    Act,
    Assign,
    Attach,
    Drain,
    Join,
    Launch,
    Occasion,
    Retire,
    Weigh,
    amend,
)
from jackbean.core.fleet import (
    Assignment,
    Fleet,
    Instance,
    Machine,
    Member,
    Service,
    Sight,
    Work,
    WorkState,
)
from jackbean.core.options.views import Policy as Named
from jackbean.core.rollouts import FOLLOWS, OVER, Rollout, Stage
from jackbean.rollouts.policies import POLICIES, next_step
from jackbean.rollouts.upkeep import maintain

LINES_MAX = 25
NOW = 1000.0
TEMPLATES = ("t-old", "t-new")
STAGES = (Stage.ADVANCING, Stage.ADVANCING, Stage.REVERTING, *OVER)
KINDS_MAX = 400


def kinds() -> Iterator[Instance]:
    """Yield instances in every condition, the common ones more often. Drawing from them is fast."""
    draw = random.Random(7).choice
    while True:
        assignment = draw((None, Assignment(draw((1, 2, 3)), draw(tuple(Work)), draw((1, 2, 3)))))
        member = Member(
            "",
            draw(TEMPLATES),
            service=draw(tuple(Service)),
            leaving=draw((False, False, False, True)),
            assignment=assignment,
            since=NOW - 10,
        )
        sight = Sight(
            machine=draw((*Machine, *[Machine.RUNNING] * 6)),
            serial=draw((assignment.serial if assignment else 0, 0)),
            state=draw((None, *WorkState, WorkState.DONE)),
            running=draw((None, 1, 2, 3)),
            staged=draw((None, 1, 2, 3)),
            passes=draw((0, 1, 3)),
            requests=draw((None, 0, 2)),
        )
        yield Instance(member, sight, 3)


def named(found: list[Instance]) -> Fleet:
    whole = (replace(i, member=replace(i.member, id=f"i-{n}")) for n, i in enumerate(found))
    return Fleet(tuple(whole))


FLEETS = st.lists(st.sampled_from([*islice(kinds(), KINDS_MAX)]), max_size=6).map(named)
IN_PLACE = ["AllAtOnce", "Replacement", "Rolling"]
ROLLOUTS = st.builds(
    Rollout,
    policy=st.sampled_from(IN_PLACE),
    goal=st.just(2),
    previous=st.sampled_from([None, 1]),
    size=st.integers(0, 6),
    template=st.sampled_from(TEMPLATES),
    previous_template=st.just("t-old"),
    batch_size=st.integers(1, 4),
    timeout_s=st.just(60.0),
    ignore_health=st.booleans(),
    reverts=st.booleans(),
    stage=st.sampled_from(STAGES),
    batch=st.sampled_from([(), ("i-0",), ("i-1", "i-2"), ("i-0", "i-3", "i-9")]),
    waived=st.sampled_from([(), (), ("i-1",), ("i-0", "i-5")]),
    losses=st.integers(0, 9),
    since=st.sampled_from([NOW, NOW - 100]),
)


def subject(act: Act) -> str:
    return "" if isinstance(act, Launch | Join | Weigh) else act.id


@given(ROLLOUTS, FLEETS)
@settings(max_examples=200)
def test_every_step_of_every_policy(rollout: Rollout, fleet: Fleet) -> None:
    step = next_step(rollout, fleet, NOW)
    after = step.rollout

    # Stages move along the table, and what is over stays as it is.
    assert after.stage is rollout.stage or after.stage in FOLLOWS[rollout.stage]
    if rollout.over:
        assert step == type(step)(rollout)

    # Nobody who is leaving is acted on, nor anybody unknown; the dead only end.
    leaving = {i.id for i in fleet if i.member.leaving}
    assert {subject(a) for a in step.acts} <= {"", *(set(fleet.ids) - leaving)}
    lifeless = set(fleet.dead.ids)
    assert all(isinstance(a, Retire) for a in step.acts if subject(a) in lifeless)

    # Whoever leaves service or works does so as part of a batch that is not too large.
    bound = max(rollout.size, len(fleet)) if rollout.policy == "AllAtOnce" else rollout.batch_size
    begun = after.batches > rollout.batches and not after.over
    assert not begun or 1 <= len(after.batch) <= bound
    retired = {a.id for a in step.acts if isinstance(a, Retire)} - lifeless
    assert len(retired) <= bound
    assert retired <= set(after.batch)
    if rollout.policy != "Replacement":
        assert {a.id for a in step.acts if isinstance(a, Drain | Assign)} <= set(after.batch)
    if rollout.policy == "AllAtOnce":
        assert not any(isinstance(a, Drain) for a in step.acts)

    # A step that changes nothing says what it waits for.
    amended = amend(members(fleet), step.acts, occasion())
    if after == rollout and amended == members(fleet) and not rollout.over:
        assert step.why

    # Success needs the full number, each settled or waived.
    if after.stage in {Stage.SUCCEEDED, Stage.REVERTED} and not rollout.over:
        assert len(fleet.alive) >= rollout.size
        assert not fleet.alive.unsettled(rollout.target).without(rollout.waived)


@given(ROLLOUTS, FLEETS)
@settings(max_examples=50)
def test_what_was_asked_for_is_not_asked_for_otherwise_again(
    rollout: Rollout, fleet: Fleet
) -> None:
    """A turn that saw nothing new since its acts were saved repeats itself."""
    step = next_step(rollout, fleet, NOW)
    acts = amend(members(fleet), step.acts, occasion())
    assert amend(acts, step.acts, occasion()) == acts


@given(FLEETS, st.integers(0, 6))
@settings(max_examples=100)
def test_upkeep_ends_with_what_is_wanted(fleet: Fleet, wanted: int) -> None:
    before = members(fleet)
    acts = maintain(fleet, Launch(wanted, 1, "t"), NOW)
    leaving = {i.id for i in fleet if i.member.leaving}
    assert not leaving & {subject(a) for a in acts}
    after = amend(before, acts, occasion())
    staying = [m for m in after if not m.leaving]
    assert len(staying) >= wanted
    assert len(staying) == max(wanted, len(staying) - len(fleet.dead))
    assert not any(isinstance(a, Drain | Assign) for a in acts)
    attached = {a.id for a in acts if isinstance(a, Attach)}
    assert not attached & {a.id for a in acts if isinstance(a, Retire)}


def members(fleet: Fleet) -> tuple[Member, ...]:
    return tuple(i.member for i in fleet)


def occasion() -> Occasion:
    return Occasion(NOW, (f"i-new-{n}" for n in count()), 5)


@pytest.mark.parametrize("policy", POLICIES.values())
def test_a_policy_is_short(policy: object) -> None:
    assert callable(policy)
    assert len(inspect.getsource(policy).splitlines()) <= LINES_MAX


def test_policies_are_named_as_clients_name_them() -> None:
    assert set(POLICIES) - {"Replacement", "Rollback"} <= set(Named)


def test_an_unknown_policy_is_a_bug() -> None:
    rollout = Rollout("Magic", 2, 1, 1, "t")
    with pytest.raises(KeyError):
        next_step(rollout, Fleet(), NOW)
    assert next_step(replace(rollout, stage=Stage.FAILED), Fleet(), NOW).acts == ()
