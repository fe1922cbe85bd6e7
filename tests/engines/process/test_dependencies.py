"""Dependency files resolved for real, from packages made here: no network is needed."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.process.conftest import MakeRig
from tests.engines.process.packages import source
from tests.engines.process.rig import MODES, OWN, SANDBOXED, Rig, ask, eventually, processes, run

from jackbean.core.protocol import DependencyRequest
from jackbean.engines.process import builds, installer, machine_runtimes
from jackbean.engines.process.dependencies import ProcessDependencies
from jackbean.ports.engine import Unresolvable

every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture
def environ(packages: Path) -> Mapping[str, str]:
    return {"UV_OFFLINE": "1", "PIP_FIND_LINKS": str(packages), "HOME": "/nonexistent"}


def request(text: str, runtime: str = OWN, **more: str) -> DependencyRequest:
    return DependencyRequest("pip", runtime, {"requirements.txt": text, **more})


class Kit:
    """Dependencies of one installation, for one loop."""

    def __init__(self, here: Rig, environ: Mapping[str, str]) -> None:
        self.here = here
        self.dependencies = ProcessDependencies(here.engine, environ)

    def resolve(self, *wanted: DependencyRequest) -> list[str]:
        async def all_of_them() -> list[str]:
            return await asyncio.gather(*map(self.dependencies.resolve, wanted))

        return self.here.runner.run(all_of_them())

    def refuse(self, wanted: DependencyRequest) -> Unresolvable:
        with pytest.raises(Unresolvable) as caught:
            self.resolve(wanted)
        return caught.value

    @property
    def kept(self) -> list[Path]:
        return sorted(self.here.engine.layout.dependencies.iterdir())


@every_mode
def test_what_is_resolved_runs_in_instances(
    rig: MakeRig, mode: str, environ: Mapping[str, str]
) -> None:
    here = rig(mode)
    kit = Kit(here, environ)
    address = here.up()  # it was there before
    [place] = kit.resolve(request("-r more/base.txt\n", **{"more/base.txt": "flaskish\n"}))
    assert run(address, f"{place}/bin/flaskish") == "flaskish 1.0\n"
    assert run(address, f"{place}/bin/gunicorn") == "gunicorn 2.0\n"  # the platform's own
    python = f"{place}/bin/python"
    assert run(address, python, "-c", "import jinjaish; print(jinjaish.VERSION)") == "1.5\n"
    assert run(address, python, "-c", "import sys; print(sys.prefix)") == f"{place}\n"
    compiled = list(kit.kept[0].rglob("flaskish/__pycache__/*.pyc"))
    assert len(compiled) == 1
    if mode != "plain":
        with pytest.raises(RuntimeError, match="Read-only"):
            ask(address, "write", path=f"{place}/bin/flaskish", text="changed")


@every_mode
def test_the_same_request_is_worked_on_once(
    rig: MakeRig, mode: str, environ: Mapping[str, str]
) -> None:
    kit = Kit(rig(mode), environ)
    places = kit.resolve(*[request("flaskish")] * 4, request("jinjaish"), request("flaskish"))
    assert len(set(places)) == 2
    assert len(kit.kept) == 2
    inodes = [place.stat().st_ino for place in kit.kept]
    again = Kit(kit.here, {})  # another control plane: no packages, and none are needed
    assert again.resolve(request("flaskish")) == places[:1]
    assert [place.stat().st_ino for place in kit.kept] == inodes


def test_an_application_may_bring_its_own_gunicorn(
    rig: MakeRig, environ: Mapping[str, str]
) -> None:
    kit = Kit(rig("plain"), environ)
    [place] = kit.resolve(request("gunicorn==1.0"))
    assert subprocess.check_output([f"{place}/bin/gunicorn"], text=True) == "gunicorn 1.0\n"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="environments have it up to 3.11")
@pytest.mark.parametrize(
    ("wanted", "version"), [("flaskish", "80.0"), ("setuptools", "80.0"), ("setuptools>81", "82.0")]
)
def test_older_pythons_have_setuptools_as_on_aws(
    rig: MakeRig, environ: Mapping[str, str], wanted: str, version: str
) -> None:
    """The last that has pkg_resources, unless an application wants another."""
    kit = Kit(rig("plain"), environ)
    [place] = kit.resolve(request(wanted))
    asking = [f"{place}/bin/python", "-c", "import setuptools; print(setuptools.VERSION)"]
    assert subprocess.check_output(asking, text=True) == f"{version}\n"


@every_mode
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("nosuchthing==9", r"nosuchthing"),
        ("flaskish==7", r"flaskish==7"),
        ("!!!", r"requirements.txt cannot be installed: .*requirements.txt:1:1"),
        ("-r ../../../etc/nothing", r"etc/nothing"),
        ("./somewhere", r"somewhere"),
    ],
)
def test_what_cannot_be_resolved_is_named(
    rig: MakeRig, mode: str, environ: Mapping[str, str], text: str, cause: str
) -> None:
    kit = Kit(rig(mode), environ)
    error = kit.refuse(request(text))
    assert error.cause.startswith("requirements.txt cannot be installed: ")
    assert re.search(cause, error.cause), error.cause
    assert str(kit.here.data_dir) not in error.cause + error.tail
    assert error.tail
    assert len(error.tail.splitlines()) <= 50
    assert kit.kept == []


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        (DependencyRequest("gem", "3", {"Gemfile": ""}), "kind 'gem'"),
        (DependencyRequest("npm", "7", {"package.json": "{}"}), "Node.js 7 is not on this machine"),
        (DependencyRequest("npm", "24", {"app.js": ""}), "npm is given package.json"),
        (DependencyRequest("npm", "24", {"package.json": "", "app.js": ""}), "npm is given"),
        (DependencyRequest("npm-dev", "24", {}), "no dependency file"),
        (request("", "2.7"), "Python 2.7 is not on this machine"),
        (DependencyRequest("pip", OWN, {}), "no dependency file"),
        (DependencyRequest("pip", OWN, {"../x": ""}), "'../x' is no name"),
        (DependencyRequest("pip", OWN, {"/etc/x": ""}), "'/etc/x' is no name"),
        (DependencyRequest("pip", OWN, {"a\nb": ""}), "is no name"),
        (DependencyRequest("pip", OWN, {"a": "x" * (1 << 20) + "x"}), "over 1 MB"),
        (DependencyRequest("pip", OWN, {str(n): "" for n in range(51)}), "over 50"),
    ],
)
def test_what_is_no_request_is_refused(
    rig: MakeRig, environ: Mapping[str, str], wanted: DependencyRequest, cause: str
) -> None:
    assert cause in Kit(rig("plain"), environ).refuse(wanted).cause


SPY = """
    from os.path import exists
    found = [path for path in (*PLACES, "/root/.bashrc", "/run/jackbean") if exists(path)]
    found += [name for name in os.environ if "SECRET" in name]
    found += [f"user {os.getuid()}"] if os.getuid() != 899 else []
    status = open("/proc/self/status").read()
    found += [line for line in status.splitlines() if line.startswith("CapEff") and "1" in line]
    found += [line for line in status.splitlines() if line == "Seccomp:\\t0"]
    found += [fd for fd in os.listdir("/proc/self/fd") if fd == "9"]
    processes = [n for n in os.listdir("/proc") if n.isdigit()]
    found += [n for n in processes if "standin" in open(f"/proc/{n}/cmdline").read()]
    fixed = ("/opt/jackbean", "/usr/bin", "/opt/jackbean/request", "/etc/ssl/certs")
    found += [path for path in fixed if os.access(path, os.W_OK)]
    print("FOUND", found, flush=True)
"""


@pytest.mark.parametrize("mode", SANDBOXED)
def test_a_build_sees_neither_secrets_nor_other_builds(
    rig: MakeRig, mode: str, packages: Path, tmp_path: Path
) -> None:
    """A package whose build looks around tells what it found by failing with it."""
    own = tmp_path / "own"
    own.mkdir(mode=0o755)
    here = rig(mode)
    (here.data_dir / "secret").write_text("x")
    here.up()
    source(
        own, "spy", SPY.replace("PLACES", repr([str(here.data_dir), str(here.home(here.spec()))]))
    )
    environ = {
        "UV_OFFLINE": "1",
        "UV_FIND_LINKS": f"{packages},{own}",
        "SECRET": "x",
        "HOME": "/nonexistent",
    }
    error = Kit(here, environ).refuse(request("spy"))
    assert "Failed to build `spy==1.0`" in error.cause, error.tail
    assert "FOUND []" in error.tail


@every_mode
def test_a_control_plane_killed_in_a_build_leaves_nothing_that_looks_finished(
    rig: MakeRig, mode: str, packages: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o755)
    source(own, "sleeper", "time.sleep(600)")
    here = rig(mode)
    environ = {"UV_OFFLINE": "1", "UV_FIND_LINKS": f"{packages},{own}", "HOME": "/nonexistent"}
    builder = """
import asyncio, json, sys
from pathlib import Path
from jackbean.core.protocol import DependencyRequest
from jackbean.engines.process.dependencies import ProcessDependencies
from jackbean.engines.process.engine import ProcessEngine
data, mode, runtime, environ = sys.argv[1:]
engine = ProcessEngine(Path(data), mode, agent=Path("/none"))
request = DependencyRequest("pip", runtime, {"requirements.txt": "flaskish\\nsleeper"})
asyncio.run(ProcessDependencies(engine, json.loads(environ)).resolve(request))
"""
    argv = [sys.executable, "-c", builder, here.data_dir, mode, OWN, json.dumps(environ)]
    control_plane = subprocess.Popen(argv)
    place = here.engine.layout.dependencies
    try:
        eventually(lambda: list(place.glob(".building-*/output/pyvenv.cfg")), "a build")
        eventually(lambda: sleepers(place), "its package's own code")
    finally:
        control_plane.kill()
        control_plane.wait()
    kit = Kit(here, environ)
    assert [path.name[:10] for path in kit.kept] == [".building-"]
    kit.resolve(request("flaskish"))
    assert not sleepers(place)
    assert [path.name[:1] == "." for path in kit.kept] == [False]


def sleepers(place: Path) -> list[int]:
    return processes(f"{place}/.building-")


def test_who_gives_up_does_not_end_it_for_others(rig: MakeRig, environ: Mapping[str, str]) -> None:
    here = rig("plain")
    kit = Kit(here, environ)

    async def both() -> str:
        impatient = asyncio.create_task(kit.dependencies.resolve(request("flaskish")))
        patient = asyncio.create_task(kit.dependencies.resolve(request("flaskish")))
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert Path(here.runner.run(both()), "bin/flaskish").exists()


def test_a_build_that_takes_too_long_is_ended(
    rig: MakeRig, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    source(own, "sleeper", "time.sleep(600)")
    monkeypatch.setattr(builds, "BUILD_S", 2.0)
    environ = {"UV_OFFLINE": "1", "UV_FIND_LINKS": f"{packages},{own}", "HOME": "/nonexistent"}
    kit = Kit(rig("plain"), environ)
    assert "longer than 2 seconds" in kit.refuse(request("sleeper")).cause
    assert kit.kept == []


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (
            "Using Python 3.11\nerror: No solution found when resolving dependencies\n"
            "  cause: Because x was not found in the package registry\n"
            "         and you require x==9.\n",
            "r.txt cannot be installed: No solution found when resolving dependencies: "
            "Because x was not found in the package registry and you require x==9.",
        ),
        (
            "\x1b[31m  \N{MULTIPLICATION SIGN} No solution found when resolving dependencies:\n"
            "  ╰─▶ Because there is no version of flask==99 and you require\n"
            "      flask==99, we can conclude that it is impossible.\n",
            "r.txt cannot be installed: No solution found when resolving dependencies: "
            "Because there is no version of flask==99 and you require flask==99, we can conclude "
            "that it is impossible.",
        ),
        (
            "error: Failed to build `psycopg2==2.9`\n  cause: The build backend returned an error\n"
            "  cause: Call to `setuptools` failed (exit status: 1)\n\n[stderr]\nError: pg_config\n",
            "r.txt cannot be installed: Failed to build `psycopg2==2.9`: "
            "The build backend returned an error: Call to `setuptools` failed (exit status: 1): "
            "Error: pg_config",
        ),
        (
            "error: Failed to build `markupsafe==1.0`\n  cause: The build backend failed\n\n"
            "         [stderr]\n         Traceback (most recent call last):\n"
            "           File x\n         ImportError: cannot import name 'Feature'\n\n"
            "hint: Build failures usually indicate a problem with the package\n",
            "r.txt cannot be installed: Failed to build `markupsafe==1.0`: "
            "The build backend failed: ImportError: cannot import name 'Feature'",
        ),
        ("Killed\n", "r.txt cannot be installed: Killed"),
        ("", "r.txt cannot be installed: no reason given"),
    ],
)
def test_causes_in_the_installers_words(output: str, cause: str) -> None:
    assert installer.cause(output, "r.txt") == cause


def test_a_failure_of_the_network_is_recognised() -> None:
    assert installer.unreachable("error: Failed to fetch: `https://pypi.org/simple/x/`")
    assert installer.unreachable("  cause: dns error: failed to lookup")
    assert not installer.unreachable("Because x was not found in the package registry")


NODE = next((f for f in machine_runtimes.find() if f.language == "nodejs"), None)


@every_mode
@pytest.mark.skipif(NODE is None, reason="node and npm are not in /usr")
def test_packages_of_npm_are_installed_for_all(rig: MakeRig, mode: str, tmp_path: Path) -> None:
    """From the registry that whoever runs the control plane has; here there is nothing to fetch."""
    assert NODE is not None
    here = rig(mode)
    kit = Kit(here, {"HOME": "/nonexistent"})
    address = here.up()
    package = '{"name": "a", "version": "1.0.0", "dependencies": {}, "devDependencies": {}}'
    wanted = DependencyRequest("npm", NODE.version.partition(".")[0], {"package.json": package})
    [place, again] = kit.resolve(wanted, wanted)
    assert place == again
    assert len(kit.kept) == 1
    assert json.loads(run(address, "cat", f"{place}/package-lock.json"))["name"] == "a"
    bad = replace(wanted, files={"package.json": "{"})
    refused = kit.refuse(bad)
    assert refused.cause == "npm cannot install what package.json asks for."
    assert "JSON" in refused.tail
    assert len(kit.kept) == 1
