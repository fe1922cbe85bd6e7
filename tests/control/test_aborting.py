"""Giving up what is under way: stop where a policy stops, go back where it goes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.control.rig import LAUNCH, PROPERTIES, Rig, sized, with_a_queue

from jackbean.control.aborting import ALREADY, TOO_LATE, abort
from jackbean.control.returning import roll_back
from jackbean.control.story import narration
from jackbean.core.environments import Environment, Status
from jackbean.core.events import Severity
from jackbean.core.fleet import TEMPORARY
from jackbean.core.options.settings import Setting
from jackbean.core.rollouts import Stage
from jackbean.simulator.engine import Behaviour

ALB = Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application")
BRIEF = Setting("aws:elasticbeanstalk:trafficsplitting", "EvaluationTime", "3")
BRIEF_S = 180.0


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as found:
        yield found


def aborted(rig: Rig, request_id: str = "stop") -> Environment:
    return rig.run(abort(rig.world, "web1", request_id))


def versions(rig: Rig) -> list[int | None]:
    nodes = rig.universe.engine.nodes
    return sorted(nodes[m.id].running or 0 for m in rig.environment().members)


def half_way(rig: Rig, policy: str, **wanted: object) -> None:
    """Begin a deployment, and let its first batch of two finish."""
    rig.running(size=4, settings=(*sized(4, policy, batch=2), ALB))
    rig.update(request_id="deploy", **(wanted or {"label": "v2"}))
    rig.until(lambda: rig.environment().operation.rollout.batches == 2)  # type: ignore[union-attr]


@pytest.mark.parametrize("policy", ["AllAtOnce", "Rolling", "RollingWithAdditionalBatch"])
def test_what_hangs_does_not_hold_up_the_next_deployment(policy: str) -> None:
    with Rig(behaviour=Behaviour(hangs=frozenset({2}))) as rig:
        rig.running(settings=(*sized(3, policy), ALB))
        rig.update(label="v2")
        rig.step(5)
        aborted(rig)
        rig.settle()
        rig.update(label="v1", request_id="next")
        rig.step(30)
        after = rig.environment()
        assert (after.status, after.release, versions(rig)) == (Status.READY, 3, [3, 3, 3])
        assert rig.told(request_id="next")[-1] == narration.UPDATED


@pytest.mark.parametrize(
    "policy",
    ["AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting"],
)
def test_nor_does_a_creation_that_was_given_up(policy: str) -> None:
    """What never worked is nothing to wait for, to launch once more, or to go back to."""
    with Rig(behaviour=Behaviour(hangs=frozenset({1}))) as rig:
        made = rig.create(label="v1", settings=(*sized(3, policy), ALB, BRIEF))
        rig.step(5)
        aborted(rig)
        assert rig.settle(made.id).deployment is None
        rig.universe.engine.kill(rig.environment().members[0].id)
        rig.update(label="v2", request_id="next")
        rig.step(60 + (BRIEF_S if policy == "TrafficSplitting" else 0))
        after = rig.environment()
        assert (after.status, after.deployment, versions(rig)) == (Status.READY, 2, [2, 2, 2])
        assert rig.told(request_id="next")[-1] == narration.UPDATED
        assert "none to go back to" in rig.fault(roll_back(rig.world, "web1", "back")).message


def test_a_launch_without_resources_brings_no_instances_and_says_so(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.version("slow", with_a_queue(TakesLooks=999))
        made = rig.create(label="slow", request_id="launch")
        rig.step(2)
        aborted(rig)
        rig.settle(made.id)
        rig.step(30)
        assert rig.environment().members == ()
        told = rig.told(request_id="launch")
        assert narration.LAUNCH_UNDONE in told
        assert narration.LAUNCH_ABORTED not in told
        rig.update(label="v1")
        assert len(rig.settle().members) == 2


def test_what_serves_all_the_same_has_worked() -> None:
    """A launch may be given up that only takes its time."""
    with Rig() as rig:
        made = rig.create(label="v1", settings=sized(2, "Rolling"))
        rig.step(1)
        aborted(rig)
        assert rig.settle(made.id).deployment is None
        rig.step(30)
        assert rig.environment().deployment == 1
        rig.update(label="v2", request_id="next")
        rig.settle()
        rig.run(roll_back(rig.world, "web1", "back"))
        assert rig.settle().version_label == "v1"


def test_who_comes_to_what_has_not_worked_gets_what_the_others_have() -> None:
    with Rig(behaviour=Behaviour(hangs=frozenset({1}))) as rig:
        made = rig.create(label="v1", settings=sized(2, "Rolling"))
        rig.step(5)
        aborted(rig)
        rig.settle(made.id)
        rig.update(settings=(Setting("aws:autoscaling:asg", "MinSize", "3"),))
        rig.settle()
        told = [m.assignment and m.assignment.release for m in rig.environment().members]
        assert (rig.environment().release, told) == (2, [1, 1, 1])


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting"])
def test_what_is_beside_what_never_worked_is_taken_back(policy: str) -> None:
    with Rig(behaviour=Behaviour(hangs=frozenset({1}), fails_staging=frozenset({2}))) as rig:
        made = rig.create(label="v1", settings=(*sized(2, policy), ALB, BRIEF))
        rig.step(5)
        aborted(rig)
        before = rig.settle(made.id)
        rig.update(label="v2")
        after = rig.settle()
        assert (after.release, after.deployment) == (1, None)
        assert [m.id for m in after.members] == [m.id for m in before.members]
        assert "none to go back to" in rig.fault(roll_back(rig.world, "web1", "back")).message


@pytest.mark.parametrize("policy", ["AllAtOnce", "Rolling"])
def test_nor_the_way_back_of_a_configuration(policy: str) -> None:
    with Rig(behaviour=Behaviour(hangs=frozenset({2}))) as rig:
        rig.running(settings=(*sized(3, policy), ALB))
        rig.update(settings=(Setting(PROPERTIES, "A", "2"),), request_id="change")
        rig.step(5)
        aborted(rig)
        rig.step(30)
        assert (rig.environment().status, versions(rig)) == (Status.READY, [1, 1, 1])
        assert rig.told(request_id="change")[-1] == narration.REVERTED


def test_nothing_is_under_way(rig: Rig) -> None:
    rig.running()
    fault = rig.fault(abort(rig.world, "web1", "stop"))
    assert "invalid state for this operation. Must be Updating." in fault.message


def test_a_rolling_deployment_stops_with_both_versions(rig: Rig) -> None:
    half_way(rig, "Rolling")
    assert aborted(rig).status is Status.ABORTING
    after = rig.settle()
    assert after.status is Status.READY
    assert (after.release, after.version_label) == (1, "v1")
    rig.step(10)
    assert set(versions(rig)) == {1, 2}
    assert len(rig.universe.router.receivers(after.id)) == 4
    told = rig.told(request_id="deploy")
    assert told[-2:] == [narration.MIXED, narration.DEPLOY_FAILED]
    assert rig.told(request_id="stop") == ["abortEnvironmentUpdate is starting."]


def test_stopping_does_not_wait_for_the_batch(rig: Rig) -> None:
    half_way(rig, "Rolling")
    aborted(rig)
    rig.step(1.0)
    assert rig.environment().ready


def test_a_configuration_goes_back(rig: Rig) -> None:
    half_way(rig, "Rolling", settings=(Setting(PROPERTIES, "A", "1"),))
    aborted(rig)
    after = rig.settle()
    rig.step(10)
    assert (after.status, after.release) == (Status.READY, 1)
    assert versions(rig) == [1, 1, 1, 1]
    assert rig.told(request_id="deploy")[-1] == narration.REVERTED


def test_a_replacement_goes_back(rig: Rig) -> None:
    changed = (
        Setting(LAUNCH, "InstanceType", "t3.large"),
        Setting("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateType", "Health"),
        Setting("aws:autoscaling:updatepolicy:rollingupdate", "MaxBatchSize", "2"),
    )
    half_way(rig, "Rolling", settings=changed)
    before = rig.environment().template
    aborted(rig)
    after = rig.settle()
    rig.step(10)
    assert {m.template for m in rig.environment().members} == {before}
    assert after.release == 1


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting"])
def test_new_instances_end_and_the_old_stay(rig: Rig, policy: str) -> None:
    made = rig.running(size=2, settings=(*sized(2, policy), ALB))
    old = {m.id for m in made.members}
    rig.update(label="v2", request_id="deploy")
    rig.until(lambda: len(rig.environment().members) == 4)
    aborted(rig)
    after = rig.settle()
    assert {m.id for m in after.members} == old
    assert after.split is None
    assert rig.told(request_id="deploy")[-1] == narration.DEPLOY_FAILED


def test_an_additional_batch_ends(rig: Rig) -> None:
    made = rig.running(size=2, settings=(*sized(2, "RollingWithAdditionalBatch"), ALB))
    rig.update(label="v2", request_id="deploy")
    rig.until(lambda: any(m.group == TEMPORARY for m in rig.environment().members))
    rig.step(1)
    aborted(rig)
    rig.settle()
    rig.step(30)
    assert {m.id for m in rig.environment().members} == {m.id for m in made.members}
    assert versions(rig) == [1, 1]


def test_past_the_point_of_no_return_it_is_accepted_and_changes_nothing(rig: Rig) -> None:
    rig.running(size=2, settings=(*sized(2, "Immutable"), ALB))
    rig.update(label="v2", request_id="deploy")
    rig.until(lambda: rig.environment().operation.rollout.stage is Stage.COMMITTED)  # type: ignore[union-attr]
    before = rig.environment()
    assert aborted(rig) == before
    (told,) = rig.events(request_id="stop")
    assert (told.message, told.severity) == (TOO_LATE, Severity.WARN)
    assert rig.settle().version_label == "v2"
    assert rig.told(request_id="deploy")[-1] == narration.UPDATED


def test_a_launch_is_given_up(rig: Rig) -> None:
    made = rig.create(label="v1", request_id="create")
    rig.step(1)
    aborted(rig)
    assert rig.settle(made.id).status is Status.READY
    told = rig.told(request_id="create")
    assert told[-2:] == [narration.LAUNCH_ABORTED, narration.LAUNCH_FAILED]


def test_waiting_for_capacity_ends(rig: Rig) -> None:
    rig.running()
    rig.update(settings=(Setting("aws:autoscaling:asg", "MinSize", "4"),), request_id="scale")
    aborted(rig)
    rig.step(1)
    assert rig.environment().ready
    assert rig.told(request_id="scale")[-1] == narration.UPDATED


def test_a_termination_goes_on(rig: Rig) -> None:
    made = rig.running()
    rig.terminate()
    aborted(rig)
    assert rig.settle(made.id).terminated


def test_asking_twice_is_asking_once(rig: Rig) -> None:
    half_way(rig, "Rolling", settings=(Setting(PROPERTIES, "A", "1"),))
    aborted(rig)
    assert aborted(rig, "again").operation == rig.environment().operation
    assert rig.settle().ready
    assert rig.told(request_id="again") == [ALREADY]


def test_a_request_that_had_no_answer_is_told_of_once(rig: Rig) -> None:
    rig.running(size=2, settings=(*sized(2, "Immutable"), ALB))
    rig.update(label="v2", request_id="deploy")
    rig.until(lambda: rig.environment().operation.rollout.stage is Stage.COMMITTED)  # type: ignore[union-attr]
    for _ in range(2):
        aborted(rig)
    assert [told.message for told in rig.events(request_id="stop")] == [TOO_LATE]
