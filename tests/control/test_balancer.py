"""Which load balancer an environment wants: who is in it, by the release that each runs."""

from __future__ import annotations

import pytest
from tests.control.scenes import INSTALLATION, environment, operation, release, rollout
from tests.core.fleets import NEW, OLD, dead, fleet, instance, many, updated

from jackbean.control.balancer import routes
from jackbean.control.observe import Look
from jackbean.control.terms import Terms
from jackbean.core.environments import Environment
from jackbean.core.fleet import TEMPORARY, Fleet, Service, Work
from jackbean.core.operations import Roll
from jackbean.core.records import replace
from jackbean.core.traffic import group_of, release_of
from jackbean.ports.engine import Address
from jackbean.ports.router import Routes, Split, Sticky

TERMS = replace(Terms.of(release()), idle_s=60)


def wanted(whole: Fleet, record: Environment | None = None, sticky: Sticky | None = None) -> Routes:
    look = Look(whole, {i.id: Address(i.id, 80) for i in whole if i.id != "i-far"})
    terms = replace(TERMS, sticky=sticky)
    return routes(INSTALLATION, record or environment(whole, slot=7), look, terms)


def test_those_in_service_that_can_be_reached() -> None:
    found = wanted(
        fleet(
            instance("i-1"),
            instance("i-2", service=Service.DRAINING),
            instance("i-3", service=Service.OUT),
            instance("i-far"),
        )
    )
    assert (found.environment_id, found.slot) == ("e-abcdefghij", 7)
    assert found.hostnames == ("web1.us-east-1.elasticbeanstalk.localhost",)
    assert (found.health, found.idle_s) == (TERMS.health, 60)
    assert [(t.instance, t.address, t.draining) for t in found.targets] == [
        ("i-1", Address("i-1", 80), False),
        ("i-2", Address("i-2", 80), True),
    ]
    assert (found.split, found.sticky) == (None, None)


def test_they_are_grouped_by_what_they_run() -> None:
    staging = instance("i-2", assigned=(Work.STAGE, NEW))
    silent = instance("i-4", running=None, assigned=(Work.ACTIVATE, NEW))
    found = wanted(fleet(instance("i-1"), staging, updated("i-3"), silent, dead("i-5")))
    groups = {t.instance: t.group for t in found.targets}
    assert groups == {
        "i-1": "release-1",
        "i-2": "release-1",
        "i-3": "release-2",
        "i-4": "release-2",
        "i-5": "release-1",
    }


@pytest.mark.parametrize(("share", "split"), [(None, None), (0, 0), (10, 10)])
def test_a_share_is_that_of_the_release_that_is_tried(share: int | None, split: int | None) -> None:
    whole = fleet(*many(2), updated("i-8", group=TEMPORARY))
    tried = operation(Roll(rollout(policy="TrafficSplitting")))
    found = wanted(whole, environment(whole, operation=tried, split=share))
    assert found.split == (None if split is None else Split("release-2", split))


def test_visitors_stick_where_the_environment_wants_it() -> None:
    assert wanted(many(1), sticky=Sticky("AWSALB", 60)).sticky == Sticky("AWSALB", 60)


def test_a_group_says_its_release() -> None:
    assert release_of(group_of(OLD)) == OLD
    assert [release_of(name) for name in ("main", "release-", "release-x", "7")] == [None] * 4
