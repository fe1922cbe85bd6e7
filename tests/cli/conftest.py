"""A folder to work in, an AWS to talk to, and `jb` as a function."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jackbean.cli import jb
from tests.cli.aws import Aws, served


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with nothing of this machine's AWS settings."""
    for name in [n for n in os.environ if n.startswith(("AWS_", "JACKBEAN_", "GIT_"))]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    work = tmp_path / "shop"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def go(*arguments: str) -> Ran:
        capfd.readouterr()
        code = jb.run(arguments)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return go


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with served(Aws()) as one:
        monkeypatch.setenv("AWS_ENDPOINT_URL", one.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        yield one


@pytest.fixture
def project(folder: Path) -> Path:
    """Set the folder up for application shop and environment shop-dev."""
    config = folder / ".elasticbeanstalk" / "config.yml"
    config.parent.mkdir()
    config.write_text(
        "branch-defaults: {default: {environment: shop-dev}}\n"
        "global: {application_name: shop, sc: null, default_region: us-east-1}\n"
    )
    (folder / "application.py").write_text("pass\n")
    return folder
