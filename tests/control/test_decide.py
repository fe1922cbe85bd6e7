"""What one turn leads to, phase by phase."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.control.scenes import NOW, environment, namer, operation, release, rollout, scene
from tests.core.fleets import NEW, OLD, dead, failed, fleet, fresh, instance, many, updated

from jackbean.control.decide import decide
from jackbean.core.environments import Environment, Status
from jackbean.core.fleet import Fleet, Machine, Service
from jackbean.core.operations import (
    Deprovision,
    Empty,
    Kind,
    Phase,
    Provision,
    Roll,
    Settle,
)
from jackbean.core.options.settings import Setting
from jackbean.core.resources import Resource
from jackbean.core.rollouts import Stage
from jackbean.stacks.difference import kinds

ASG = "aws:autoscaling:asg"
TWO = (Setting(ASG, "MinSize", "2"), Setting(ASG, "MaxSize", "4"))
OLD_RELEASE = release(OLD, *TWO)
NEW_RELEASE = release(NEW, *TWO, stack="new stack", platform_arn="new arn")
RESOURCES = tuple(Resource(n, k, f"name-{n}") for n, k in kinds(OLD_RELEASE.template).items())
STATUS = {Kind.CREATE: Status.LAUNCHING, Kind.TERMINATE: Status.TERMINATING}


def under_way(whole: Fleet, *phases: Phase, **facts: Any) -> Environment:
    """Return an environment in the middle of an operation of those phases."""
    kind = facts.pop("kind", Kind.UPDATE)
    made = operation(
        *phases,
        kind=kind,
        position=facts.pop("position", 0),
        configuration_only=facts.pop("configuration_only", False),
    )
    status = STATUS.get(kind, Status.UPDATING)
    base: dict[str, Any] = {"status": status, "operation": made, "resources": RESOURCES}
    return environment(whole, **{**base, **facts})


# The steady state


def test_what_is_as_wanted_stays_as_it_is() -> None:
    whole = many(2)
    record = environment(whole, resources=RESOURCES)
    decision = decide(scene(record, whole, OLD_RELEASE), namer())
    assert decision.environment == record
    assert decision.ended is None


def test_the_steady_state_mends() -> None:
    whole = fleet(dead("i-1"), instance("i-2", service=Service.OUT))
    record = environment(whole, resources=RESOURCES)
    after = decide(scene(record, whole, OLD_RELEASE), namer()).environment
    gone, attached, newcomer = after.members
    assert (gone.id, gone.leaving) == ("i-1", True)
    assert attached.service is Service.IN
    assert newcomer.assignment is not None
    assert (newcomer.assignment.release, newcomer.template) == (OLD, "t-old")
    assert (newcomer.launched_by, newcomer.launched_at) == (0, NOW + 1)


def test_newcomers_get_what_instances_run_not_the_latest_settings() -> None:
    record = environment(fleet(), desired=2, release=7, deployment=3, resources=RESOURCES)
    after = decide(scene(record, fleet(), OLD_RELEASE), namer()).environment
    assert {m.assignment.release for m in after.members if m.assignment} == {3}


def test_capacity_and_resources_that_a_failed_operation_left_go_back() -> None:
    stray = Resource("Stray", "AWS::EC2::SecurityGroup", "stray")
    record = environment(many(2), desired=9, resources=(*RESOURCES[:-1], stray))
    after = decide(scene(record, many(2), OLD_RELEASE), namer()).environment
    assert after.desired == 4
    assert [r.id for r in after.resources] == [r.id for r in RESOURCES]
    assert after.resources[:-1] == RESOURCES[:-1]


def test_draining_goes_on_whatever_the_phase() -> None:
    whole = fleet(instance("i-1", service=Service.DRAINING, requests=0, leaving=True), *many(2))
    for record in (
        environment(whole, desired=2, resources=RESOURCES),
        under_way(whole, Empty(), desired=2),
        under_way(whole, Settle(NOW), desired=2),
    ):
        after = decide(scene(record, whole, OLD_RELEASE), namer()).environment
        assert after.members[0].service is Service.OUT


def test_who_left_and_is_gone_is_forgotten() -> None:
    gone = instance("i-9", service=Service.OUT, leaving=True, machine=Machine.ABSENT)
    whole = fleet(*many(2), gone)
    record = environment(whole, desired=2, resources=RESOURCES)
    after = decide(scene(record, whole, OLD_RELEASE), namer()).environment
    assert [m.id for m in after.members] == ["i-1", "i-2"]


# Provision


def test_provisioning_names_what_is_new_and_keeps_what_is_there() -> None:
    record = under_way(many(2), Provision(NEW), Roll(rollout()), resources=RESOURCES[:2])
    after = decide(scene(record, many(2), NEW_RELEASE), namer()).environment
    assert after.resources[:2] == RESOURCES[:2]
    assert [r.type for r in after.resources] == [r.type for r in RESOURCES]
    assert all(r.name for r in after.resources)
    assert after.operation is not None
    assert after.operation.position == 1
    assert (after.release, after.version_label) == (OLD, "v1")


def test_provisioning_puts_capacity_within_its_bounds() -> None:
    record = under_way(many(1), Provision(NEW), Settle(NOW), desired=1)
    after = decide(scene(record, many(1), NEW_RELEASE), namer()).environment
    assert after.desired == 2


def test_what_concerns_no_instance_holds_when_it_is_provisioned() -> None:
    record = under_way(many(2), Provision(NEW), configuration_only=True)
    decision = decide(scene(record, many(2), NEW_RELEASE), namer())
    after = decision.environment
    assert (after.release, after.deployment, after.version_label) == (NEW, OLD, "v2")
    assert (after.stack, after.platform_arn) == ("new stack", "new arn")
    assert (after.status, after.operation, after.updated) == (Status.READY, None, NOW + 1)
    assert decision.ended is not None


# Roll


def test_a_rollout_takes_its_size_from_what_was_provisioned() -> None:
    record = under_way(many(3), Provision(NEW), Roll(rollout(size=1)), position=1, desired=3)
    after = decide(scene(record, many(3), NEW_RELEASE), namer()).environment
    assert after.operation is not None
    assert after.operation.rollout is not None
    assert after.operation.rollout.size == 3
    assert after.members[0].assignment is not None
    assert after.members[0].assignment.release == NEW


def test_a_rollout_that_succeeds_commits_the_release() -> None:
    whole = fleet(updated("i-1"), updated("i-2"))
    record = under_way(whole, Roll(rollout(batches=2)))
    decision = decide(scene(record, whole, NEW_RELEASE), namer())
    after = decision.environment
    assert (after.release, after.deployment, after.version_label) == (NEW, NEW, "v2")
    assert (after.template, after.stack) == (NEW_RELEASE.fingerprint, "new stack")
    assert (after.status, after.operation, after.draft) == (Status.READY, None, None)
    assert decision.ended is not None
    assert decision.ended.rollout is not None
    assert decision.ended.rollout.stage is Stage.SUCCEEDED


def test_past_the_point_of_no_return_the_release_holds_already() -> None:
    whole = fleet(instance("i-1"), updated("i-8", group="temporary"), updated("i-9"))
    committed = rollout(policy="Immutable", stage=Stage.COMMITTED)
    record = under_way(whole, Roll(committed), desired=2, split=0)
    after = decide(scene(record, whole, NEW_RELEASE), namer()).environment
    assert (after.release, after.deployment) == (NEW, NEW)
    assert after.operation is not None
    assert (after.status, after.split) == (Status.UPDATING, None)
    assert {m.group for m in after.members} == {"main"}


@pytest.mark.parametrize("configuration_only", [True, False])
def test_a_rollout_that_fails_keeps_the_release(configuration_only: bool) -> None:
    whole = fleet(failed("i-1"), instance("i-2"))
    facts = {"configuration_only": configuration_only, "split": 0}
    record = under_way(whole, Roll(rollout(batch=("i-1",), batches=1)), Settle(NOW), **facts)
    decision = decide(scene(record, whole, NEW_RELEASE), namer())
    after = decision.environment
    assert (after.release, after.deployment, after.version_label) == (OLD, OLD, "v1")
    assert (after.stack, after.platform_arn) == (record.stack, record.platform_arn)
    assert (after.status, after.operation, after.split) == (Status.READY, None, None)
    assert after.draft == (NEW if configuration_only else None)
    assert decision.ended is not None
    assert decision.ended.failed


def test_a_rollout_that_turns_back_goes_on() -> None:
    whole = fleet(failed("i-1"), instance("i-2"))
    turning = rollout(batch=("i-1",), batches=1, reverts=True)
    record = under_way(whole, Roll(turning), configuration_only=True)
    decision = decide(scene(record, whole, NEW_RELEASE), namer())
    assert decision.ended is None
    after = decision.environment
    assert after.operation is not None
    assert not after.operation.abortable
    again = decide(scene(after, whole, NEW_RELEASE), namer())
    assert again.ended is not None
    assert again.ended.rollout is not None
    assert again.ended.rollout.stage is Stage.REVERTED
    assert (again.environment.release, again.environment.draft) == (OLD, NEW)


def test_newcomers_of_an_operation_are_known_by_it() -> None:
    record = under_way(fleet(), Roll(rollout(policy="AllAtOnce", previous=None)), desired=2)
    after = decide(scene(record, fleet(), NEW_RELEASE), namer()).environment
    assert [m.launched_by for m in after.members] == [2, 2]


# Settle


def test_settling_waits_for_the_full_number() -> None:
    whole = fleet(instance("i-1"), fresh("i-2"))
    record = under_way(whole, Settle(NOW, 100.0), desired=2)
    decision = decide(scene(record, whole, NEW_RELEASE), namer())
    assert decision.ended is None
    assert decision.why == "waiting for 2 instances in service"
    full = under_way(many(2), Settle(NOW, 100.0), desired=2)
    assert decide(scene(full, many(2), NEW_RELEASE), namer()).ended is not None


def test_settling_launches_and_retires() -> None:
    record = under_way(many(1), Settle(NOW, 100.0), desired=3)
    assert len(decide(scene(record, many(1), NEW_RELEASE), namer()).environment.members) == 3
    record = under_way(many(3), Settle(NOW, 100.0), desired=2)
    members = decide(scene(record, many(3), NEW_RELEASE), namer()).environment.members
    assert [m.leaving for m in members] == [False, False, True]


def test_settling_ends_when_its_time_is_up() -> None:
    whole = fleet(instance("i-1"), fresh("i-2"))
    record = under_way(whole, Settle(NOW, 100.0), desired=2)
    assert decide(scene(record, whole, NEW_RELEASE, NOW + 100), namer()).ended is None
    assert decide(scene(record, whole, NEW_RELEASE, NOW + 101), namer()).ended is not None


# Empty and Deprovision


def test_emptying_drains_everybody_and_waits_for_the_last() -> None:
    record = under_way(many(2), Empty(), Deprovision(), kind=Kind.TERMINATE)
    decision = decide(scene(record, many(2), OLD_RELEASE), namer())
    assert all(m.leaving and m.service is Service.DRAINING for m in decision.environment.members)
    assert decision.why == "waiting for instances to end"
    assert decision.environment.operation is not None
    assert decision.environment.operation.position == 0


def test_an_empty_environment_is_taken_down_and_ends() -> None:
    record = under_way(fleet(), Empty(), Deprovision(), kind=Kind.TERMINATE)
    after = decide(scene(record, fleet(), OLD_RELEASE), namer()).environment
    assert after.operation is not None
    assert (after.operation.position, after.resources) == (1, RESOURCES)
    decision = decide(scene(after, fleet(), OLD_RELEASE), namer())
    assert (decision.environment.resources, decision.environment.status) == (
        (),
        Status.TERMINATED,
    )
    assert decision.environment.terminated
    assert decision.ended is not None


# Of all


@pytest.mark.parametrize("phase", [Provision(NEW), Roll(rollout()), Settle(NOW), Empty()])
def test_a_decision_is_the_same_each_time(phase: Phase) -> None:
    """Nothing comes of asking again: what was decided and not saved is decided the same."""
    whole = fleet(instance("i-1"), dead("i-2"))
    record = under_way(whole, phase, Settle(NOW, 1.0))
    first = decide(scene(record, whole, NEW_RELEASE), namer())
    assert decide(scene(record, whole, NEW_RELEASE), namer()) == first


def test_who_decides_changes_neither_names_nor_revisions() -> None:
    record = under_way(many(2), Roll(rollout()))
    after = decide(scene(record, many(2), NEW_RELEASE), namer()).environment
    same = {"id", "name", "application", "cname_prefix", "slot", "revision", "tags", "created"}
    assert all(getattr(after, name) == getattr(record, name) for name in same)
    assert replace(after, operation=None, members=()) == replace(record, operation=None, members=())
