"""No process that an agent starts is lost, whoever dies first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.agent.rig import wait_until

from jackbean.agent.children import Children, Command, stat_fields, wait_for_groups
from jackbean.agent.logfiles import LogFile
from jackbean.agent.processes import Supervised, exit_clause

ENV = {"PATH": "/usr/bin:/bin"}


def command(tmp_path: Path, line: str) -> Command:
    return Command(("/bin/sh", "-c", line), tmp_path, ENV)


def test_ends_what_an_agent_before_it_left(tmp_path: Path) -> None:
    register = tmp_path / "children.json"
    before = Children(register)
    child = before.spawn(command(tmp_path, "sleep 60 & sleep 61 & wait"), subprocess.DEVNULL)
    reaper = threading.Thread(target=child.wait)
    reaper.start()
    Children(register).end_leftovers()
    reaper.join()
    assert wait_for_groups([child.pid], 5)


def test_leaves_alone_who_has_got_the_number_since(tmp_path: Path) -> None:
    other = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    register = tmp_path / "children.json"
    register.write_text(f'{{"{other.pid}": 1}}')  # somebody with this number began at another time
    Children(register).end_leftovers()
    assert other.poll() is None
    other.kill()
    other.wait()


def test_starts_without_a_register_or_with_a_broken_one(tmp_path: Path) -> None:
    register = tmp_path / "children.json"
    Children(register).end_leftovers()
    for text in ("", "[]", '{"a": 1}', '{"1": []}', "nonsense"):
        register.write_text(text)
        Children(register).end_leftovers()


def test_ends_a_whole_group_that_does_not_want_to(tmp_path: Path) -> None:
    children = Children(tmp_path / "children.json")
    stubborn = "trap '' TERM; sh -c \"trap '' TERM; sleep 60\" & echo ready; wait"
    log = LogFile(tmp_path / "log", tmp_path / "rotated")
    process = Supervised("x", command(tmp_path, stubborn), children, log, lambda: None)
    process.start()
    wait_until((tmp_path / "log").exists, "it runs")
    pid = process.sight().pid
    process.end()
    assert process.wait(0.2) is False
    assert wait_for_groups([pid], 5)


def test_a_process_is_started_again_until_it_is_ended(tmp_path: Path) -> None:
    children = Children(tmp_path / "children.json")
    log = LogFile(tmp_path / "log", tmp_path / "rotated")
    exits = []
    process = Supervised(
        "x", command(tmp_path, "echo hello; exit 3"), children, log, lambda: exits.append(1)
    )
    process.start()
    wait_until(lambda: len(exits) >= 3, "three exits")
    sight = process.sight()
    assert sight.dying
    assert sight.last_exit == "exited with code 3"
    process.end()
    assert process.wait(5)
    count = len(exits)
    assert (tmp_path / "log").read_text().count("hello") in (count, count + 1)


def test_what_an_exited_process_leaves_is_ended_before_its_successor(tmp_path: Path) -> None:
    children = Children(tmp_path / "children.json")
    line = "sleep 60 & echo $! >> pids; exit 1"
    process = Supervised("x", command(tmp_path, line), children, None, lambda: None)
    process.start()
    pids = tmp_path / "pids"
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) >= 3, "three starts")
    process.end()
    process.wait(5)
    left = [pid for pid in map(int, pids.read_text().split()) if stat_fields(pid)]
    wait_until(lambda: not [pid for pid in left if stat_fields(pid)[:1] not in ([], ["Z"])], "gone")


def test_buries_orphans_and_nobody_elses_children(tmp_path: Path) -> None:
    script = f"""
import ctypes, os, subprocess, sys, threading, time
sys.path[:0] = {sys.path!r}
from pathlib import Path
from jackbean.agent.children import Children, Command
ctypes.CDLL(None).prctl(36, 1)  # orphans come to us, as to process 1
children = Children(Path({str(tmp_path / "children.json")!r}))
threading.Thread(target=children.bury_orphans, daemon=True).start()
for number in range(20):
    line = "(sleep 0.01 & echo $! >> pids) ; exit 7"
    child = children.spawn(Command(("/bin/sh", "-c", line), Path("."), {ENV!r}), subprocess.DEVNULL)
    assert child.wait() == 7, child.returncode
    children.forget(child)
deadline = time.monotonic() + 10
while any(Path(f"/proc/{{pid}}").exists() for pid in Path("pids").read_text().split()):
    assert time.monotonic() < deadline, "orphans are still there"
    time.sleep(0.01)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_an_exit_is_told_as_people_say_it() -> None:
    assert exit_clause(0) == "exited with code 0"
    assert exit_clause(-signal.SIGKILL) == "was killed by SIGKILL"
    assert exit_clause(-70) == "was killed by signal 70"


def test_waiting_for_groups_is_bounded(tmp_path: Path) -> None:
    began = time.monotonic()
    assert wait_for_groups([os.getpgid(0)], 0.05) is False
    assert time.monotonic() - began < 5
