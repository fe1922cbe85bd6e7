"""Going back to the release before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.control.rig import MUST_BE_READY, PROPERTIES, Rig, sized, with_a_queue

from jackbean.control.aborting import abort
from jackbean.control.plans import ROLLBACK_S
from jackbean.control.restarting import restart
from jackbean.control.returning import roll_back
from jackbean.control.story import narration
from jackbean.control.versions import delete_version
from jackbean.core.environments import Environment
from jackbean.core.fleet import PARKED
from jackbean.core.operations import Provision
from jackbean.core.options.settings import Setting
from jackbean.simulator.engine import Behaviour

ALB = Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application")
KEPT = Setting("jackbean:deployment", "ParkingTime", "10")
BRIEF = Setting("aws:elasticbeanstalk:trafficsplitting", "EvaluationTime", "3")
COMMAND = "aws:elasticbeanstalk:command"
CHANGED = (Setting(PROPERTIES, "A", "2"),)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as found:
        yield found


def back(rig: Rig, request_id: str = "back") -> Environment:
    return rig.run(roll_back(rig.world, "web1", request_id))


def updated(rig: Rig, policy: str, *more: Setting) -> Environment:
    """Deploy v2 with another property over v1 on two instances."""
    first = (*sized(2, policy), ALB, BRIEF, Setting(PROPERTIES, "A", "1"), *more)
    rig.running(settings=first)
    rig.update(label="v2", settings=CHANGED)
    after = rig.settle()
    rig.step(5)
    return after


def running(rig: Rig) -> list[int | None]:
    receivers = rig.universe.router.receivers(rig.environment().id)
    return sorted(rig.universe.engine.nodes[name].running or 0 for name in receivers)


@pytest.mark.parametrize("policy", ["Rolling", "Immutable"])
def test_without_parking_it_is_a_deployment_of_the_release_before(rig: Rig, policy: str) -> None:
    updated(rig, policy)
    back(rig)
    after = rig.settle()
    assert (after.version_label, after.release) == ("v1", 3)
    assert rig.release(3).settings.text(PROPERTIES, "A") == "1"
    rig.step(5)
    assert running(rig) == [3, 3]
    assert rig.told(request_id="back")[-1] == narration.UPDATED


def test_back_and_back_again(rig: Rig) -> None:
    updated(rig, "Rolling")
    back(rig)
    rig.settle()
    back(rig, "again")
    after = rig.settle()
    assert (after.version_label, after.release) == ("v2", 4)


@pytest.mark.parametrize("repeated", [{}, {"label": "v2"}, {"description": "words only"}])
def test_what_repeats_a_release_is_not_gone_back_to(rig: Rig, repeated: dict[str, str]) -> None:
    """Who has deployed something bad restarts it first, deploys it again, and then wants to go."""
    updated(rig, "Rolling")
    for number in range(2):
        rig.update(request_id=f"again {number}", **repeated)
        rig.settle()
    rig.run(restart(rig.world, "web1", "restart"))
    rig.settle()
    back(rig)
    after = rig.settle()
    assert after.version_label == "v1"
    assert rig.release(after.releases).settings.text(PROPERTIES, "A") == "1"
    back(rig, "forth")
    assert rig.settle().version_label == "v2"


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting"])
def test_parked_instances_get_everything_back_at_once(rig: Rig, policy: str) -> None:
    made = updated(rig, policy, KEPT)
    parked = {m.id for m in made.members if m.group == PARKED}
    assert len(parked) == 2
    assert running(rig) == [2, 2]
    back(rig)
    rig.step(1.0)
    assert running(rig) == [1, 1]
    assert rig.universe.router.receivers(made.id) == parked
    after = rig.settle()
    rig.step(5)
    assert {m.id for m in rig.environment().members} == parked
    assert (after.release, after.deployment, after.version_label) == (1, 1, "v1")
    assert after.parked is None
    assert rig.told(request_id="back")[-1] == narration.UPDATED


def test_back_to_parked_instances_that_were_restarted_and_forth(rig: Rig) -> None:
    rig.running(settings=(*sized(2, "Immutable"), ALB, KEPT))
    rig.run(restart(rig.world, "web1", "restart"))
    rig.settle()
    rig.update(label="v2")
    rig.settle()
    rig.step(5)
    back(rig)
    assert rig.settle().version_label == "v1"
    back(rig, "forth")
    assert rig.settle().version_label == "v2"


def test_parked_instances_have_their_time_from_when_resources_are_there(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.version("slow", with_a_queue(TakesLooks=100))
        rig.version("fast", with_a_queue())
        made = rig.create(label="slow", settings=(*sized(2, "Immutable"), ALB, KEPT))
        rig.settle(made.id)
        rig.update(label="fast")
        rig.settle()
        back(rig)
        rig.step(ROLLBACK_S + 5)
        assert isinstance(rig.environment().operation.phase, Provision)  # type: ignore[union-attr]
        after = rig.settle()
        assert (after.version_label, after.release) == ("slow", 1)


def test_what_parked_instances_failed_to_prepare_is_not_gone_back_to() -> None:
    """The first parked one was told last to prepare a configuration, and could not."""
    with Rig(behaviour=Behaviour(fails_staging=frozenset({2}))) as rig:
        rig.running(settings=(*sized(2, "Rolling"), ALB, Setting(PROPERTIES, "A", "1"), KEPT))
        rig.update(settings=CHANGED)
        rig.settle()
        rig.update(label="v2", settings=(Setting(COMMAND, "DeploymentPolicy", "Immutable"),))
        parked = {m.id for m in rig.settle().members if m.group == PARKED}
        assert len(parked) == 2
        back(rig)
        after = rig.settle()
        rig.step(5)
        assert (after.version_label, after.release) == ("v1", 1)
        assert {m.id for m in rig.environment().members} == parked
        assert running(rig) == [1, 1]


def test_a_release_that_changed_routes_only_comes_back_too(rig: Rig) -> None:
    rig.running(settings=(*sized(2, "Immutable"), ALB, KEPT))
    path = Setting("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", "/ok")
    rig.update(settings=(path,))
    rig.settle()
    rig.update(label="v2")
    rig.settle()
    rig.step(5)
    back(rig)
    after = rig.settle()
    assert (after.release, after.deployment) == (2, 1)


def test_the_version_of_parked_instances_is_not_deleted(rig: Rig) -> None:
    updated(rig, "Immutable", KEPT)
    fault = rig.fault(delete_version(rig.world, "app", "v1"))
    assert fault.message.startswith("Application Version v1 is deployed to environment(s) web1.")
    rig.step(11 * 60)
    assert rig.run(delete_version(rig.world, "app", "v1")) is not None


def test_the_time_runs_out(rig: Rig) -> None:
    made = updated(rig, "Immutable", KEPT)
    assert len(made.members) == 4
    rig.step(11 * 60)
    after = rig.environment()
    assert after.parked is None
    assert len(after.members) == 2
    back(rig)
    assert rig.settle().release == 3


def test_the_next_deployment_ends_what_was_parked(rig: Rig) -> None:
    updated(rig, "Immutable", KEPT)
    rig.update(label="v1")
    rig.settle()
    rig.step(5)
    after = rig.environment()
    assert after.parked is not None
    assert after.parked.release == 2
    assert len(after.members) == 4


def test_the_parked_do_not_count(rig: Rig) -> None:
    made = updated(rig, "Immutable", KEPT)
    assert made.desired == 2
    rig.step(30)
    counted = [m for m in rig.environment().members if m.counted]
    assert len(counted) == 2


def test_one_parked_instance_that_dies_is_replaced_after_the_way_back(rig: Rig) -> None:
    made = updated(rig, "Immutable", KEPT)
    lost, kept = (m.id for m in made.members if m.group == PARKED)
    rig.universe.engine.kill(lost)
    rig.step(5)
    back(rig)
    rig.step(1.0)
    assert rig.universe.router.receivers(made.id) == {kept}
    rig.settle()
    rig.step(10)
    assert running(rig) == [1, 1]


def test_where_all_parked_have_died_it_is_a_deployment(rig: Rig) -> None:
    made = updated(rig, "Immutable", KEPT)
    for name in [m.id for m in made.members if m.group == PARKED]:
        rig.universe.engine.kill(name)
    rig.step(5)
    assert rig.environment().parked is None
    back(rig)
    assert rig.settle().release == 3


def test_a_configuration_that_could_not_be_prepared_leaves_nothing_mixed() -> None:
    with Rig(behaviour=Behaviour(fails_staging=frozenset({3}))) as rig:
        updated(rig, "Rolling")
        rig.update(settings=(Setting(PROPERTIES, "A", "3"),))
        assert rig.settle().release == 2
        back(rig)
        assert rig.settle().version_label == "v1"


def test_a_version_that_could_not_be_prepared_is_undone_as_one_that_stopped_half_way() -> None:
    with Rig(behaviour=Behaviour(fails_staging=frozenset({3}))) as rig:
        updated(rig, "Rolling")
        rig.update(label="v1")
        assert rig.settle().release == 2
        back(rig)
        assert rig.settle().version_label == "v2"


def test_there_is_nothing_to_go_back_to(rig: Rig) -> None:
    rig.running()
    assert "none to go back to" in rig.fault(roll_back(rig.world, "web1", "r")).message


def test_not_while_something_else_is_under_way(rig: Rig) -> None:
    updated(rig, "Rolling")
    rig.update(label="v1")
    assert rig.fault(roll_back(rig.world, "web1", "r")).message == MUST_BE_READY.format("web1")


def test_after_a_deployment_that_stopped_half_way_all_get_what_the_others_have(rig: Rig) -> None:
    rig.running(settings=(*sized(4, "Rolling", batch=2), ALB))
    rig.update(label="v2")
    rig.until(lambda: rig.environment().operation.rollout.batches == 2)  # type: ignore[union-attr]
    rig.run(abort(rig.world, "web1", "stop"))
    rig.settle()
    rig.step(5)
    assert set(running(rig)) == {1, 2}
    back(rig)
    assert rig.settle().version_label == "v1"
    rig.step(5)
    assert set(running(rig)) == {3}
