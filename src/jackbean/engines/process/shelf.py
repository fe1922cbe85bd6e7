"""The languages of all platforms but Python: the machine's, else fetched into the data folder once.

A fetched runtime never changes: it is made under another name, written to the disk and renamed, so
whatever has its own name is whole. Several versions lie side by side, and all instances see the
folder that holds them, so that one fetched later is there at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from platform import machine
from secrets import token_hex

from jackbean.core.errors import JackbeanError
from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.runtimes import Need, needs
from jackbean.engines.process import environment, filesystem, machine_runtimes, tools
from jackbean.engines.process.machine_runtimes import Found
from jackbean.engines.process.wheels import (
    INSTALL,
    RECIPES,
    Debian,
    Recipe,
    Warming,
    Wheel,
)

FETCHING = ".fetching-"
FETCH_S = 900
TAIL_LINES = 30
MEGA = 1 << 20
# Where no machine has every version, one of the same major stands in for another, with a warning.
STAND_INS = frozenset({"php", "ruby"})


class Missing(JackbeanError):
    """A runtime that is neither here nor can be fetched. `tail` is what the attempt said last."""

    def __init__(self, cause: str, tail: str = "") -> None:
        super().__init__(cause)
        self.tail = tail


@dataclass(frozen=True)
class Shelf:
    """Where fetched runtimes are, and what fetching them takes."""

    folder: Path
    environ: Mapping[str, str]

    def fetched(self, need: Need) -> Found | None:
        recipe = recipe_of(need)
        home = self.folder / label(need, recipe) / recipe.home if recipe else None
        if recipe is None or home is None or not home.is_dir():
            return None
        return Found(need.language, recipe.version, home, shared=False, lacks=recipe.lacks)

    def here(self, need: Need) -> Found | None:
        """Return a runtime that fits and need not be fetched."""
        return present(need, machine_runtimes.find()) or self.fetched(need)

    def fetch(self, need: Need, recipe: Recipe) -> Found:
        """Fetch a runtime. Raises Missing."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        staging = self.folder / f"{FETCHING}{token_hex(8)}"
        try:
            self.tidy()
            staging.mkdir(mode=0o755)
            _download(recipe, staging, self.environ)
            _finish(recipe, staging)
            if isinstance(recipe, Wheel) and recipe.warm:
                _warm(recipe.warm, staging, self.environ)
            place = self.folder / label(need, recipe)
            if not place.exists():
                staging.rename(place)
        except (OSError, subprocess.SubprocessError) as error:
            raise Missing(_unfetched(need, recipe, str(error))) from error
        finally:
            filesystem.remove(staging)
        found = self.fetched(need)
        if found is None:
            raise Missing(f"{recipe.source} has no {recipe.home}; report this.")
        return found

    def tidy(self) -> None:
        """Remove what earlier attempts left unfinished; others may be at it just now."""
        for old in self.folder.glob(FETCHING + "*"):
            if time.time() - old.stat().st_mtime > 2 * FETCH_S:
                filesystem.remove(old)


def announcement(need: Need, recipe: Recipe) -> str:
    """Return what is said while a runtime is fetched."""
    size = "" if isinstance(recipe, Debian) else f", {_megabytes(recipe)} MB"
    return f"Fetching {need.title} ({recipe.source}{size}); this machine keeps it."


def missing(need: Need) -> str:
    return f"{need.title} is not on this machine. To have it: {remedy(need)}."


def label(need: Need, recipe: Recipe) -> str:
    return f"{need.language}-{recipe.version}"


def present(need: Need, found: Iterable[Found]) -> Found | None:
    """Return the runtime of this machine that fits best: the very version, else a stand-in."""
    same = [f for f in found if f.language == need.language]
    exact = [f for f in same if need.fits(f.version)]
    return next(iter(exact), None) or next((f for f in same if stands_in(need, f)), None)


def stands_in(need: Need, found: Found) -> bool:
    major = need.version.partition(".")[0]
    return need.language in STAND_INS and found.version.partition(".")[0] == major


def recipe_of(need: Need) -> Recipe | None:
    """Return how a runtime is fetched on a machine like this one; None where it cannot be."""
    recipe = RECIPES.get(need)
    match recipe:
        case Wheel():
            return recipe if _architecture() in recipe.files and tools.uv() else None
        case Debian():
            return recipe if debian() else None
        case None:
            return None


def remedy(need: Need) -> str:
    """Return what brings a runtime that cannot be fetched."""
    return INSTALL.get(need.language, "install {title}").format(
        version=need.version, title=need.title
    )


@cache
def debian() -> bool:
    """Return whether packages of Debian can be fetched and unpacked here, by anybody."""
    return all(map(shutil.which, ("apt-get", "dpkg-deb")))


def branches(found: Iterable[Found], shelf: Shelf) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the branches that run here, and of those that run on a stand-in.

    Python's are not among them: they depend on interpreters.
    """
    have = tuple(found)
    runs: set[str] = set()
    stand_ins: set[str] = set()
    for branch in BRANCHES:
        wanted = [n for n in needs(branch) if n.language != "python"]
        if not wanted or branch.platform_name == "Python":
            continue
        ways = [present(n, have) or shelf.fetched(n) or recipe_of(n) for n in wanted]
        if all(ways):
            runs.add(branch.name)
        pairs = zip(wanted, ways, strict=True)
        if all(ways) and any(isinstance(w, Found) and not n.fits(w.version) for n, w in pairs):
            stand_ins.add(branch.name)
    return frozenset(runs), frozenset(stand_ins)


def _architecture() -> str:
    return tools.ARCHITECTURES.get(machine().lower(), "unknown")


def _megabytes(wheel: Wheel) -> int:
    return round(wheel.files[_architecture()][1] / MEGA)


def _download(recipe: Recipe, staging: Path, environ: Mapping[str, str]) -> None:
    match recipe:
        case Wheel():
            _install_wheel(recipe, staging, environ)
        case Debian():
            _run(("apt-get", "download", "-q", *recipe.packages), staging, environ)
            for package in sorted(staging.glob("*.deb")):
                _run(("dpkg-deb", "-x", str(package), str(staging)), staging, environ)
                package.unlink()


def _install_wheel(wheel: Wheel, staging: Path, environ: Mapping[str, str]) -> None:
    """Have uv install the one file whose hash is known, and nothing else."""
    uv = tools.uv()
    digest = wheel.files[_architecture()][0]
    request = staging.with_suffix(".txt")
    request.write_text(f"{wheel.package}=={wheel.release} --hash=sha256:{digest}\n")
    env = {**environment.packages(environ), "UV_NO_CACHE": "1", "UV_PYTHON_DOWNLOADS": "never"}
    told = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "--python", sys.executable)
    argv = (
        str(uv),
        "pip",
        "install",
        "--quiet",
        *told,
        "--target",
        str(staging),
        "-r",
        str(request),
    )
    try:
        _run(argv, staging, {**environ, **env})
    finally:
        request.unlink()


def _run(argv: tuple[str, ...], cwd: Path, environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        argv, cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=FETCH_S, check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip().splitlines()[-TAIL_LINES:]
        raise OSError(" ".join(line.strip() for line in said) or f"{argv[0]} failed")


def _finish(recipe: Recipe, staging: Path) -> None:
    """Let everybody read it, and run what is a program; write it to the disk."""
    home = staging / recipe.home
    if not home.is_dir():
        raise OSError(f"it has no {recipe.home}")
    for path in (staging, *staging.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
    for name in recipe.programs if isinstance(recipe, Wheel) else ():
        if (home / name).is_file():
            (home / name).chmod(0o755)
    os.sync()


def _warm(warming: Warming, staging: Path, environ: Mapping[str, str]) -> None:
    """Do the work of a warming; without it the runtime is only slower."""
    (staging / warming.name).write_text(warming.source)
    told = {n: v if n != "GOCACHE" else str(staging / v) for n, v in warming.variables.items()}
    argv = (str(staging / warming.command[0]), *warming.command[1:])
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        _run(argv, staging, {**environ, "HOME": str(staging), **told})
    (staging / warming.name).unlink()
    for path in staging.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))


def _unfetched(need: Need, recipe: Recipe, why: str) -> str:
    return (
        f"{need.title} could not be fetched ({recipe.source}): {why[-600:]} "
        f"Try `jackbean runtimes add {need.name}`, or {remedy(need)}."
    )
