"""A life as an ordinary user, with what `pip install .` gives, in every mode that they can have."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, app, bundle, option, serving, until
from tests.e2e.machines import machines
from tests.e2e.ordinary import Person, install, person
from tests.e2e.signing import extend, own_keys
from tests.e2e.test_platforms import CASES, SLOW, launch
from tests.load.crowd import visitors

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NEEDY = """
import six
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"needy {six.__name__} 0".encode()]
"""

ROLLING = [
    option(COMMAND, "DeploymentPolicy", "Rolling"),
    option(COMMAND, "BatchSizeType", "Fixed"),
    option(COMMAND, "BatchSize", "1"),
]


@pytest.fixture(scope="module")
def somebody() -> Iterator[Person]:
    with person() as someone:
        yield someone


@pytest.fixture(scope="module")
def jackbean(somebody: Person) -> Path:
    return install(somebody)


@pytest.mark.parametrize("engine", ["auto", "user", "plain"])
def test_a_life(somebody: Person, jackbean: Path, engine: str) -> None:
    command = (*somebody.prefix, str(jackbean))
    data = somebody.home / engine / "data"
    data.parent.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(data.parent, somebody.home.stat().st_uid, somebody.home.stat().st_gid)
    with serving(Installation(data, engine, command)) as one:
        status, about = extend(one, own_keys(one), "DescribeInstallation")
        assert status == 200
        assert about["Mode"] == ("user" if engine == "auto" else engine)
        if engine == "auto":
            assert "root" in about["OtherModes"]["root"]
        _live(one)


@pytest.mark.parametrize("engine", ["user", "plain"])
def test_the_samples_of_platforms_serve(
    somebody: Person, jackbean: Path, engine: str, tmp_path: Path
) -> None:
    """What needs nothing installed is fetched by a user as by root; the rest is the machine's."""
    command = (*somebody.prefix, str(jackbean))
    data = somebody.home / f"samples-{engine}" / "data"
    data.parent.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(data.parent, somebody.home.stat().st_uid, somebody.home.stat().st_gid)
    with serving(Installation(data, engine, command)) as one:
        for name, case in CASES.items():
            if name in SLOW or any(not shutil.which(program) for program in case.programs):
                continue
            label = case.running.replace(" ", "-")
            one.version(label, case.content(tmp_path))
            made = launch(one, case, label)
            story = "\n".join(one.events("platform-env"))
            assert (made["Health"], case.answer in one.get(made)) == ("Green", True), story
            one.terminate("platform-env")


def _live(one: Installation) -> None:
    one.version("one", app("one"))
    one.version("two", app("two"))
    needy = {"application.py": NEEDY, "requirements.txt": "six==1.17.0\n"}
    one.version("needy", bundle(needy))
    made = one.create("users-env", "one", option(ASG, "MinSize", "2"))
    assert (made["Health"], made["VersionLabel"]) == ("Green", "one")
    ids = one.instances("users-env")
    with visitors(made["EndpointURL"]) as crowd:
        one.begin("users-env", VersionLabel="two", OptionSettings=ROLLING)
        one.rest("users-env")
        one.kill()
        one.start()
        one.rest("users-env")
    assert not crowd.tally.failures, crowd.tally.failures[:5]
    assert set(crowd.tally.answers) == {"one", "two"}
    assert set(machines(one.data_dir)) == ids == one.instances("users-env")
    one.deploy("users-env", "needy")
    assert one.get(made) == "needy six 0"
    one.down()
    assert not one.leftovers()
    one.start()
    until(lambda: _answer(one, made["EndpointURL"]) == "needy six 0", 60, "it serves again")
    one.rest("users-env")
    one.terminate("users-env")
    until(lambda: not machines(one.data_dir), 30, "nothing runs any more")


def _answer(one: Installation, endpoint: str) -> str:
    try:
        return one.get({"EndpointURL": endpoint})
    except OSError:
        return ""
