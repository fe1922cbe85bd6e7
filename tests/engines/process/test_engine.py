"""Instances in every mode that is possible here: they run, outlive us, stop, and leave nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from tests.engines.process.conftest import MakeRig
from tests.engines.process.rig import (
    MODES,
    STANDIN,
    Rig,
    answers,
    ask,
    eventually,
    leftovers,
    processes,
    run,
)

from jackbean.core.fleet import Machine
from jackbean.core.protocol import AgentConfig, from_json

every_mode = pytest.mark.parametrize("mode", MODES)


@every_mode
def test_an_instance_answers_at_its_address_and_knows_what_it_is(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec()
    address = here.up(spec)
    config = from_json(AgentConfig, ask(address))
    assert (config.instance, config.token, config.mode) == (spec.instance, spec.token, mode)
    assert (config.address, config.port) == (address.host, address.port)
    assert config.user == ("webapp" if mode == "root" else "")
    assert config.prefix == (str(here.home(spec) / "root") if mode == "plain" else "")
    assert (config.app_port == 0) == (mode == "root")
    assert (address.port == 80) == (mode == "root")
    assert here.sight(spec).machine is Machine.RUNNING
    assert (here.home(spec) / "agent.json").stat().st_mode & 0o777 == 0o600
    assert here.log(spec) == f"standing in for {spec.instance}\n"


@every_mode
def test_its_pythons_and_tools_run(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    address = here.up()
    config = ask(address)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert own in config["pythons"]
    for version, path in config["pythons"].items():
        said = run(address, path, "-I", "-c", "import ssl, sys; print(sys.version)")
        assert said.startswith(version)
    assert run(address, config["tools"]["uv"], "--version").startswith("uv ")
    assert ask(address, "run", argv=json.dumps([config["tools"]["nginx"], "-v"]))[0] == 0


@every_mode
def test_instances_outlive_whoever_launched_them(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec()
    launcher = """
import asyncio, os, signal, sys
from pathlib import Path
from jackbean.engines.process.engine import ProcessEngine
from tests.engines.process.rig import Rig
engine = ProcessEngine(Path(sys.argv[1]), sys.argv[2], agent=Path(sys.argv[3]))
asyncio.run(engine.ensure(Rig.spec()))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", launcher, here.data_dir, mode, STANDIN], check=False
    )
    assert done.returncode == -signal.SIGKILL
    address = here.up(spec)  # it runs already
    process = ask(address, "me")["pid"]
    assert here.runner.run(here.another().adopt()) == {spec.instance}
    assert here.sight(spec).machine is Machine.RUNNING
    assert ask(address, "me")["pid"] == process
    assert len(shims(here)) == 1


def shims(here: Rig) -> list[int]:
    return [
        pid
        for pid in processes(str(here.data_dir))
        if b"shim.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


@every_mode
def test_one_that_dies_by_itself_stays_dead_until_it_is_terminated(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec()
    address = here.up(spec)
    ask(address, "write", path=f"{ask(address)['prefix']}/kept", text="by whoever looks into it")
    with pytest.raises(OSError, match=r"closed|reset"):
        ask(address, "leave", code=3)
    eventually(lambda: here.sight(spec).machine is Machine.EXITED, "its end is seen")
    assert here.sight(spec).exit == "exited with status 3"
    here.ensure(spec)
    assert here.sight(spec).machine is Machine.EXITED
    assert (here.home(spec) / "root/kept").exists()
    here.terminate(spec)
    assert here.machines() == {}


@every_mode
def test_all_stop_gracefully_and_start_again_with_disk_and_address(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    first, second = here.spec(1), here.spec(2)
    address = here.up(first)
    here.up(second)
    prefix = ask(address)["prefix"]
    ask(address, "write", path=f"{prefix}/kept", text="from before")
    here.runner.run(here.engine.stop_all())
    assert {s.machine for s in here.machines().values()} == {Machine.STOPPED}
    assert (here.home(first) / "root/last-words").read_text() == "SIGTERM"
    assert not answers(address)
    assert here.up(first) == address
    assert ask(address, "read", path=f"{prefix}/kept") == "from before"
    assert here.sight(second).machine is Machine.STOPPED


@every_mode
def test_without_its_shim_nobody_runs_and_it_counts_as_stopped(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec()
    address = here.up(spec)
    ask(address, "spawn", argv=json.dumps(["/bin/sleep", "600"]))
    os.kill(here.shim(spec)["shim"], signal.SIGKILL)
    eventually(lambda: not answers(address), "it falls silent")
    eventually(lambda: here.sight(spec).machine is Machine.STOPPED, "it is seen as stopped")
    here.up(spec)
    assert ask(address)["instance"] == spec.instance
    here.terminate(spec)
    assert leftovers(here.data_dir, spec.instance) == []


@every_mode
def test_a_status_file_of_another_process_is_not_believed(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec()
    here.up(spec)
    here.runner.run(here.engine.stop_all())
    told = here.shim(spec)
    lie = {**told, "state": "running", "shim": os.getpid()}  # alive, but started at another time
    (here.home(spec) / "shim/status.json").write_text(json.dumps(lie))
    assert here.sight(spec).machine is Machine.STOPPED
    own = int(Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19])
    (here.home(spec) / "shim/status.json").write_text(
        json.dumps({**lie, "since": own, "boot": "another one"})
    )
    assert here.sight(spec).machine is Machine.STOPPED
    here.terminate(spec)  # and above all it is not us who are ended


@every_mode
def test_many_at_once_have_an_address_each_and_one_asked_for_often_runs_once(
    rig: MakeRig, mode: str
) -> None:
    here = rig(mode)
    specs = [here.spec(n) for n in range(4)]

    async def launch() -> None:
        await asyncio.gather(*(here.engine.ensure(spec) for spec in specs for _ in range(3)))

    here.runner.run(launch())
    addresses = {sight.address for sight in here.machines().values()}
    assert len(addresses) == len(specs)
    assert len(shims(here)) == len(specs)
    ports = {ask(here.up(spec))["app_port"] for spec in specs}
    assert len(ports) == (1 if mode == "root" else len(specs))


@every_mode
def test_who_gives_up_half_way_leaves_no_half_instance(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec()

    async def impatient() -> None:
        for seconds in (0, 0.005, 0.02, 0.05, 0.1):
            with suppress(TimeoutError):
                await asyncio.wait_for(here.engine.ensure(spec), seconds)
        await here.engine.terminate(spec.instance)
        assert await here.engine.machines() == {}
        await here.engine.ensure(spec)

    here.runner.run(impatient())
    assert here.sight(spec).machine is Machine.RUNNING
    assert len(shims(here)) == 1


@every_mode
def test_the_control_planes_socket_is_reached_from_a_data_directory_of_any_length(
    rig: MakeRig, mode: str
) -> None:
    here = rig(mode, "long/" + "directory-name-" * 8)
    address = here.up()
    for _ in range(2):  # a control plane that starts anew makes the socket anew
        with listening(here.engine.layout.agent_dir / "agent.sock"):
            assert ask(address, "dial", path=ask(address)["socket"]) == "hello"
    assert (here.engine.layout.run.lstat().st_mode & 0o777) == 0o700


class listening:  # noqa: N801 - reads as what it does
    """A unix socket that says hello once."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.path = path

    def __enter__(self) -> None:
        self.socket.bind(str(self.path))
        self.socket.listen()
        self.thread = threading.Thread(target=self._greet)
        self.thread.start()

    def _greet(self) -> None:
        caller, _ = self.socket.accept()
        caller.send(b"hello")
        caller.close()

    def __exit__(self, *_: object) -> None:
        self.thread.join(10)
        self.socket.close()
        self.path.unlink()


@every_mode
def test_terminating_removes_all_that_one_had_and_nothing_else(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    first, second = here.spec(1), here.spec(2)
    here.up(first)
    address = here.up(second)
    sealed = f"{ask(here.up(first))['prefix']}/sealed"
    run(here.up(first), "/bin/sh", "-c", f"mkdir {sealed}; touch {sealed}/x; chmod 0 {sealed}")
    here.terminate(first)
    assert leftovers(here.data_dir, first.instance) == []
    assert list(here.machines()) == [second.instance]
    assert answers(address)
    here.terminate(first)


@every_mode
def test_what_a_crash_left_half_done_is_cleared_away(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    here.up()
    half = [here.data_dir / "instances" / name for name in (".new-i-1", ".gone-i-2")]
    for directory in half:
        (directory / "root/etc").mkdir(parents=True)
    groups = here.engine.possible.groups
    if groups:
        groups.make("i-lost")
    assert here.runner.run(here.another().adopt()) == {here.spec().instance}
    assert not any(directory.exists() for directory in half)
    assert not groups or groups.groups() == {here.spec().instance}


@every_mode
def test_two_installations_live_side_by_side(rig: MakeRig, mode: str) -> None:
    one, other = rig(mode, "one"), rig(mode, "other")
    first, second = one.up(), other.up()
    assert (first.host, first.port) != (second.host, second.port)
    one.runner.run(one.engine.stop_all())
    assert answers(second)
    assert not answers(first)


@pytest.mark.parametrize("name", ["", "..", "../../etc", "a/b", "i-1\n", "x" * 65, ".new-i-1"])
def test_only_names_become_directories(rig: MakeRig, name: str) -> None:
    here = rig("plain")
    with pytest.raises(ValueError, match=r"no name"):
        here.runner.run(here.engine.terminate(name))
