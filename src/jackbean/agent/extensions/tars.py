"""Tar files, compressed or not, unpacked as safely as ZIP files are.

They are read from front to back. Links are made last, so that nothing is written through one, and
looked at once all of them are there.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from jackbean.agent.archive import (
    FREE_BYTES_MIN,
    NAME_BYTES_MAX,
    PATH_BYTES_MAX,
    UNPACKED_BYTES_MAX,
)
from jackbean.agent.zipdirectory import ENTRIES_MAX, BadZip

PIECE_BYTES = 256 << 10
HEADER_BYTES_MAX = 1 << 20  # what an entry may have for its name and its attributes
COMPRESSIONS = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "lzma"))
HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def unpack(packed: Path, root: Path, check: Callable[[], None]) -> None:
    """Unpack into an empty folder. Raises BadZip with a sentence."""
    try:
        with _decompressed(packed) as file:
            stream = cast(IO[bytes], _Bounded(file))
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Entry) as tar:
                _Extraction(tar, root).run(check)
    except BadZip:
        raise
    except (tarfile.TarError, EOFError, ValueError, RecursionError) as error:
        raise BadZip(f"it is no ZIP or tar file, or is damaged ({error}).") from None


class _Entry(tarfile.TarInfo):
    """An entry whose header is looked at before it is believed."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> _Entry:
        found = super().frombuf(buf, encoding, errors)
        if found.type in HEADERS and found.size > HEADER_BYTES_MAX:
            raise BadZip(f"an entry has {found.size} bytes of names and attributes.")
        return found


class _Bounded:
    """What a file holds, as much of it as may be, and not too much at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = UNPACKED_BYTES_MAX + ENTRIES_MAX * 1024

    def read(self, size: int) -> bytes:
        try:
            data = self._file.read(min(size, PIECE_BYTES))
        except (OSError, EOFError, ValueError) as error:
            raise BadZip(f"it is damaged: {error}.") from None
        self._left -= len(data)
        if self._left < 0:
            raise BadZip(f"it unpacks to more than {UNPACKED_BYTES_MAX >> 20} MB.")
        return data


def _decompressed(path: Path) -> IO[bytes]:
    """Open a file for what it holds; the module of a compression is imported where it is needed."""
    with path.open("rb") as file:
        head = file.read(6)
    for magic, module in COMPRESSIONS:
        if head.startswith(magic):
            return cast(IO[bytes], import_module(module).open(path))
    return path.open("rb")


class _Extraction:
    def __init__(self, tar: tarfile.TarFile, root: Path) -> None:
        self._tar = tar
        self._root = root
        self._links: dict[str, tarfile.TarInfo] = {}
        self._files: set[str] = set()
        self._bytes = 0

    def run(self, check: Callable[[], None]) -> None:
        for number, entry in enumerate(self._tar):
            check()
            if number >= ENTRIES_MAX:
                raise BadZip(f"it has over {ENTRIES_MAX} entries.")
            if path := _path(entry.name):
                self._take(path, entry)
        for path, entry in self._links.items():
            self._link(path, entry)
        for path in self._links:
            self._check(path)

    def _take(self, path: str, entry: tarfile.TarInfo) -> None:
        self._bytes += entry.size
        if self._bytes > UNPACKED_BYTES_MAX:
            raise BadZip(f"it unpacks to more than {UNPACKED_BYTES_MAX >> 20} MB.")
        if entry.issym() or entry.islnk():
            self._links[path] = entry
        elif entry.isdir():
            (self._root / path).mkdir(mode=0o755, parents=True, exist_ok=True)
        elif entry.isreg():
            self._write(entry, self._root / path)
            self._files.add(path)
        else:
            raise BadZip(f"{path[:80]} is neither a file, a folder nor a link.")

    def _write(self, entry: tarfile.TarInfo, target: Path) -> None:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        status = os.statvfs(target.parent)
        if entry.size + FREE_BYTES_MIN > status.f_bavail * status.f_frsize:
            raise BadZip(f"there is no room for {entry.size >> 20} MB on the disk.")
        source = self._tar.extractfile(entry)
        target.unlink(missing_ok=True)
        with target.open("xb") as file:
            while source and (piece := source.read(PIECE_BYTES)):
                file.write(piece)
        target.chmod((entry.mode & 0o777) | stat.S_IWUSR | stat.S_IRUSR)

    def _link(self, path: str, entry: tarfile.TarInfo) -> None:
        target = self._root / path
        if any(str(above) in self._links for above in PurePosixPath(path).parents):
            raise BadZip(f"{path[:80]} is inside of what is a link in the same archive.")
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if target.is_symlink() or target.exists():
            raise BadZip(f"{path[:80]} is there twice, once as a link.")
        if entry.issym():
            target.symlink_to(entry.linkname)
            return
        goal = _path(entry.linkname)
        if goal not in self._files:
            raise BadZip(f"{path[:80]} is a link to {goal[:80]}, which is no file in it.")
        shutil.copy2(self._root / goal, target)

    def _check(self, path: str) -> None:
        real, found = os.path.realpath(self._root), os.path.realpath(self._root / path)
        if found != real and not found.startswith(f"{real}/"):
            raise BadZip(f"{path[:80]} is a link that leads out of it.")


def _path(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise BadZip(f"the name {name[:80]!r} leads out of it.")
    too_long = any(len(part.encode("utf-8", "replace")) > NAME_BYTES_MAX for part in parts)
    path = "/".join(parts)
    if too_long or len(path) > PATH_BYTES_MAX:
        raise BadZip(f"the name {name[:80]!r}... is too long.")
    return path
