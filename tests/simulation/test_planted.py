"""Bugs planted on purpose: an invariant that catches none of them is worth nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jackbean.control import (
    balancer,
    certifying,
    decide,
    intake,
    parking,
    perform,
    returning,
    swapping,
    tick,
)
from jackbean.control.environments import current_release
from jackbean.control.proofs import Proofs
from jackbean.control.story import narration
from jackbean.core.acts import Join, Step, Weigh
from jackbean.core.certificates import End
from jackbean.core.environments import Environment
from jackbean.core.fleet import Fleet, Instance, Member, Service, Work
from jackbean.core.releases import Release
from jackbean.core.rollouts import Rollout, Stage
from jackbean.ports.router import TargetSight
from jackbean.rollouts import (
    abandon,
    batches,
    replacement,
    rollback,
    service,
    traffic_splitting,
    upkeep,
)
from jackbean.simulator import daemons
from jackbean.simulator.histories import life
from jackbean.simulator.invariants import ViolationError
from jackbean.simulator.lives import Life

Plant = Callable[[pytest.MonkeyPatch], None]


def succeed_on_half_a_fleet(patch: pytest.MonkeyPatch) -> None:
    def next_step(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        done = any(i.settled(rollout.target) for i in fleet)
        real = decide_next_step(rollout, fleet, now)
        return Step(rollout.enter(Stage.SUCCEEDED, now)) if done else real

    decide_next_step = decide.next_step
    patch.setattr(decide, "next_step", next_step)


def take_everybody_out_at_once(patch: pytest.MonkeyPatch) -> None:
    real = batches.rolling

    def rolling(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        return real(replace(rollout, batch_size=len(fleet)), fleet, now)

    patch.setitem(decide.next_step.__globals__["POLICIES"], "Rolling", rolling)


def believe_what_was_known_of_the_release_before(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Proofs, "holds", lambda *given: True)


def take_out_without_waiting_for_requests(patch: pytest.MonkeyPatch) -> None:
    def out(instance: Instance, now: float, drain_s: float) -> Member:
        draining = instance.member.service is Service.DRAINING
        return instance.member.move(Service.OUT, now) if draining else instance.member

    patch.setattr(service, "_drained", out)


def forget_to_end_machines(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(perform, "endable", lambda member: False)


def end_machines_that_have_requests(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(perform, "endable", lambda member: member.leaving)


def exchange_what_is_in_service(patch: pytest.MonkeyPatch) -> None:
    real = batches._in_batches

    def in_batches(rollout: Rollout, fleet: Fleet, now: float, *, drain: bool) -> Step:
        return real(rollout, fleet, now, drain=False)

    patch.setattr(batches, "_in_batches", in_batches)


def forget_members_that_still_run(patch: pytest.MonkeyPatch) -> None:
    def progress(fleet: Fleet, now: float, drain_s: float) -> tuple[Any, ...]:
        return tuple(i.member for i in fleet if not i.member.leaving)

    patch.setattr(decide, "progress", progress)


def never_finish_draining(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(service, "_drained", lambda instance, now, drain_s: instance.member)


def certify_nothing(patch: pytest.MonkeyPatch) -> None:
    async def certified(*given: Any) -> list[Any]:
        return []

    patch.setattr(tick, "certified", certified)


def tell_the_end_too_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(narration, "DEPLOYING", narration.UPDATED)


def tell_nothing_at_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(narration, "_ending", lambda after, ended, scene: ())


def save_the_record_without_its_story(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tick, "narrate", lambda before, after, ended, scene: [])


def never_attach(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(upkeep, "_able", lambda instance: False)


def drop_the_dead_without_successors(patch: pytest.MonkeyPatch) -> None:
    real = upkeep.maintain

    def maintain(fleet: Fleet, launch: Any, now: float) -> tuple[Any, ...]:
        return tuple(a for a in real(fleet, launch, now) if type(a) is not type(launch))

    patch.setattr(decide, "maintain", maintain)


KEPT = Life(size=2, policy="Immutable", acts=("deploy",), parking=True)


def let_the_abort_be_lost(patch: pytest.MonkeyPatch) -> None:
    real = decide.next_step

    def next_step(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        return real(replace(rollout, aborted=False), fleet, now)

    patch.setattr(decide, "next_step", next_step)


def stop_where_one_must_go_back(patch: pytest.MonkeyPatch) -> None:
    def give_up(rollout: Rollout, now: float) -> Rollout:
        return rollout.enter(Stage.FAILED, now)

    patch.setattr(Rollout, "give_up", give_up)


def end_the_help_before_its_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(abandon, "_may_serve", lambda instance: False)


def park_without_remembering(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(parking, "during", lambda environment, before, after, now: None)


def never_let_go_of_the_parked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(parking, "clearing", lambda parked, fleet: ())


def send_requests_to_the_parked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(balancer, "_split", lambda environment: None)


def end_old_instances_before_new_ones_serve(patch: pytest.MonkeyPatch) -> None:
    real = replacement.replacement

    def hasty(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        return real(replace(rollout, surge=0, floor=0), fleet, now)

    patch.setitem(decide.next_step.__globals__["POLICIES"], "Replacement", hasty)


def swap_only_one_name(patch: pytest.MonkeyPatch) -> None:
    real = swapping._exchanging

    def exchanging(mine: Any, other: Any, exchange: Any, asked: Any) -> Any:
        after = real(mine, other, exchange, asked)
        return after if exchange.leads else replace(after, cname_prefix="somewhere-else")

    patch.setattr(swapping, "_exchanging", exchanging)


def never_tell_workers_to_stop(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(daemons, "polls", lambda member: True)


def take_silence_for_an_end(patch: pytest.MonkeyPatch) -> None:
    """Let a worker's instance be out of service as soon as that is wanted, whatever it says."""
    real = intake.polled

    def polled(member: Member, *given: Any) -> TargetSight:
        told = intake.polls(member)
        return real(member, *given) if told else TargetSight(Service.OUT, healthy=False, requests=0)

    patch.setattr(intake, "polled", polled)


def take_everybody_for_new(patch: pytest.MonkeyPatch) -> None:
    def begin(rollout: Rollout, batch: Fleet, now: float) -> Rollout:
        return replace(rollout, batch=batch.ids, batches=rollout.batches + 1, since=now)

    patch.setattr(Rollout, "begin", begin)


def let_everybody_lead(patch: pytest.MonkeyPatch) -> None:
    real = Member.assign

    def assign(member: Member, work: Work, release: int, *, leader: bool = False) -> Member:
        return real(member, work, release, leader=True)

    patch.setattr(Member, "assign", assign)


def let_nobody_lead(patch: pytest.MonkeyPatch) -> None:
    real = Member.assign

    def assign(member: Member, work: Work, release: int, *, leader: bool = False) -> Member:
        return real(member, work, release)

    patch.setattr(Member, "assign", assign)


def give_a_canary_its_share_too_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(traffic_splitting, "Weigh", lambda percent: Weigh(percent or None))


def give_a_canary_what_the_others_should_have(patch: pytest.MonkeyPatch) -> None:
    def weigh(percent: int) -> Weigh:
        return Weigh(100 - percent if percent else 0)

    patch.setattr(traffic_splitting, "Weigh", weigh)


def certify_success_whatever_comes_of_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(certifying, "_end", lambda ended: End.SUCCEEDED)


def forget_what_there_was_before(patch: pytest.MonkeyPatch) -> None:
    real = decide.commit

    def commit(environment: Environment, release: Release, **deployed: Any) -> Environment:
        return replace(real(environment, release, **deployed), former=None)

    patch.setattr(decide, "commit", commit)


def go_back_to_what_is_there(patch: pytest.MonkeyPatch) -> None:
    async def release(world: Any, environment: Environment, number: int) -> Release:
        return await current_release(world, environment)

    patch.setattr(returning, "_release", release)


def forget_to_give_the_parked_requests(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rollback, "Join", lambda **given: Join())


def lose_patience_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rollout, "overdue", lambda rollout, now: now - rollout.since > 1.0)


def keep_telling_of_the_version_before(patch: pytest.MonkeyPatch) -> None:
    real = decide.commit

    def commit(environment: Environment, release: Release, **deployed: Any) -> Environment:
        after = real(environment, release, **deployed)
        return replace(after, version_label=environment.version_label)

    patch.setattr(decide, "commit", commit)


CANARY = Life(size=2, policy="TrafficSplitting", acts=("deploy",))
BACK = Life(size=2, acts=("deploy", "rollback"))
PLANTED: dict[Plant, Life] = {
    succeed_on_half_a_fleet: Life(size=3, acts=("deploy",)),
    take_everybody_out_at_once: Life(size=3, acts=("deploy",)),
    believe_what_was_known_of_the_release_before: Life(
        size=2, policy="AllAtOnce", acts=("deploy",), bad="sick"
    ),
    take_out_without_waiting_for_requests: Life(size=2, acts=("deploy",)),
    forget_to_end_machines: Life(size=2, acts=("replace",)),
    end_machines_that_have_requests: Life(size=2, acts=("replace",)),
    exchange_what_is_in_service: Life(size=2, acts=("deploy",)),
    forget_members_that_still_run: Life(size=2, acts=("replace",)),
    never_finish_draining: Life(size=2, acts=("terminate",)),
    tell_the_end_too_early: Life(size=2, acts=("deploy",)),
    tell_nothing_at_the_end: Life(size=2, acts=("deploy",)),
    save_the_record_without_its_story: Life(size=1, acts=("deploy",)),
    never_attach: Life(size=2, acts=("scale",)),
    drop_the_dead_without_successors: Life(size=2, acts=("scale",), deaths=(40.0,)),
    let_the_abort_be_lost: Life(size=2, acts=("configure",), aborts=(2.0,)),
    stop_where_one_must_go_back: Life(size=3, acts=("configure",), aborts=(8.0,)),
    end_the_help_before_its_end: Life(policy="RollingWithAdditionalBatch", aborts=(20.5,)),
    park_without_remembering: KEPT,
    never_let_go_of_the_parked: replace(KEPT, acts=("deploy", "deploy")),
    send_requests_to_the_parked: KEPT,
    end_old_instances_before_new_ones_serve: Life(size=2, acts=("replace",), pace="Health"),
    swap_only_one_name: Life(size=1, acts=("swap",)),
    certify_nothing: Life(size=1, acts=("deploy",)),
    never_tell_workers_to_stop: Life(size=2, acts=("terminate",), worker=True),
    take_silence_for_an_end: Life(size=2, acts=("terminate",), worker=True),
    let_everybody_lead: Life(size=2, acts=("deploy",)),
    let_nobody_lead: Life(size=2, acts=("deploy",)),
    give_a_canary_its_share_too_early: CANARY,
    give_a_canary_what_the_others_should_have: CANARY,
    certify_success_whatever_comes_of_it: Life(size=2, acts=("deploy",), bad="fails_staging"),
    forget_what_there_was_before: BACK,
    go_back_to_what_is_there: BACK,
    forget_to_give_the_parked_requests: replace(KEPT, acts=("deploy", "rollback")),
    lose_patience_at_once: Life(size=2, acts=("deploy",)),
    keep_telling_of_the_version_before: Life(size=1, acts=("deploy",)),
    take_everybody_for_new: Life(size=3, acts=("deploy",), flaps=0.1, seed=4),
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_it_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = PLANTED[plant]
    asyncio.run(life(plan))
    plant(monkeypatch)
    with pytest.raises((ViolationError, AssertionError)):
        asyncio.run(life(plan))
