"""What is found of a machine: modes, Pythons, variables, name servers, places."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from tests.engines.process.conftest import MakeRig
from tests.engines.process.rig import MODES, eventually, processes

from jackbean.core.errors import PortError
from jackbean.engines.process import (
    agentzip,
    environment,
    interpreters,
    paths,
    prepare,
    probe,
    resolvers,
    tools,
)
from jackbean.engines.process.interpreters import Interpreter
from jackbean.engines.process.platforms import branches
from jackbean.engines.process.sandbox import Machine

NAME = f"{os.getpid():06x}"[-6:]
PROGRAM = Path(sys.executable).resolve()


# modes


def test_the_best_possible_mode_is_chosen_and_the_better_ones_are_accounted_for() -> None:
    found = probe.probe(NAME)
    assert found.mode == MODES[0]
    assert set(found.others) == set(probe.MODES[: probe.MODES.index(found.mode)])
    assert all(reason.endswith(".") for reason in found.others.values())
    assert found.lacks
    assert list(Path("/sys/fs/cgroup").glob("**/jackbean-" + NAME)) == []


def test_looking_for_the_mode_takes_no_time() -> None:
    probe.probe(NAME)
    best = min(_timed() for _ in range(5))
    assert best < 0.1


def _timed() -> float:
    started = time.perf_counter()
    probe.probe(NAME)
    return time.perf_counter() - started


def test_without_bubblewrap_only_plain_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "bubblewraps", list)
    found = probe.probe(NAME)
    assert found.mode == "plain"
    assert "bubblewrap" in found.others["user"]
    assert "nothing is isolated" in found.lacks[0].lower()
    with pytest.raises(PortError, match="mode user is not possible here: no bubblewrap"):
        probe.probe(NAME, "user")


def test_a_bubblewrap_that_may_not_is_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a container that allows no namespaces."""
    denied = tmp_path / "bwrap"
    denied.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1"
    )
    denied.chmod(0o755)
    monkeypatch.setattr(tools, "bubblewraps", lambda: [denied])
    found = probe.probe(NAME)
    assert found.mode == "plain"
    assert "No permissions to create a new namespace" in found.others["user"]


def test_where_programs_do_not_run_in_sandboxes_plain_is_left(
    rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems that keep their programs elsewhere than everybody."""
    bare = Machine((), (), (), (), ())
    monkeypatch.setattr(prepare, "survey", lambda: bare)
    here = rig("auto")
    here.up()
    described = here.engine.describe()
    assert described.mode == "plain"
    assert "image" in described.others[MODES[0]]
    forced = rig(MODES[0], "forced")
    with pytest.raises(PortError, match="image"):
        forced.runner.run(forced.engine.ready())


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(PortError, match="use auto, root, user, plain"):
        probe.probe(NAME, "docker")


# Pythons


def fake_python(prefix: Path, version: str, program: bytes = b"\x7fELF") -> Path:
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    (prefix / f"lib/python{version}/venv").mkdir(parents=True)
    (prefix / f"lib/python{version}/os.py").touch()
    (prefix / f"bin/python{version}").write_bytes(program)
    (prefix / f"bin/python{version}").chmod(0o755)
    return prefix


def test_pythons_are_found_by_their_files(tmp_path: Path) -> None:
    good = fake_python(tmp_path / "good", "3.98")
    script = fake_python(tmp_path / "shims", "3.97", b"#!/bin/sh")
    environment_of_somebody = fake_python(tmp_path / "venv", "3.96")
    (environment_of_somebody / "pyvenv.cfg").touch()
    later = fake_python(tmp_path / "later", "3.98")
    found = interpreters.find([good, script, environment_of_somebody, later, tmp_path / "none"])
    assert found.pop(interpreters.own().version) == interpreters.own()
    assert found == {"3.98": Interpreter("3.98", good)}
    assert found["3.98"].inside == "/opt/jackbean/python-3.98/bin/python3.98"
    assert found["3.98"].identity != Interpreter("3.98", later).identity
    assert Interpreter("3.11", Path("/usr")).inside == "/usr/bin/python3.11"


def test_versions_are_in_order() -> None:
    found = [tuple(map(int, version.split("."))) for version in interpreters.find()]
    assert found == sorted(found)


def test_branches_that_run() -> None:
    assert branches(["3.11", "3.6", "3.8"]) == {
        "Python 3.11 running on 64bit Amazon Linux 2023",
        "Python 3.8 running on 64bit Amazon Linux 2",
    }


# variables


def test_only_ways_to_the_world_are_inherited() -> None:
    environ = {
        "AWS_SECRET_ACCESS_KEY": "x",
        "https_proxy": "http://proxy",
        "NO_PROXY": "",
        "SSL_CERT_FILE": "/ca.pem",
        "PIP_INDEX_URL": "http://user:password@index",
    }
    assert environment.network(environ) == {
        "SSL_CERT_FILE": "/ca.pem",
        "https_proxy": "http://proxy",
    }


def test_what_pip_is_told_counts_for_uv(tmp_path: Path) -> None:
    file = tmp_path / "pip/pip.conf"
    file.parent.mkdir()
    file.write_text("[global]\nindex-url = http://from-file\nfind-links = /a\n  /b\nunknown = 1\n")
    environ = {
        "HOME": "/nonexistent",
        "XDG_CONFIG_HOME": str(tmp_path),
        "PIP_CONFIG_FILE": "",
        "PIP_EXTRA_INDEX_URL": "http://one http://two",
        "UV_INDEX_MINE_PASSWORD": "secret",
        "UV_CACHE_DIR": "/elsewhere",
        "OTHER": "x",
    }
    found = environment.packages(environ)
    assert found["UV_DEFAULT_INDEX"] == "http://from-file"
    assert found["UV_INDEX"].endswith("http://one http://two")
    assert found["UV_FIND_LINKS"] == "/a,/b"
    assert found["UV_INDEX_MINE_PASSWORD"] == "secret"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert not {"UV_CACHE_DIR", "OTHER"} & set(found)
    told = environment.packages(environ | {"UV_DEFAULT_INDEX": "http://uvs-own"})
    assert told["UV_DEFAULT_INDEX"] == "http://uvs-own"


def test_a_broken_file_of_pip_is_left_to_pip(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"\xff[[[")
    assert environment.pip_settings([tmp_path / "broken", tmp_path / "none"]) == {}


def test_files_that_variables_name() -> None:
    variables = {
        "UV_INDEX": "file:///pypi/simple http://x/simple",
        "UV_FIND_LINKS": "/wheels,rel",
        "SSL_CERT_FILE": "/ca.pem",
    }
    assert environment.files(variables) == ["/ca.pem", "/pypi", "/wheels"]


# name servers


def test_name_servers_on_loopback_are_not_an_instances(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\nnameserver ::1\noptions edns0\n")
    real.write_text("nameserver 192.0.2.1\nnameserver not-an-address\nnameserver fd00::1\n")
    assert [str(server) for server in resolvers.servers([stub, real])] == ["192.0.2.1"]
    assert resolvers.servers([stub, tmp_path / "none"]) == ()


# places


def test_a_short_data_directory_has_its_own_run_directory(tmp_path: Path) -> None:
    assert paths.run_dir(tmp_path) == tmp_path / "run"
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_long_one_has_a_short_one_that_is_always_the_same(tmp_path: Path) -> None:
    data = tmp_path / ("long-name-" * 12)
    short = paths.run_dir(data)
    assert len(os.fsencode(short / paths.SOCKET)) <= paths.SOCKET_BYTES_MAX
    assert (data / "run").resolve() == short
    short.rmdir()  # a reboot clears /tmp
    assert paths.run_dir(data) == short
    assert short.stat().st_mode & 0o777 == 0o700
    (short / "socket").touch()
    for _ in range(2):
        paths.remove_run_dir(data)
    assert not short.exists()
    assert not (data / "run").is_symlink()


def test_somebody_elses_directory_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / ("long-name-" * 12)
    short = paths.run_dir(data)
    short.rmdir()
    short.symlink_to(tmp_path)
    try:
        with pytest.raises((PortError, FileExistsError)):
            paths.run_dir(data)
    finally:
        short.unlink()
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(PortError, match="belongs to somebody else"):
        paths.run_dir(tmp_path)


def test_tags_tell_directories_apart(tmp_path: Path) -> None:
    assert paths.tag(tmp_path / "a") != paths.tag(tmp_path / "b")
    assert paths.tag(tmp_path / "a" / ".." / "b") == paths.tag(tmp_path / "b")


# the agent


def test_the_agent_is_one_file_that_runs(tmp_path: Path) -> None:
    first = agentzip.build(tmp_path / "agent.pyz").read_bytes()
    assert agentzip.build(tmp_path / "agent.pyz").read_bytes() == first
    pid = os.posix_spawn(PROGRAM, ["python", "-I", tmp_path / "agent.pyz"], {})
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status != 0  # it was not told which instance it is
    eventually(lambda: processes(str(tmp_path / "agent.pyz")) == [], "its end")
