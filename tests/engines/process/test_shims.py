"""Shims: what they hold, how they tell, how they end; with real processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.process.rig import eventually

from jackbean.core.errors import PortError
from jackbean.engines.process import diskuse, proctable, tools
from jackbean.engines.process.supervise import (
    Exited,
    Running,
    Shim,
    ShimSpec,
    State,
    Stopped,
    command,
)

PYTHON = os.path.realpath(sys.executable)
Make = Callable[..., Shim]


def spec(script: str, **more: object) -> ShimSpec:
    return replace(
        ShimSpec(argv=(PYTHON, "-I", "-S", "-c", script), env={"KNOWN": "yes"}, grace_s=5),
        **more,  # type: ignore[arg-type]  # members by name
    )


WAITS = "import time\nprint('up', flush=True)\ntime.sleep(600)"
DEAF = "import signal\nsignal.signal(15, signal.SIG_IGN)\n" + WAITS
FORKS = """
import os, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep(0.1)
"""
# In a sandbox: leaves somebody behind who has stopped its first process, and waits to be told.
TRACES = """
import ctypes, os, time
if os.fork() == 0:
    os.setsid()
    if ctypes.CDLL(None).ptrace(16, 1, 0, 0):  # PTRACE_ATTACH
        print("may not", flush=True)
    os.waitpid(1, 0x40000000)  # __WALL
    print("traced", flush=True)
    time.sleep(600)
time.sleep(600)
"""
TELLS = """
import resource
print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE))
"""


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def make(tmp_path: Path, runner: asyncio.Runner) -> Iterator[Make]:
    made: list[Shim] = []

    def start(wanted: ShimSpec, name: str = "held") -> Shim:
        made.append(Shim(tmp_path / name))
        runner.run(made[-1].start(wanted))
        return made[-1]

    yield start
    for each in made:
        runner.run(each.stop(0))
        assert not isinstance(each.look(), Running)


def said(held: Shim, words: str) -> None:
    eventually(lambda: held.log.exists() and words in held.log.read_text(), words)


def running(held: Shim) -> Running:
    state = held.look()
    assert isinstance(state, Running)
    return state


def ended(held: Shim) -> State:
    eventually(lambda: not isinstance(held.look(), Running), "its end")
    return held.look()


def alive(pid: int) -> bool:
    return proctable.start_ticks(pid) is not None


def test_a_program_runs_apart_from_us(make: Make) -> None:
    held = make(
        spec("import os, sys\nprint(sorted(os.environ), os.getcwd(), flush=True)\n" + WAITS)
    )
    said(held, "['KNOWN'")
    state = running(held)
    assert "/ " not in held.log.read_text()
    assert os.getsid(state.child) == state.child
    assert os.getsid(state.shim) != os.getsid(0)
    assert proctable.stat_fields(state.shim)[1] == b"1"  # a child of nobody of ours
    fds = Path(f"/proc/{state.shim}/fd")
    assert {str((fds / n).readlink()) for n in "012"} == {"/dev/null"}


def test_starting_what_runs_changes_nothing(make: Make, runner: asyncio.Runner) -> None:
    held = make(spec(WAITS))
    before = running(held)
    assert runner.run(held.start(spec(WAITS))) == before
    told = subprocess.run(
        command(held.directory, spec(WAITS), -1),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "unavailable" in told.stderr
    assert held.look() == before


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("raise SystemExit(3)", "exited with status 3"),
        ("", "exited with status 0"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9 (SIGKILL)"),
        ("import os; os._exit(139)", "killed by signal 11 (SIGSEGV)"),
    ],
)
def test_a_programs_own_end_is_told(make: Make, script: str, how: str) -> None:
    assert ended(make(spec(script))) == Exited(how)


def test_a_program_told_to_stop_has_stopped(make: Make, runner: asyncio.Runner) -> None:
    held = make(spec(WAITS))
    before = running(held)
    runner.run(held.stop())
    assert held.look() == Stopped("it was told to stop")
    assert not alive(before.shim)
    assert not alive(before.child)


def test_one_that_does_not_listen_is_killed_after_its_grace(
    make: Make, runner: asyncio.Runner
) -> None:
    held = make(spec(DEAF, grace_s=0.3))
    said(held, "up")
    before = running(held)
    runner.run(held.stop())
    assert held.look() == Stopped("it was told to stop")
    assert not alive(before.child)


def test_a_caller_can_cut_the_grace_short(make: Make, runner: asyncio.Runner) -> None:
    held = make(spec(DEAF, grace_s=600))
    said(held, "up")
    before = running(held)
    runner.run(asyncio.wait_for(held.stop(0.1), 10))
    assert not alive(before.child)


def test_all_that_came_from_it_ends_with_it(make: Make, runner: asyncio.Runner) -> None:
    """Children that left its session and lost their parents come back to the shim."""
    daemon = (
        "import os, signal, time\n"
        "signal.signal(15, signal.SIG_IGN)\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork():\n"
        "            os._exit(0)\n"
        "        print('child', os.getpid(), flush=True)\n"
        "        time.sleep(600)\n"
        "time.sleep(600)\n"
    )
    held = make(spec(daemon, grace_s=0.2))
    eventually(lambda: held.log.exists() and held.log.read_text().count("child") == 3, "children")
    orphans = [int(line.split()[1]) for line in held.log.read_text().splitlines()]
    assert all(map(alive, orphans))
    runner.run(held.stop())
    assert not any(map(alive, orphans))


def test_who_has_stopped_the_first_process_of_a_sandbox_delays_nothing(
    make: Make, runner: asyncio.Runner
) -> None:
    boxed = spec("", grace_s=60)
    wall = (
        "--unshare-pid",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--json-status-fd",
        "{status}",
    )
    argv = (str(tools.bubblewraps()[0]), *wall, "--", PYTHON, "-I", "-S", "-c", TRACES)
    held = make(replace(boxed, argv=argv))
    eventually(lambda: held.log.exists() and "traced" in held.log.read_text(), "traced")
    began = time.monotonic()
    runner.run(held.stop())
    assert isinstance(held.look(), Stopped)
    assert time.monotonic() - began < 10


def test_orphans_end_when_the_program_ends_by_itself(make: Make) -> None:
    held = make(spec(FORKS))
    assert ended(held) == Exited("exited with status 0")
    assert not alive(int(held.log.read_text()))


def test_a_killed_shim_takes_its_program_along(make: Make) -> None:
    held = make(spec(DEAF))
    before = running(held)
    os.kill(before.shim, signal.SIGKILL)
    assert isinstance(ended(held), Stopped)
    eventually(lambda: not alive(before.child), "the program's end")


def test_a_program_that_cannot_be_run_is_an_error_with_its_name(
    tmp_path: Path, runner: asyncio.Runner
) -> None:
    held = Shim(tmp_path / "held")
    assert held.look() == Stopped("it was never started")
    with pytest.raises(PortError, match=r"/no/such/program: .*No such file"):
        runner.run(held.start(ShimSpec(("/no/such/program",))))
    assert isinstance(held.look(), Stopped)
    runner.run(held.start(spec("")))  # and it may be tried again
    assert ended(held) == Exited("exited with status 0")


def test_what_is_to_stay_up_is_started_again(make: Make, runner: asyncio.Runner) -> None:
    held = make(spec(WAITS, restart=True))
    said(held, "up")
    first = running(held)
    os.kill(first.child, signal.SIGKILL)
    eventually(lambda: held.log.read_text().count("up") == 2, "a second start")
    second = eventually(lambda: (s := running(held)).child and s, "a child")
    assert second.shim == first.shim
    assert second.child != first.child
    assert second.restarts == 1
    runner.run(held.stop())
    assert not alive(second.child)


def test_what_keeps_dying_is_started_at_growing_intervals_and_can_be_stopped(
    make: Make, runner: asyncio.Runner
) -> None:
    held = make(spec("print('up')", restart=True))
    eventually(lambda: running(held).restarts >= 3, "three more starts")
    runner.run(held.stop())
    assert held.look() == Stopped("it was told to stop")


def test_a_log_that_grows_too_long_starts_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old" * 100 + b"n" * 200)
    diskuse.shorten(str(log), 200)
    assert log.read_bytes() == b""
    assert (tmp_path / "log.1").read_bytes() == b"n" * 200
    diskuse.shorten(str(log), 200)
    assert (tmp_path / "log.1").read_bytes() == b"n" * 200
    diskuse.shorten(str(tmp_path / "none"), 200)


def test_a_shim_whose_directory_is_deleted_ends(make: Make, runner: asyncio.Runner) -> None:
    held = make(spec("import signal, subprocess, sys, time\n" + WAITS))
    before = running(held)
    for file in held.directory.iterdir():
        file.unlink()
    held.directory.rmdir()
    os.kill(before.shim, signal.SIGCHLD)  # it looks around now, not in half a minute
    eventually(lambda: not alive(before.shim) and not alive(before.child), "their end")


def test_limits_never_rise_and_what_was_ignored_is_not(make: Make) -> None:
    held = make(spec(TELLS, limits={"NOFILE": (64, 1 << 40), "CORE": (0, 0)}))
    assert ended(held) == Exited("exited with status 0")
    ceiling = int(subprocess.check_output(["/bin/sh", "-c", "ulimit -Hn"]))
    assert held.log.read_text().startswith(f"(64, {ceiling}) (0, 0)")
    # Python ignores two signals itself: ask a program that does not.
    held = make(ShimSpec(("/bin/sh", "-c", "exec grep -E 'Sig(Ign|Blk)' /proc/self/status")), "sh")
    assert ended(held) == Exited("exited with status 0")
    assert {line.split()[1] for line in held.log.read_text().splitlines()} == {"0" * 16}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"state": "running"}', "null", '"x"'])
def test_a_status_file_that_is_none_is_somebody_stopped(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    state = Shim(tmp_path).look()
    assert isinstance(state, Stopped)
    assert "cannot be read" in state.reason


def test_secrets_in_a_specification_are_ours_alone(make: Make) -> None:
    held = make(spec(WAITS))
    assert (held.directory / "args").stat().st_mode & 0o777 == 0o600
    assert held.directory.stat().st_mode & 0o777 == 0o700
    assert held.log.stat().st_mode & 0o777 == 0o600
    assert json.loads((held.directory / "status.json").read_text())["state"] == "running"
