"""Every process that the agent starts, so that none is lost sight of.

An agent that was killed leaves its processes behind where nothing holds the instance together. So
each process leads a session of its own, and the sessions are written down as they begin: the next
agent ends them before it starts anything. As process 1, the agent also buries whatever processes
are left without a parent.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LEFTOVER_GRACE_S = 2.0
LOOK_AGAIN_S = 0.005
ZOMBIES_S = 0.05  # those who take longer than that to be buried do not count


@dataclass(frozen=True)
class Command:
    """What is run, where, as whom; built by pure functions."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    user: str = ""


class Children:
    def __init__(self, register: Path) -> None:
        self._register = register
        self._lock = threading.Lock()
        self._began: dict[int, int] = {}

    def spawn(self, command: Command, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own, with both its outputs to `output`."""
        uid, gid = account(command.user) if command.user else (None, None)
        with self._lock:
            child = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env=dict(command.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o022,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
            )
            self._began[child.pid] = _began(child.pid)
            self._write()
        return child

    def forget(self, child: subprocess.Popen[bytes]) -> None:
        """Take note that a process has been waited for and its session has ended."""
        with self._lock:
            self._began.pop(child.pid, None)
            self._write()

    def sessions(self) -> frozenset[int]:
        """Return the sessions of all processes that are not forgotten, and our own."""
        with self._lock:
            return frozenset((*self._began, os.getsid(0)))

    def end_leftovers(self) -> None:
        """End what an agent before this one has left behind."""
        sessions = [pid for pid, began in self._read().items() if _is_ours(pid, began)]
        for pid in sessions:
            kill_group(pid, signal.SIGTERM)
        if not wait_for_groups(sessions, LEFTOVER_GRACE_S):
            for pid in sessions:
                kill_group(pid, signal.SIGKILL)
            wait_for_groups(sessions, LEFTOVER_GRACE_S)

    def bury_orphans(self) -> None:
        """Wait for processes that are not ours but have become so; for ever, in a thread."""
        while True:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                info = None
            with self._lock:
                if info and info.si_pid not in self._began:
                    with suppress(ChildProcessError):  # its owner was quicker
                        os.waitpid(info.si_pid, os.WNOHANG)
                    continue
            time.sleep(LOOK_AGAIN_S if info else 1.0)

    def _write(self) -> None:
        new = self._register.with_suffix(".new")
        with suppress(OSError):  # a full disk must not end what runs
            new.write_text(json.dumps({str(pid): began for pid, began in self._began.items()}))
            new.replace(self._register)

    def _read(self) -> dict[int, int]:
        try:
            data = json.loads(self._register.read_text())
            return {int(pid): int(began) for pid, began in data.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}


def account(user: str) -> tuple[int, int]:
    """Return the ids of a user and its group."""
    import pwd  # noqa: PLC0415 - only instances with an account of their own need it

    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on; none if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("latin-1")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def processes() -> Iterator[int]:
    """Return all process ids that can be seen."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - names only


def _began(pid: int) -> int:
    fields = stat_fields(pid)
    return int(fields[19]) if len(fields) > 19 else 0


def _is_ours(pid: int, began: int) -> bool:
    """Tell if a session is the one that was written down.

    The id of a session is not given to another process while the session has members, so one whose
    leader is gone is still ours.
    """
    now = _began(pid)
    if now:
        return now == began
    return any(fields[3:4] == [str(pid)] for fields in map(stat_fields, processes()))


def kill_group(pid: int, number: int) -> bool:
    """Send a signal to a process and all that it started; tell if there was any."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # a member changed its user; the others have got it
        return True
    return True


def wait_for_groups(pids: list[int], timeout_s: float) -> bool:
    """Wait until groups have no members; tell if they have none."""
    began = time.monotonic()
    while left := [pid for pid in pids if kill_group(pid, 0)]:
        waited_s = time.monotonic() - began
        if waited_s > ZOMBIES_S and not any(map(_lives, left)):
            return True
        if waited_s >= timeout_s:
            return False
        time.sleep(LOOK_AGAIN_S)
    return True


def _lives(group: int) -> bool:
    """Tell if a group has members that are more than unburied."""
    seen = (stat_fields(pid)[:3] for pid in processes())
    return any(fields[2:] == [str(group)] and fields[0] != "Z" for fields in seen)
