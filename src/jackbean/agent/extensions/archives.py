"""`sources`: archives that are fetched and unpacked over a folder, as safely as a bundle is.

What is in an archive takes the place of what has the same name in the folder; the rest stays.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from jackbean.agent import archive
from jackbean.agent.extensions.bench import Bench
from jackbean.agent.extensions.fetching import fetch
from jackbean.agent.phases import StepFailed
from jackbean.agent.zipdirectory import BadZip
from jackbean.core.instructions import Archive, Extension

# An archive of a repository that GitHub makes has everything in one folder that nobody asked for.
GITHUB = ("https://github.com/", "https://api.github.com/", "https://codeload.github.com/")
GITHUB_KINDS = ("/zipball/", "/tarball/", "/archive/", "/zip/", "/tar.gz/")


def unpack_all(bench: Bench, extension: Extension) -> None:
    """Fetch and unpack every archive of a config file."""
    for source in extension.sources:
        try:
            _unpack(bench, source)
        except BadZip as error:
            raise StepFailed(f"sources: {source.target}: {error}") from None
        bench.changed["sources"].add(source.target)
        bench.written.add(source.target)
        bench.journal.info(f"Unpacked {source.target}")


def _unpack(bench: Bench, source: Archive) -> None:
    target = bench.place(source.target)
    target.mkdir(parents=True, exist_ok=True)
    mark = f".jackbean-{time.time_ns()}"
    packed, unpacked = target / f"{mark}.archive", target / mark
    try:
        fetch(bench, source.origin, packed)
        unpacked.mkdir(mode=0o755)
        unpack(packed, unpacked, bench.run.check)
        root = unpacked
        if source.origin.url.startswith(GITHUB) and any(
            kind in source.origin.url for kind in GITHUB_KINDS
        ):
            root = _inner(unpacked)
        _move(root, target)
    finally:
        packed.unlink(missing_ok=True)
        shutil.rmtree(unpacked, ignore_errors=True)


def _inner(folder: Path) -> Path:
    """Return the only folder in a folder, else the folder itself."""
    found = list(folder.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else folder


def _move(source: Path, target: Path) -> None:
    """Move what is in a folder over another one."""
    for path in source.iterdir():
        there = target / path.name
        if path.is_dir() and not path.is_symlink() and there.is_dir() and not there.is_symlink():
            _move(path, there)
            continue
        if there.is_dir() and not there.is_symlink():
            shutil.rmtree(there)
        path.replace(there)


def unpack(packed: Path, root: Path, check: Callable[[], None]) -> None:
    """Unpack a ZIP or tar file into an empty folder. Raises BadZip."""
    with packed.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"PK":
        archive.unpack(packed, root, None, check)
        return
    from jackbean.agent.extensions import tars  # noqa: PLC0415 - 15 ms, and seldom needed

    tars.unpack(packed, root, check)
