"""Policies that launch new instances beside the old ones: the old are safe until the commit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rollouts.test_policies import FLEETS, NOW, ROLLOUTS, subject

from jackbean.core.acts import Assign, Drain, Join, Launch, Retire, Weigh
from jackbean.core.fleet import MAIN, TEMPORARY, Fleet
from jackbean.core.rollouts import FOLLOWS, Rollout, Stage
from jackbean.rollouts.policies import next_step

BESIDE = ["Immutable", "RollingWithAdditionalBatch", "TrafficSplitting"]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Rollout, Fleet]:
    rollout = replace(
        draw(ROLLOUTS),
        policy=draw(st.sampled_from(BESIDE)),
        batch=(),
        waived=(),
        previous=1,
        percent=10,
        evaluate_s=30.0,
        evaluating=draw(st.booleans()),
    )
    fleet = draw(FLEETS)
    groups = [draw(st.sampled_from([MAIN, TEMPORARY])) for _ in fleet]
    grouped = (
        replace(i, member=replace(i.member, group=group))
        for i, group in zip(fleet, groups, strict=True)
    )
    return rollout, Fleet(tuple(grouped))


@given(scenes())
@settings(max_examples=300)
def test_every_step(scene: tuple[Rollout, Fleet]) -> None:
    rollout, fleet = scene
    step = next_step(rollout, fleet, NOW)
    assert step.rollout.stage is rollout.stage or step.rollout.stage in FOLLOWS[rollout.stage]
    leaving = {i.id for i in fleet if i.member.leaving}
    assert {subject(a) for a in step.acts} <= {"", *(set(fleet.ids) - leaving)}
    if rollout.stage is Stage.ADVANCING and rollout.policy != "RollingWithAdditionalBatch":
        old = {i.id for i in fleet.of_group(MAIN) if i.alive}
        touched = {a.id for a in step.acts if isinstance(a, Retire | Drain | Assign)}
        assert not old & touched, "an old instance was touched before the commit"
        assert not any(isinstance(a, Join) for a in step.acts)
    weights = [a.percent for a in step.acts if isinstance(a, Weigh)]
    assert set(weights) <= {None, 0, rollout.percent}


@pytest.mark.parametrize("policy", BESIDE)
def test_the_first_step_launches_new_instances(policy: str) -> None:
    rollout = Rollout(policy, 2, 1, 3, "t", batch_size=2, previous_template="t", since=NOW)
    step = next_step(rollout, Fleet(), NOW)
    launch = next(a for a in step.acts if isinstance(a, Launch) and a.group == TEMPORARY)
    expected = {"Immutable": 1, "RollingWithAdditionalBatch": 2, "TrafficSplitting": 3}
    assert (launch.count, launch.release, launch.leader) == (expected[policy], 2, True)


@pytest.mark.parametrize("policy", BESIDE)
def test_new_instances_for_settings_alone_have_no_leader(policy: str) -> None:
    rollout = Rollout(policy, 2, 1, 3, "t", batch_size=2, leads=False, since=NOW)
    step = next_step(rollout, Fleet(), NOW)
    assert not any(a.leader for a in step.acts if isinstance(a, Launch))
