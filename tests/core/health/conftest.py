"""Instances and scenes to judge: everything is well unless a test says otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings

from jackbean.core.environments import Environment, Status, Tier
from jackbean.core.fleet import (
    Instance,
    Machine,
    Member,
    Service,
    Sight,
    Work,
    WorkState,
)
from jackbean.core.health.census import Patient
from jackbean.core.health.instances import instance_health
from jackbean.core.health.metrics import Tally
from jackbean.core.health.options import HealthOptions
from jackbean.core.health.scene import Background, Facts, Said, Scene
from jackbean.core.operations import Kind, Operation, Roll
from jackbean.core.rollouts import Rollout

settings.register_profile("health", deadline=None, database=None)
settings.load_profile("health")

NOW = 10_000.0
WELL = Instance(
    Member("i-1", "t", launched_at=100.0, service=Service.IN).assign(Work.ACTIVATE, 1),
    Sight(Machine.RUNNING, heard=True, serial=1, state=WorkState.DONE, running=1, passes=3),
    gate=3,
)
ENVIRONMENT = Environment(
    id="e-abcdefghij",
    name="shop",
    application="app",
    stack="64bit Amazon Linux 2023 v4.0.0 running Python 3.11",
    platform_arn="arn:aws:elasticbeanstalk:us-east-1::platform/Python 3.11/4.0.0",
    cname_prefix="shop",
    slot=1,
    status=Status.READY,
    release=1,
    deployment=1,
    version_label="v1",
    desired=5,
)


def make_instance(**changes: Any) -> Instance:
    """Return an instance that is well but for `changes` of its member or its sight."""
    members = {k: v for k, v in changes.items() if k in Member.__dataclass_fields__}
    sights = {k: v for k, v in changes.items() if k in Sight.__dataclass_fields__}
    assert len(members) + len(sights) == len(changes), changes
    return Instance(replace(WELL.member, **members), replace(WELL.sight, **sights), WELL.gate)


def make_facts(instance: Instance = WELL, **changes: Any) -> Facts:
    said = {k: changes.pop(k) for k in list(changes) if k in Said.__dataclass_fields__}
    facts = Facts(instance, **{"busy": instance.busy, "proven": True, **changes})
    return replace(facts, said=Said(**said)) if said else facts


def make_scene(
    operation: Operation | None = None,
    options: HealthOptions | None = None,
    now: float = NOW,
    **changes: Any,
) -> Scene:
    background = {k: changes.pop(k) for k in list(changes) if k in Background.__dataclass_fields__}
    if changes.pop("worker", False):
        changes["tier"] = Tier("Worker", "SQS/HTTP")
    environment = replace(ENVIRONMENT, operation=operation, **changes)
    return Scene.of(environment, Background(options or HealthOptions(), **background), now)


def make_patients(scene: Scene, *facts: Facts) -> tuple[Patient, ...]:
    return tuple(Patient(f, instance_health(f, scene)) for f in facts)


def make_operation(kind: Kind = Kind.UPDATE, began: float = NOW, **changes: Any) -> Operation:
    """Return an operation to release 2 whose batch is i-1; `changes` are its rollout's."""
    rolled: dict[str, Any] = {"batch": ("i-1",), "batches": 1, "since": began, **changes}
    configuration = rolled.pop("configuration_only", False)
    previous = None if kind is Kind.CREATE else 1
    rollout = Rollout("Rolling", 2, previous, 5, "t", **rolled)
    return Operation(
        7, kind, "r", began, (Roll(rollout),), 2, previous, configuration_only=configuration
    )


def make_tally(total: int = 100, failing: int = 0, erring: int = 0) -> Tally:
    return Tally(10.0, total - failing - erring, 0, erring, failing)


class Make:
    """One hand for all of them: they are pure, so tests of every kind may share it."""

    now = NOW
    environment = ENVIRONMENT
    instance = staticmethod(make_instance)
    facts = staticmethod(make_facts)
    scene = staticmethod(make_scene)
    patients = staticmethod(make_patients)
    operation = staticmethod(make_operation)
    tally = staticmethod(make_tally)


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
