"""Restarting the application servers of an environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.control.rig import MUST_BE_READY, PROPERTIES, Rig, sized

from jackbean.control.manifests import compile_manifest
from jackbean.control.restarting import restart
from jackbean.control.returning import roll_back
from jackbean.control.story import narration
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault
from jackbean.core.fleet import Service
from jackbean.core.options.settings import Setting


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as found:
        yield found


def again(rig: Rig, request_id: str = "again") -> Environment:
    return rig.run(restart(rig.world, "web1", request_id))


def hooks(rig: Rig, number: int) -> str:
    world, environment, release = rig.world, rig.environment(), rig.release(number)
    platform = world.platforms.of(environment, release)
    made = compile_manifest(world.installation, environment, release, platform, "d" * 64)
    return made.hooks


@pytest.mark.parametrize("policy", ["AllAtOnce", "Rolling", "Immutable"])
def test_the_same_instances_start_the_same_release_anew(rig: Rig, policy: str) -> None:
    rig.running(settings=(*sized(2, policy), Setting(PROPERTIES, "A", "1")))
    before = rig.environment()
    again(rig)
    after = rig.settle()
    assert {m.id for m in after.members} == {m.id for m in before.members}
    assert (after.version_label, after.deployment) == (before.version_label, 2)
    assert rig.release(2).settings == rig.release(1).settings
    assert all(m.assignment and m.assignment.release == 2 for m in after.members)
    assert rig.told(request_id="again")[-1] == narration.UPDATED


@pytest.mark.parametrize("policy", ["Rolling", "Immutable"])
def test_a_batch_of_all_of_them_stays_in_service(rig: Rig, policy: str) -> None:
    rig.running(settings=sized(2, policy, batch=2))
    again(rig)
    while rig.environment().operation:
        rig.step(0.1)
        assert all(m.service is Service.IN for m in rig.environment().members)


def test_no_hooks_run(rig: Rig) -> None:
    rig.running()
    again(rig)
    rig.settle()
    assert (hooks(rig, 1), hooks(rig, 2)) == ("hooks", "restart")


def test_what_comes_after_a_restart_is_a_whole_change_again(rig: Rig) -> None:
    rig.running()
    again(rig)
    rig.settle()
    rig.update(settings=(Setting(PROPERTIES, "A", "2"),))
    rig.settle()
    assert hooks(rig, 3) == "confighooks"
    rig.run(roll_back(rig.world, "web1", "back"))
    rig.settle()
    assert hooks(rig, 4) == "confighooks"


def test_only_at_rest(rig: Rig) -> None:
    rig.running()
    again(rig)
    with pytest.raises(Fault, match=MUST_BE_READY.format("web1")):
        again(rig, "once more")
