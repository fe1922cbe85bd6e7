"""The control plane ends, by whatever means; what it looks after does not."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.installation import ASG, JACKBEAN, Installation, app, installed, option, until
from tests.e2e.machines import envoy, kill, machines
from tests.load.crowd import visitors

pytestmark = pytest.mark.e2e

NAME = "lasting-env"


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    """Return an installation with one environment; every test leaves it serving."""
    with installed() as installation:
        installation.version("one", app("one"))
        installation.version("two", app("two"))
        installation.create(NAME, "one", option(ASG, "MinSize", "2"))
        yield installation


@pytest.fixture
def environment(one: Installation) -> dict[str, Any]:
    """Return the environment, whole: two instances that answer."""
    made = one.rest(NAME)
    until(lambda: len(marks(one, made)) == 2, 60, "two instances answer")
    return made


def marks(one: Installation, made: dict[str, Any]) -> set[tuple[str, str]]:
    """Return host and mark of every application process that answers."""
    try:
        answers = [one.get(made).split() for _ in range(12)]
    except OSError:
        return set()
    return {(words[1], words[4]) for words in answers}


def test_killed_and_adopted(one: Installation, environment: dict[str, Any]) -> None:
    """Nothing notices: the same instances, the same processes, the same Envoy, no request lost."""
    before = marks(one, environment), machines(one.data_dir), envoy(one.data_dir)
    ids = one.instances(NAME)
    with visitors(environment["EndpointURL"]) as crowd:
        one.kill()
        alone = crowd.tally.requests
        until(lambda: crowd.tally.requests > alone + 100, 60, "Envoy and instances serve alone")
        one.start()
        one.rest(NAME)
        adopted = crowd.tally.requests
        until(lambda: crowd.tally.requests > adopted + 200, 60, "they serve on")
    assert not crowd.tally.failures, crowd.tally.failures[:5]
    assert one.instances(NAME) == ids == set(machines(one.data_dir))
    assert (marks(one, environment), machines(one.data_dir), envoy(one.data_dir)) == before


def test_told_to_stop(one: Installation, environment: dict[str, Any]) -> None:
    """SIGTERM ends the server alone; its ports are taken back at once."""
    before = marks(one, environment), machines(one.data_dir), envoy(one.data_dir)
    assert one.stop() == 0
    assert marks(one, environment) == before[0]
    one.start()
    assert (marks(one, environment), machines(one.data_dir), envoy(one.data_dir)) == before


def test_envoy_dies_alone(one: Installation, environment: dict[str, Any]) -> None:
    """Its shim starts it again; what it served it learns from the next control plane."""
    before = marks(one, environment), machines(one.data_dir)
    held = envoy(one.data_dir)
    one.kill()
    assert held
    kill(held.child)
    until(lambda: (again := envoy(one.data_dir)) and again.restarts > held.restarts, 30, "it runs")
    one.start()
    until(lambda: marks(one, environment) == before[0], 30, "Envoy serves again")
    again = envoy(one.data_dir)
    assert again
    assert again.shim == held.shim
    assert machines(one.data_dir) == before[1]


def test_envoy_dies(one: Installation, environment: dict[str, Any]) -> None:
    """With a control plane to tell it, it serves within moments, and can be deployed through."""
    before = marks(one, environment)
    held = envoy(one.data_dir)
    assert held
    kill(held.child)
    until(lambda: marks(one, environment) == before, 10, "Envoy serves again")
    one.deploy(NAME, "two")
    assert one.get(environment).split()[0] == "two"
    one.deploy(NAME, "one")


def test_down_and_up(one: Installation, environment: dict[str, Any]) -> None:
    """`down` works where the server is dead; the next start brings every instance back."""
    ids = one.instances(NAME)
    one.deploy(NAME, "two")
    one.kill()
    one.down()
    assert not machines(one.data_dir)
    assert not envoy(one.data_dir)
    assert not one.leftovers()
    one.start()
    until(lambda: len(marks(one, environment)) == 2, 60, "two instances answer again")
    assert one.rest(NAME)["VersionLabel"] == "two"
    assert {one.get(environment).split()[0] for _ in range(12)} == {"two"}
    assert one.instances(NAME) == ids == set(machines(one.data_dir))
    until(lambda: one.rest(NAME)["Health"] == "Green", 60, "it is green again")
    one.deploy(NAME, "one")


def test_instance_dies(one: Installation, environment: dict[str, Any]) -> None:
    """One whose first process is killed is replaced, and the environment is full again."""
    before = machines(one.data_dir)
    victim, held = min(before.items(), key=lambda item: item[0])
    kill(held.inner or held.child)
    until(lambda: victim not in one.instances(NAME), 90, f"{victim} is given up")
    until(lambda: len(marks(one, environment)) == 2, 90, "two instances answer again")
    after = machines(one.data_dir)
    assert set(after) == one.instances(NAME)
    assert len(after) == 2
    assert set(before) - {victim} < set(after)
    assert any(f"Removed instance [{victim}]" in e for e in one.events(NAME))


def test_second_server_is_refused(one: Installation, environment: dict[str, Any]) -> None:
    assert one.process
    done = subprocess.run(
        [*JACKBEAN, "serve", "--data-dir", str(one.data_dir), "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    said = f"is served already, by process {one.process.pid} on http://127.0.0.1:{one.port}"
    assert said in done.stderr
    assert one.get(environment)


def test_env_is_right_from_the_first_answer(one: Installation) -> None:
    """Whoever reads `jackbean env` the moment the port answers gets the address that answers."""
    one.kill()
    began = time.monotonic()
    took_s = one.start()
    assert one.env["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{one.port}"
    assert one.client().describe_environments()["Environments"][0]["EnvironmentName"] == NAME
    assert took_s <= time.monotonic() - began
