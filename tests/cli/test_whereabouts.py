"""Where a command goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jackbean.cli.whereabouts import Flags, find
from jackbean.server.home import Home, Serving, started

FOLDER = {"profile": "", "default_region": ""}


@pytest.fixture
def served(tmp_path: Path) -> dict[str, str]:
    """Let this process seem to serve, and return the environment that names its directory."""
    home = Home(tmp_path / "data")
    home.identity("eu-north-1")
    pid = os.getpid()
    home.announce(Serving(pid, started(pid), "127.0.0.1", 8700, 7080, "eu-north-1"))
    return {"JACKBEAN_DATA_DIR": str(home.directory)}


def test_the_installation_that_runs_here_is_found(served: dict[str, str]) -> None:
    where = find(Flags(), FOLDER, served)
    identity = Home(Path(served["JACKBEAN_DATA_DIR"])).known()
    assert identity is not None
    assert where.endpoint == "http://127.0.0.1:8700"
    assert where.keys == (identity.access_key, identity.secret_key)
    assert where.region == "eu-north-1"
    assert where.near
    assert served["JACKBEAN_DATA_DIR"] in where.why


@pytest.mark.parametrize(
    ("flags", "folder", "environ"),
    [
        (Flags(endpoint_url="http://e"), {}, {}),
        (Flags(), {}, {"AWS_ENDPOINT_URL": "http://e"}),
        (Flags(profile="work"), {}, {}),
        (Flags(), {"profile": "work"}, {}),
        (Flags(), {}, {"AWS_PROFILE": "work"}),
        (Flags(), {}, {"AWS_EB_PROFILE": "work"}),
    ],
)
def test_whoever_names_a_place_is_not_second_guessed(
    flags: Flags, folder: dict[str, str], environ: dict[str, str], served: dict[str, str]
) -> None:
    where = find(flags, FOLDER | folder, served | environ)
    assert where.endpoint in (None, "http://e")
    assert where.keys is None


def test_a_dead_installation_is_not_taken(served: dict[str, str]) -> None:
    home = Home(Path(served["JACKBEAN_DATA_DIR"]))
    home.announce(Serving(os.getpid(), "before", "127.0.0.1", 8700, 7080, "eu-north-1"))
    assert find(Flags(), FOLDER, served).endpoint is None


def test_regions_in_order(served: dict[str, str]) -> None:
    environ = {**served, "AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}
    assert find(Flags(region="f"), {"default_region": "c"}, environ).region == "f"
    assert find(Flags(), {"default_region": "c"}, environ).region == "c"
    assert find(Flags(), FOLDER, environ).region == "a"
    assert find(Flags(), FOLDER, served).region == "eu-north-1"


@pytest.mark.parametrize(
    ("endpoint", "near"),
    [
        ("http://127.0.0.1:8700", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://10.0.0.1", False),
        ("https://elasticbeanstalk.us-east-1.amazonaws.com", False),
    ],
)
def test_near(endpoint: str, *, near: bool) -> None:
    assert find(Flags(endpoint_url=endpoint), FOLDER, {}).near is near
