"""Records and scenes for tests of pure decisions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.core.fleets import NEW, OLD

from jackbean.control.scene import Namer, Scene
from jackbean.core.environments import Environment, Status
from jackbean.core.fleet import Fleet, Instance
from jackbean.core.installation import Installation
from jackbean.core.operations import Kind, Operation, Phase
from jackbean.core.options.resolve import Layers, effective
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.table import options
from jackbean.core.releases import Release
from jackbean.core.rollouts import Rollout
from jackbean.simulator.clock import SeededIds
from jackbean.stacks.difference import fingerprint
from jackbean.stacks.synthesis import Facts, synthesise

NOW = 1000.0
ID = "e-abcdefghij"
ARN = "arn:aws:elasticbeanstalk:us-east-1::platform/Python 3.11 running on 64bit AL/4.0.0"
INSTALLATION = Installation("us-east-1", "123456789012")


def release(number: int = OLD, *settings: Setting, **facts: Any) -> Release:
    """Return a release with those settings on top of the defaults."""
    chosen = Settings(settings)
    held = effective(Layers(direct=chosen), options("Python"))
    arn = facts.get("platform_arn", ARN)
    template = synthesise(Facts(ID, "web1", arn), held)
    base: dict[str, Any] = {
        "environment_id": ID,
        "number": number,
        "version_label": f"v{number}",
        "digest": None,
        "direct": chosen,
        "settings": held,
        "template": template,
        "fingerprint": fingerprint(template),
        "stack": "a stack",
        "platform_arn": arn,
    }
    return Release(**{**base, **facts})


def environment(fleet: Iterable[Instance] = (), **facts: Any) -> Environment:
    """Return an environment that is ready, on release OLD, with the members of `fleet`."""
    base: dict[str, Any] = {
        "id": ID,
        "name": "web1",
        "application": "app",
        "stack": "a stack",
        "platform_arn": ARN,
        "cname_prefix": "web1",
        "slot": 1,
        "status": Status.READY,
        "release": OLD,
        "deployment": OLD,
        "releases": OLD,
        "version_label": "v1",
        "template": "t-old",
        "desired": len(tuple(fleet)),
        "members": tuple(i.member for i in fleet),
        "operations": 1,
        "revision": 5,
    }
    return Environment(**{**base, **facts})


def operation(*phases: Phase, **facts: Any) -> Operation:
    base: dict[str, Any] = {
        "number": 2,
        "kind": Kind.UPDATE,
        "request_id": "r-2",
        "began": NOW,
        "phases": phases,
        "release": NEW,
        "previous": OLD,
    }
    return Operation(**{**base, **facts})


def rollout(**facts: Any) -> Rollout:
    base: dict[str, Any] = {
        "policy": "Rolling",
        "goal": NEW,
        "previous": OLD,
        "size": 2,
        "template": "t-old",
        "previous_template": "t-old",
        "timeout_s": 60.0,
        "since": NOW,
    }
    return Rollout(**{**base, **facts})


def scene(
    record: Environment, fleet: Fleet, cut: Release | None = None, now: float = NOW + 1
) -> Scene:
    return Scene(record, fleet, cut or release(), 20.0, now)


def namer() -> Namer:
    return Namer(INSTALLATION, SeededIds(1))
