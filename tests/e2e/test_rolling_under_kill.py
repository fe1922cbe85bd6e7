"""Deployments batch by batch, while the control plane is killed again and again.

Visitors come all the time and must notice nothing; what was asked for must come about, once.
"""

from __future__ import annotations

import random
import time
from itertools import count

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, app, installed, option, until
from tests.e2e.machines import disks, envoy, machines
from tests.e2e.story import DEPLOYED, LAUNCHED, TERMINATED, end_of
from tests.load.crowd import Crowd, visitors

pytestmark = [pytest.mark.e2e, pytest.mark.load]

NAME = "killed-env"
MOMENTS_S = 4.0  # a kill comes within this long after the last start, or the request
SETTINGS = (
    option(ASG, "MinSize", "3"),
    option(COMMAND, "DeploymentPolicy", "Rolling"),
    option(COMMAND, "BatchSizeType", "Fixed"),
    option(COMMAND, "BatchSize", "1"),
)


class Assassin:
    """Kills the control plane at moments drawn from a seed, until there are none left."""

    def __init__(self, installation: Installation, kills: int, seed: int) -> None:
        self.left = kills
        self.killed_at: list[float] = []
        self._installation = installation
        self._moments = random.Random(seed)

    def strike(self) -> None:
        """Wait for the next moment, kill, and serve again; now and then kill that one at birth."""
        time.sleep(self._moments.uniform(0, MOMENTS_S))  # the moment is what is being tried
        self._kill()
        if self.left and self._moments.random() < 0.25:
            self._installation.spawn()
            time.sleep(self._moments.uniform(0, 1))
            self._kill()
        self._installation.start()

    def _kill(self) -> None:
        self._installation.kill()
        self.left -= 1


def test_four_kills() -> None:
    _survive(kills=4, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [20, 21])
def test_twenty_kills(seed: int) -> None:
    _survive(kills=20, seed=seed)


def _survive(kills: int, seed: int) -> None:
    with installed() as one:
        one.version("v0", app("v0"))
        made = one.create(NAME, "v0", *SETTINGS)
        assassin = Assassin(one, kills, seed)
        with visitors(made["EndpointURL"]) as crowd:
            deployed = _deploy_until_spent(one, assassin)
            _serve_without_control(one, crowd)
        tally = crowd.tally
        assert not tally.failures, (len(tally.failures), tally.failures[:5])
        assert set(tally.answers) == {f"v{n}" for n in range(deployed + 1)}
        assert one.rest(NAME)["VersionLabel"] == f"v{deployed}"
        _no_orphan(one)
        _create_and_terminate_under_kills(one, Assassin(one, max(2, kills // 5), seed + 1))
        _no_orphan(one)


def _deploy_until_spent(one: Installation, assassin: Assassin) -> int:
    """Deploy version after version; return the number of the last."""
    for number in count(1):
        one.version(f"v{number}", app(f"v{number}"))
        request = one.begin(NAME, VersionLabel=f"v{number}")
        while assassin.left > 0 and not _ready(one, NAME):
            assassin.strike()
        one.rest(NAME)
        assert end_of(one, NAME, request) == DEPLOYED
        if assassin.left <= 0:
            return number
    raise AssertionError("numbers end")


def _ready(one: Installation, name: str) -> bool:
    found = one.client().describe_environments(EnvironmentNames=[name])["Environments"]
    return bool(found[-1]["Status"] in {"Ready", "Terminated"})


def _serve_without_control(one: Installation, crowd: Crowd) -> None:
    """Nobody serves for as long as it takes to answer 200 requests."""
    one.kill()
    before = crowd.tally.requests
    until(lambda: crowd.tally.requests > before + 200, 60, "200 requests are answered")
    one.start()


def _create_and_terminate_under_kills(one: Installation, assassin: Assassin) -> None:
    label = one.version("side", app("side"))
    eb = one.client()
    answer = eb.create_environment(
        ApplicationName=one.application,
        EnvironmentName="side-env",
        VersionLabel=label,
        SolutionStackName=eb.list_available_solution_stacks()["SolutionStacks"][0],
        OptionSettings=[option(ASG, "MinSize", "2")],
    )
    assassin.strike()
    made = one.rest("side-env")
    created = answer["ResponseMetadata"]["RequestId"]
    assert end_of(one, "side-env", created) == LAUNCHED + "side-env"
    assert one.get(made).startswith("side ")
    answer = eb.terminate_environment(EnvironmentName="side-env")
    assassin.strike()
    one.rest("side-env", "Terminated")
    assert end_of(one, "side-env", answer["ResponseMetadata"]["RequestId"]) == TERMINATED


def _no_orphan(one: Installation) -> None:
    """What runs is what is known, and one Envoy."""
    known = one.instances(NAME)
    assert len(known) == 3
    until(lambda: set(machines(one.data_dir)) == known, 30, f"just {known} run")
    until(lambda: disks(one.data_dir) == known, 30, f"just {known} have disks")
    assert envoy(one.data_dir)
