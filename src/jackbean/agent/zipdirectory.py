"""The directory at the end of a ZIP file, read with a bound on everything.

`zipfile` believes the sizes it reads and holds every entry before the first can be looked at; it
also takes 25 ms to import. What an instance needs of the format is this page.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

ENTRIES_MAX = 200_000
DIRECTORY_BYTES_MAX = 64 << 20

END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR64 = struct.Struct("<4sLQL")
CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
COMMENT_BYTES_MAX = 0xFFFF
UNKNOWN = 0xFFFFFFFF
UNIX_MAKERS = (3, 19)  # Unix, macOS

MAGICS = (
    (b"\x1f\x8b", "a gzip file (.tar.gz?)"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"7z\xbc\xaf", "a 7-Zip file"),
    (b"Rar!", "a RAR file"),
    (b"<", "a page of HTML or XML"),
)


class BadZip(ValueError):
    """A sentence that says what is wrong with the file, and where."""


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    method: int
    encrypted: bool
    crc: int
    packed_bytes: int
    bytes: int
    offset: int
    mode: int  # as in stat; 0 where the maker knew none

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)


@dataclass(frozen=True)
class _Span:
    """Where the directory is. `shift` is what precedes the archive in the file."""

    start: int
    bytes: int
    entries: int
    shift: int


def read(file: IO[bytes]) -> list[Entry]:
    """Return the entries in the order of the directory. Raises BadZip."""
    span = _find(file)
    if span.entries > ENTRIES_MAX:
        raise BadZip(f"It has {span.entries} entries; at most {ENTRIES_MAX} are taken.")
    if span.bytes > DIRECTORY_BYTES_MAX:
        raise BadZip(f"Its directory has {span.bytes} bytes; at most {DIRECTORY_BYTES_MAX}.")
    file.seek(span.start)
    data = file.read(span.bytes)
    if len(data) < span.bytes:
        raise BadZip("It is cut off: its directory is not whole.")
    entries = list(_entries(data, span.shift))
    if len(entries) != span.entries:
        raise BadZip(f"It announces {span.entries} entries and has {len(entries)}.")
    return entries


def data_offset(file: IO[bytes], entry: Entry) -> int:
    """Return where the data of an entry begins."""
    file.seek(entry.offset)
    head = file.read(LOCAL.size)
    if len(head) < LOCAL.size or head[:4] != b"PK\3\4":
        raise BadZip(f"{entry.name}: its data is not where the directory says.")
    fields = LOCAL.unpack(head)
    return int(entry.offset + LOCAL.size + fields[9] + fields[10])


def _find(file: IO[bytes]) -> _Span:
    length = file.seek(0, os.SEEK_END)
    tail_bytes = min(length, END.size + COMMENT_BYTES_MAX)
    file.seek(length - tail_bytes)
    tail = file.read(tail_bytes)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < END.size:
        raise BadZip(_what_it_is(file, length))
    end = length - tail_bytes + at
    _, disk, first_disk, _, entries, size, start, _ = END.unpack_from(tail, at)
    if disk != first_disk or disk not in (0, 0xFFFF):
        raise BadZip("It is one part of several; join them first.")
    if 0xFFFF in (entries, disk) or UNKNOWN in (size, start):
        return _find64(file, end)
    return _placed(end, size, start, entries)


def _find64(file: IO[bytes], end: int) -> _Span:
    at = end - LOCATOR64.size
    file.seek(max(0, at))
    locator = file.read(LOCATOR64.size)
    if at < END64.size or locator[:4] != b"PK\6\7":
        file.seek(end)
        _, _, _, _, entries, size, start, _ = END.unpack(file.read(END.size))
        return _placed(end, size, start, entries)
    at -= END64.size
    file.seek(at)
    record = file.read(END64.size)
    if record[:4] != b"PK\6\6":
        raise BadZip("It is damaged: the 64-bit end of its directory is not in its place.")
    *_, entries, size, start = END64.unpack(record)
    return _placed(at, size, start, entries)


def _placed(end: int, size: int, start: int, entries: int) -> _Span:
    shift = end - size - start
    if shift < 0:
        raise BadZip("It is damaged or cut off: its directory is not where it says.")
    return _Span(start + shift, size, entries, shift)


def _entries(data: bytes, shift: int) -> Iterator[Entry]:
    at = 0
    for _ in range(ENTRIES_MAX + 1):
        if at >= len(data):
            return
        if len(data) - at < CENTRAL.size or data[at : at + 4] != b"PK\1\2":
            raise BadZip("It is damaged: its directory makes no sense.")
        fields = CENTRAL.unpack_from(data, at)
        at += CENTRAL.size
        lengths = fields[12:15]
        name = data[at : at + lengths[0]]
        extra = data[at + lengths[0] : at + lengths[0] + lengths[1]]
        at += sum(lengths)
        yield _entry(fields, name, extra, shift)


def _entry(fields: tuple[int, ...], raw: bytes, extra: bytes, shift: int) -> Entry:
    maker, flags, method = fields[2], fields[5], fields[6]
    crc, packed, size, offset = fields[9], fields[10], fields[11], fields[18]
    size, packed, offset = _sizes64(extra, (size, packed, offset))
    unix = maker in UNIX_MAKERS
    return Entry(
        name=_name(raw, utf8=bool(flags & 0x800)),
        method=method,
        encrypted=bool(flags & 0x2041),
        crc=crc,
        packed_bytes=packed,
        bytes=size,
        offset=offset + shift,
        mode=fields[17] >> 16 if unix else 0,
    )


def _sizes64(extra: bytes, sizes: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return size, packed size and offset; what did not fit is in the extra field."""
    wide = iter(_wide(extra))
    full = [next(wide, UNKNOWN) if value == UNKNOWN else value for value in sizes]
    return full[0], full[1], full[2]


def _wide(extra: bytes) -> list[int]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            body = extra[at + 4 : at + 4 + length]
            return [number for (number,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
        at += 4 + length
    return []


def _name(raw: bytes, *, utf8: bool) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if utf8:
            raise BadZip(f"The name {raw!r} is not UTF-8.") from None
        return raw.decode("cp437")


def _what_it_is(file: IO[bytes], length: int) -> str:
    if not length:
        return "It is empty."
    file.seek(0)
    head = file.read(8)
    if head.startswith(b"PK"):
        return "It is cut off: the end of the ZIP file is missing."
    kinds = [kind for magic, kind in MAGICS if head.startswith(magic)]
    return f"It is {kinds[0] if kinds else 'no ZIP file'}; a source bundle is a ZIP file."
