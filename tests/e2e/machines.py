"""What really runs of an installation, read from its directory and the kernel, not asked of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from jackbean.engines.process.supervise import Running, Shim


def machines(data_dir: Path) -> dict[str, Running]:
    """Return the instances that run, by name."""
    found = {}
    for directory in (data_dir / "instances").iterdir():
        state = Shim(directory / "shim").look()
        if isinstance(state, Running):
            found[directory.name] = state
    return found


def disks(data_dir: Path) -> set[str]:
    """Return the names of everything that has, or had, a disk."""
    return {directory.name for directory in (data_dir / "instances").iterdir()}


def envoy(data_dir: Path) -> Running | None:
    state = Shim(data_dir / "envoy" / "shim").look()
    return state if isinstance(state, Running) else None


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
