"""Which bytes of an object a request asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jackbean.core.errors import Fault
from jackbean.services.objects import faults

RANGE = re.compile(r"bytes=(\d{0,20})-(\d{0,20})", re.ASCII)


@dataclass(frozen=True)
class Slice:
    """`length` bytes from `first`, of `size`. `partial` ones are answered with 206."""

    first: int
    length: int
    size: int
    partial: bool = False

    @property
    def content_range(self) -> str:
        return f"bytes {self.first}-{self.first + self.length - 1}/{self.size}"


def of_header(header: str, size: int) -> Slice:
    """Return what a Range header asks for of `size` bytes.

    A header that is no single range of bytes is ignored, as RFC 9110 has it and S3 does. Raises
    the Fault InvalidRange where none of the bytes exist.
    """
    found = RANGE.fullmatch(header.strip())
    if found is None or found.group(1, 2) == ("", ""):
        return Slice(0, size, size)
    start, end = found.groups()
    if not start:
        return _last(int(end), size)
    first, last = int(start), min(int(end), size - 1) if end else size - 1
    if end and int(end) < first:
        return Slice(0, size, size)
    if first >= size:
        raise unsatisfiable(size)
    return Slice(first, last - first + 1, size, partial=True)


def _last(count: int, size: int) -> Slice:
    if count == 0 or size == 0:
        raise unsatisfiable(size)
    length = min(count, size)
    return Slice(size - length, length, size, partial=True)


def of_part(number: int, parts: tuple[int, ...], size: int) -> Slice:
    """Return part `number` of an object; one uploaded whole has one part."""
    sizes = parts or (size,)
    if not 1 <= number <= len(sizes):
        raise Fault("InvalidPartNumber", "The requested partnumber is not satisfiable", 416)
    first = sum(sizes[: number - 1])
    return Slice(first, sizes[number - 1], size, partial=True)


def of_copy(header: str, size: int) -> Slice:
    """Return what x-amz-copy-source-range asks for: `bytes=first-last`, wholly inside."""
    found = RANGE.fullmatch(header.strip())
    if found is None or "" in found.groups():
        raise faults.argument("x-amz-copy-source-range must be bytes=first-last")
    first, last = int(found[1]), int(found[2])
    if not first <= last < size:
        raise faults.argument(f"Range specified is not valid for source object of size: {size}")
    return Slice(first, last - first + 1, size, partial=True)


def unsatisfiable(size: int) -> Fault:
    return Fault(
        "InvalidRange", f"The requested range is not satisfiable: the object has {size} bytes", 416
    )
