"""One turn: observed, decided, saved and performed, and dying anywhere loses nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.control.rig import ASG, COMMAND, PROPERTIES, Rig, sized

from jackbean.control.story import narration
from jackbean.control.tick import STEADY_S, WARM_S, Ticker
from jackbean.core.environments import Status
from jackbean.core.errors import Conflict
from jackbean.core.fleet import Service
from jackbean.core.options.settings import Setting
from jackbean.ports.store import PutEnvironment
from jackbean.simulator.engine import Behaviour
from jackbean.simulator.faults import Faults
from jackbean.simulator.router import Traffic


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(traffic=Traffic(last_s=1.0)) as rig:
        yield rig


def ticker(rig: Rig) -> Ticker:
    return rig.universe._ticker


def test_who_is_at_rest_is_looked_at_now_and_then(rig: Rig) -> None:
    made = rig.running()
    before = rig.environment()
    turn = rig.run(ticker(rig).tick(made.id))
    assert turn.again_s == STEADY_S
    assert rig.environment() == before  # nothing is saved where nothing has changed


def test_who_is_under_way_is_looked_at_soon_and_says_why(rig: Rig) -> None:
    made = rig.running()
    rig.update(label="v2")
    rig.step(1.0)
    turn = rig.run(ticker(rig).tick(made.id))
    assert turn.again_s == WARM_S
    assert turn.why.startswith("waiting for i-")


def test_who_has_ended_is_not_looked_at_any_more(rig: Rig) -> None:
    made = rig.running()
    rig.terminate()
    rig.settle(made.id)
    assert rig.run(ticker(rig).tick(made.id)).again_s is None
    assert rig.run(ticker(rig).tick("e-nobody")).again_s is None
    assert rig.run(rig.world.router.observe(made.id)) == {}


def test_what_somebody_else_saved_is_not_overwritten(rig: Rig) -> None:
    made = rig.running()
    real = rig.world.store.environment

    async def stale(id_: str) -> object:
        found = await real(id_)
        rig.world.store.environment = real
        await rig.world.store.commit([PutEnvironment(found)])
        return found

    rig.universe.engine.kill(made.members[0].id)
    rig.universe.clock.advance(60)
    rig.world.store.environment = stale
    with pytest.raises(Conflict):
        rig.run(ticker(rig).tick(made.id))


def test_before_everybody_was_heard_nothing_is_decided(rig: Rig) -> None:
    made = rig.running()
    rig.universe.engine.kill(made.members[0].id)
    again = Ticker(rig.world)
    reports = dict(rig.universe.engine._reports)
    rig.universe.engine.forget_reports()
    before = rig.environment()
    assert not rig.run(again.seen(made.id))
    turn = rig.run(again.tick(made.id))
    assert (turn.again_s, turn.why) == (WARM_S, "waiting to hear from every instance")
    assert rig.environment() == before
    rig.universe.engine._reports.update(reports)
    assert rig.run(again.seen(made.id))


def test_a_record_without_its_release_is_a_bug(rig: Rig) -> None:
    made = rig.running()
    rig.world.store._releases.drop((made.id, 1))
    with pytest.raises(AssertionError, match="release 1 of web1 is not in the store"):
        rig.run(Ticker(rig.world).tick(made.id))


def test_what_is_gone_is_forgotten(rig: Rig) -> None:
    made = rig.running(3)
    gone = made.members[0].id
    rig.universe.engine.kill(gone)
    rig.step(60)
    assert gone not in {m.id for m in rig.environment().members}
    assert gone not in ticker(rig)._observer._passes
    assert rig.world.reports.latest(gone) is None


def test_releases_that_nobody_needs_are_not_kept_at_hand(rig: Rig) -> None:
    made = rig.running()
    for label in ("v2", "v1", "v2"):
        rig.update(label=label)
        rig.settle()
        rig.step(5)
    assert ticker(rig)._known.keys() == {(made.id, 4)}


def test_an_instance_that_failed_to_take_a_version_goes_on_serving_the_old_one() -> None:
    with Rig(behaviour=Behaviour(fails_staging=frozenset({2}))) as rig:
        rig.running()
        rig.update(label="v2")
        after = rig.settle()
        rig.step(5)
        assert after.version_label == "v1"
        assert len(rig.universe.router.receivers(after.id)) == 2
        assert rig.told()[-1] != narration.UPDATED


def test_capacity_that_a_failed_update_asked_for_is_given_back() -> None:
    with Rig(behaviour=Behaviour(fails_staging=frozenset({2}))) as rig:
        rig.running(settings=(*sized(2), Setting(ASG, "MaxSize", "2")))
        grown = (Setting(ASG, "MinSize", "4"), Setting(ASG, "MaxSize", "6"))
        rig.update(settings=(*grown, Setting(PROPERTIES, "A", "b")))
        rig.settle()
        rig.step(30)
        after = rig.environment()
        assert after.release == 1
        assert after.desired == 2
        assert len(after.members) == 2


def test_nobody_is_ended_with_requests_on_their_way(rig: Rig) -> None:
    made = rig.running(2)
    leaving = None
    rig.update(settings=(Setting("aws:autoscaling:launchconfiguration", "InstanceType", "x.y"),))
    seen = set()
    while rig.environment().operation:
        rig.step()
        for member in rig.environment().members:
            if member.leaving:
                leaving = member
                seen.add(member.service)
    assert leaving is not None
    assert seen >= {Service.DRAINING}
    assert {m.id for m in made.members}.isdisjoint(m.id for m in rig.environment().members)


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting", "RollingWithAdditionalBatch"])
def test_deployments_beside_the_old(policy: str) -> None:
    with Rig() as rig:
        settings = (
            *sized(2, policy),
            Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
            Setting("aws:elasticbeanstalk:trafficsplitting", "EvaluationTime", "3"),
        )
        before = rig.running(settings=settings)
        rig.update(label="v2", request_id="r")
        after = rig.settle()
        assert (after.version_label, after.split, len(after.members)) == ("v2", None, 2)
        assert {m.group for m in after.members} == {"main"}
        same = {m.id for m in before.members} == {m.id for m in after.members}
        assert same is (policy == "RollingWithAdditionalBatch")
        assert rig.told(request_id="r")[-1] == narration.UPDATED


def test_a_policy_is_kept_by_whatever_refuses_and_crashes() -> None:
    faults = Faults(refuse_share=0.1, crash_share=0.02, random=random.Random(3), crashes_max=6)
    with Rig() as rig:
        rig.running(3)
        rig.universe.faults.__dict__.update(vars(faults))
        rig.update(label="v2", settings=(Setting(COMMAND, "Timeout", "600"),), request_id="r")
        deadline = rig.world.clock.now() + 1000
        while rig.environment().operation and rig.world.clock.now() < deadline:
            rig.step()
        rig.universe.faults.end()
        after = rig.settle()
        assert (after.status, after.version_label) == (Status.READY, "v2")
        assert rig.told(request_id="r").count(narration.UPDATED) == 1


def test_a_canary_with_a_long_gate_outlives_a_restart(rig: Rig) -> None:
    settings = (
        *sized(2, "TrafficSplitting"),
        Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
        Setting("jackbean:deployment", "HealthCheckCount", "6"),
        Setting("jackbean:deployment", "HealthCheckInterval", "5000"),
    )
    rig.running(settings=settings)
    rig.update(label="v2")
    rig.until(lambda: rig.environment().operation.rollout.evaluating)  # type: ignore[union-attr]
    rig.step(30)
    rig.universe.crash()
    rig.step(200)
    rig.settle()
    assert rig.environment().version_label == "v2"
