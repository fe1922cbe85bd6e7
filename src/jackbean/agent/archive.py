"""Unpacking a source bundle as `unzip` would, and nothing that its maker could have meant ill.

Everything is judged from the directory before the first byte is written; while writing, no entry
may hold more than it announced. Links are made last, and looked at once all of them are there: as
long as files are written there is no link to follow.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from jackbean.agent import zipdirectory
from jackbean.agent.zipdirectory import BadZip, Entry

UNPACKED_BYTES_MAX = 2 << 30
RATIO_MAX = 200  # above RATIO_FROM_BYTES; source text packs 3 to 10 times, logs 50
RATIO_FROM_BYTES = 256 << 20
PATH_BYTES_MAX = 1_024
NAME_BYTES_MAX = 255
LINK_BYTES_MAX = 1_024
FREE_BYTES_MIN = 64 << 20
PIECE_BYTES = 256 << 10
STORED, DEFLATED = 0, 8


@dataclass(frozen=True)
class Item:
    """An entry, and the path inside the root that it stands for."""

    path: str
    entry: Entry


@dataclass(frozen=True)
class Plan:
    """What unpacking will do: each path once."""

    folders: tuple[Item, ...]
    files: tuple[Item, ...]
    links: tuple[Item, ...]


def unpack(
    archive: Path, root: Path, owner: tuple[int, int] | None, check: Callable[[], None]
) -> None:
    """Unpack into `root`, an empty directory. Raises BadZip with a sentence.

    `owner` is who everything will belong to; `check` is called now and then and may raise.
    """
    with archive.open("rb") as file:
        plan = planned(zipdirectory.read(file), archive.stat().st_size)
        _check_disk(plan, root)
        _make_folders(plan, root, owner)
        for item in plan.files:
            check()
            _write(file, item, root / item.path)
            _own(root / item.path, owner)
        _make_links(file, plan, root, owner)
    for item in reversed(plan.folders):
        (root / item.path).chmod(_mode(item.entry, 0o755) | 0o700)


def planned(entries: list[Entry], archive_bytes: int) -> Plan:
    """Judge all entries; of several with the same path the last counts, as with `unzip -o`."""
    items: dict[str, Item] = {}
    for entry in entries:
        path = _path(entry)
        if path:
            _check_entry(entry)
            items.pop(path, None)
            items[path] = Item(path, entry)
    _check_sizes(items.values(), archive_bytes)
    _check_tree(items)
    kinds: dict[str, list[Item]] = {"folder": [], "file": [], "link": []}
    for item in items.values():
        kinds[_kind(item.entry)].append(item)
    return Plan(*(tuple(kind) for kind in kinds.values()))


def _path(entry: Entry) -> str:
    """Return the path inside the root that an entry's name means; empty for the root itself."""
    name = entry.name.replace("\\", "/")
    if "\0" in name:
        raise BadZip(f"The name {entry.name!r} has a NUL in it.")
    if name.startswith("/") or name[1:3] == ":/":
        raise BadZip(f"The name {entry.name!r} is absolute; pack the bundle with relative paths.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadZip(f"The name {entry.name!r} leads out of the bundle.")
    if any(len(part.encode()) > NAME_BYTES_MAX for part in parts):
        raise BadZip(f"A name in {entry.name[:80]!r}... is over {NAME_BYTES_MAX} bytes long.")
    path = "/".join(parts)
    if len(path.encode()) > PATH_BYTES_MAX:
        raise BadZip(f"The name {entry.name[:80]!r}... is over {PATH_BYTES_MAX} bytes long.")
    return path


def _kind(entry: Entry) -> str:
    if entry.is_link:
        return "link"
    if entry.name.endswith(("/", "\\")) or stat.S_ISDIR(entry.mode):
        return "folder"
    return "file"


def _check_entry(entry: Entry) -> None:
    if entry.encrypted:
        raise BadZip(f"{entry.name} is encrypted; pack the bundle without a password.")
    if entry.method not in (STORED, DEFLATED):
        raise BadZip(f"{entry.name} is packed by method {entry.method}; use deflate.")
    kind = stat.S_IFMT(entry.mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise BadZip(f"{entry.name} is neither a file, a directory nor a link.")
    if entry.is_link and entry.bytes > LINK_BYTES_MAX:
        raise BadZip(f"{entry.name} is a link to {entry.bytes} bytes of path.")


def _check_sizes(items: Iterable[Item], archive_bytes: int) -> None:
    total = sum(item.entry.bytes for item in items)
    if total > UNPACKED_BYTES_MAX:
        raise BadZip(f"It unpacks to {_mb(total)}; at most {_mb(UNPACKED_BYTES_MAX)} are taken.")
    if total > RATIO_FROM_BYTES and total > RATIO_MAX * archive_bytes:
        raise BadZip(
            f"It unpacks from {_mb(archive_bytes)} to {_mb(total)}, more than {RATIO_MAX} times "
            "its size: that is refused as an archive bomb."
        )


def _check_tree(items: dict[str, Item]) -> None:
    """Refuse what would have to be written below a file or through a link."""
    for path in items:
        above = path.rpartition("/")[0]
        while above:
            found = items.get(above)
            if found and _kind(found.entry) != "folder":
                kind = _kind(found.entry)
                raise BadZip(f"{path} is inside of {above}, which is a {kind} in the same bundle.")
            above = above.rpartition("/")[0]


def _check_disk(plan: Plan, root: Path) -> None:
    needed = sum(item.entry.bytes for item in plan.files)
    status = os.statvfs(root)
    free = status.f_bavail * status.f_frsize
    if needed + FREE_BYTES_MIN > free:
        raise BadZip(f"It unpacks to {_mb(needed)}, and the disk has {_mb(free)} free.")


def _make_folders(plan: Plan, root: Path, owner: tuple[int, int] | None) -> None:
    """Make all directories, also those that have no entry of their own."""
    wanted = {item.path for item in plan.folders}
    for item in (*plan.files, *plan.links):
        wanted.add(item.path.rpartition("/")[0])
    for path in sorted({above for below in wanted for above in _with_parents(below)}):
        (root / path).mkdir(mode=0o755, exist_ok=True)
        _own(root / path, owner)
    _own(root, owner)


def _with_parents(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _write(file: IO[bytes], item: Item, target: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(target, flags, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as out:
        for piece in _contents(file, item.entry):
            out.write(piece)
        os.fchmod(descriptor, _mode(item.entry, 0o644) | 0o600)


def _contents(file: IO[bytes], entry: Entry) -> Iterator[bytes]:
    """Return what an entry holds, piece by piece: as much as it announced, and undamaged."""
    crc = total = 0
    for piece in _unpacked(file, entry):
        total += len(piece)
        if total > entry.bytes:
            raise BadZip(f"{entry.name} holds more than the {entry.bytes} bytes it announces.")
        crc = zlib.crc32(piece, crc)
        yield piece
    if total != entry.bytes or crc != entry.crc:
        raise BadZip(f"{entry.name} is damaged; pack and upload the bundle again.")


def _unpacked(file: IO[bytes], entry: Entry) -> Iterator[bytes]:
    file.seek(zipdirectory.data_offset(file, entry))
    left = entry.packed_bytes
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == DEFLATED else None
    while left > 0:
        packed = file.read(min(left, PIECE_BYTES))
        if not packed:
            return
        left -= len(packed)
        if inflate is None:
            yield packed
        else:
            yield from _inflated(inflate, packed, entry)
    while inflate and not inflate.eof and (rest := inflate.decompress(b"", PIECE_BYTES)):
        yield rest


def _inflated(inflate: zlib._Decompress, packed: bytes, entry: Entry) -> Iterator[bytes]:
    try:
        while packed and not inflate.eof:
            yield inflate.decompress(packed, PIECE_BYTES)
            packed = inflate.unconsumed_tail
    except zlib.error:
        raise BadZip(f"{entry.name} is damaged; pack and upload the bundle again.") from None


def _make_links(file: IO[bytes], plan: Plan, root: Path, owner: tuple[int, int] | None) -> None:
    for item in plan.links:
        raw = b"".join(_contents(file, item.entry))
        if not raw or b"\0" in raw:
            raise BadZip(f"{item.path} is a link to nowhere.")
        path = root / item.path
        path.symlink_to(os.fsdecode(raw))
        _own(path, owner)
    real_root = os.path.realpath(root)
    for item in plan.links:
        real = os.path.realpath(root / item.path)
        if real != real_root and not real.startswith(f"{real_root}/"):
            goal = (root / item.path).readlink()
            raise BadZip(f"{item.path} is a link to {goal}, which leads out of the bundle.")


def _own(path: Path, owner: tuple[int, int] | None) -> None:
    if owner:
        os.lchown(path, *owner)


def _mode(entry: Entry, default: int) -> int:
    """Return the permissions of an entry; never setuid, setgid or sticky."""
    return entry.mode & 0o777 or default


def _mb(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MB"
