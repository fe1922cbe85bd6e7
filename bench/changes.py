"""Everything that is done to an environment while visitors come: a table of changes.

Each act changes something, waits for rest, and returns what may be seen of it in answers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from botocore.exceptions import ClientError
from tests.e2e.installation import ASG, COMMAND, Installation, bundle, option
from tests.load.judging import Move
from tests.load.site import site

NAME, TWIN = "loss-env", "loss-twin"
LABELS = ("one", "two")
PROPERTIES = "aws:elasticbeanstalk:application:environment"
PROCESS = "aws:elasticbeanstalk:environment:process:default"
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
PERCENT = 10
EVALUATION_S = 180  # the shortest that there is
PATIENCE_S = 900.0
AWAY_S = 2.0  # how long nobody controls anything after a kill


class NotThere(Exception):
    """The installation has no such operation."""


@dataclass
class Stage:
    """The environment that is changed, the version it is on, and the one that its name leads to."""

    one: Installation
    instances: int
    slow_s: float
    made: dict[str, Any] = field(default_factory=dict)
    label: str = "one"
    led: str = "one"
    colour: str = "-"
    colours: Any = field(default_factory=lambda: cycle(("red", "blue")))
    sizes: Any = None
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def set_up(self, drain_s: int) -> None:
        for label in LABELS:
            self.one.version(label, bundle(site(label)))
        self.sizes = cycle((self.instances + 2, self.instances))
        self.made = self.one.create(NAME, "one", *settings(self.instances, drain_s))

    def rest(self, name: str = NAME) -> dict[str, Any]:
        return self.one.rest(name, patience_s=PATIENCE_S)


def settings(instances: int, drain_s: int) -> list[dict[str, str]]:
    return [
        option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
        option(PROCESS, "DeregistrationDelay", str(drain_s)),
        option(ASG, "MinSize", str(instances)),
        option(ASG, "MaxSize", str(instances)),
        option(COMMAND, "BatchSizeType", "Fixed"),
        option(COMMAND, "BatchSize", "1"),
        option(SPLITTING, "NewVersionPercent", str(PERCENT)),
        option(SPLITTING, "EvaluationTime", str(EVALUATION_S // 60)),
    ]


def other(label: str) -> str:
    return LABELS[1 - LABELS.index(label)]


Act = Callable[[Stage], Move]


def deploying(policy: str) -> Act:
    def act(stage: Stage) -> Move:
        return _deployed(stage, policy, lambda: None)

    return act


def _deployed(stage: Stage, policy: str, meanwhile: Callable[[], None]) -> Move:
    before, stage.label = stage.label, other(stage.label)
    asked = time.monotonic()
    changes = [option(COMMAND, "DeploymentPolicy", policy)]
    stage.one.begin(NAME, VersionLabel=stage.label, OptionSettings=changes)
    meanwhile()
    there = stage.rest()
    rested = time.monotonic()
    assert there["VersionLabel"] == stage.label, stage.one.events(NAME)[-10:]
    return Move("version", before, stage.label, asked, rested)


def configure(stage: Stage) -> Move:
    before, stage.colour = stage.colour, next(stage.colours)
    asked = time.monotonic()
    policy = option(COMMAND, "DeploymentPolicy", "Rolling")
    colour = option(PROPERTIES, "COLOUR", stage.colour)
    stage.one.begin(NAME, OptionSettings=[colour, policy])
    stage.rest()
    return Move("colour", before, stage.colour, asked, time.monotonic())


def scale(stage: Stage) -> Move:
    """Scale out, let the new have something to do, and scale in: nothing of it is in answers."""
    asked = time.monotonic()
    for out in (True, False):
        size = str(next(stage.sizes))
        changes = [option(ASG, "MinSize", size), option(ASG, "MaxSize", size)]
        stage.one.begin(NAME, OptionSettings=changes)
        stage.rest()
        assert len(stage.one.instances(NAME)) == int(size)
        if out:
            time.sleep(stage.slow_s / 2)
    return Move("version", stage.label, stage.label, asked, time.monotonic())


def deploy_and_kill(stage: Stage) -> Move:
    """Kill the control plane twice on the way of a rolling deployment, at moments drawn by lot."""

    def kill() -> None:
        for _ in range(2):
            time.sleep(stage.dice.uniform(0.2, stage.slow_s))
            stage.one.kill()
            time.sleep(AWAY_S)
            stage.one.start()

    return _deployed(stage, "Rolling", kill)


def swap(stage: Stage) -> Move:
    """Swap names with the twin; what is visited is a name."""
    pair = {"SourceEnvironmentName": NAME, "DestinationEnvironmentName": TWIN}
    before, stage.led = stage.led, other(stage.led)
    asked = time.monotonic()
    stage.one.client().swap_environment_cnames(**pair)
    stage.rest()
    stage.rest(TWIN)
    return Move("version", before, stage.led, asked, time.monotonic())


def make_twin(stage: Stage) -> None:
    """Make an environment like the first one, on the other version."""
    stage.led = stage.label
    try:
        stage.one.client().swap_environment_cnames(
            SourceEnvironmentName=NAME, DestinationEnvironmentName=NAME
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "UnsupportedOperation":
            raise NotThere("SwapEnvironmentCNAMEs") from error
    stage.one.create(TWIN, other(stage.label), *settings(stage.instances, 5))


@dataclass(frozen=True)
class Change:
    """`lossless` is what it promises; `at_once`: all instances change together, seen by a name.

    With `brief` nobody waits long for an answer, and nobody talks on WebSockets.
    """

    act: Act
    prepare: Callable[[Stage], None] = lambda stage: None
    lossless: bool = True
    at_once: bool = False
    by_name: bool = False
    split: bool = False
    brief: bool = False


CHANGES: dict[str, Change] = {
    "Rolling": Change(deploying("Rolling")),
    "RollingWithAdditionalBatch": Change(deploying("RollingWithAdditionalBatch")),
    "Immutable": Change(deploying("Immutable")),
    "TrafficSplitting": Change(deploying("TrafficSplitting"), split=True),
    "Configuration": Change(configure),
    "SwapEnvironmentCNAMEs": Change(swap, make_twin, at_once=True, by_name=True),
    "ScaleIn": Change(scale),
    "Kill": Change(deploy_and_kill),
    "AllAtOnce": Change(deploying("AllAtOnce"), lossless=False),
    "AllAtOnce-brief": Change(deploying("AllAtOnce"), lossless=False, brief=True),
}
