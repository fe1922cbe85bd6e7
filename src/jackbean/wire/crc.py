"""Cyclic redundancy checks that the standard library lacks, at a useful speed in pure Python.

A table takes one byte at a time, some 10 MB/s. Most of the work can be left to the interpreter's
long integers, whose shifts and exclusive-ors run at gigabytes per second. A message is a polynomial
over GF(2), its CRC the remainder by P. Let x^n = r(x) modulo P with few terms in r. Squaring keeps
a sum over GF(2) term by term, so x^(n*2^k) = r(x^(2^k)) as well: a head of the message of up to
about n*2^k bits may be replaced by a few shifted copies of itself, xored in n*2^k bits further on.
Halving so from megabytes to a kilobyte, the table does only the rest.

Bits are reflected, as both CRCs have them: bit 0 of the integer is the highest power.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

REST_BITS = 1 << 14  # fewer are not worth folding


@dataclass(frozen=True)
class Parameters:
    """`poly` is reflected. x^`exponent` is the sum of the powers in `terms`, modulo P."""

    width: int
    poly: int
    exponent: int
    terms: tuple[int, ...]


# The exponents were found by search: those below 2^13 whose remainder has the fewest terms.
CRC32C = Parameters(32, 0x82F63B78, 6305, (0, 12, 18, 19, 20, 28, 29))
CRC64NVME = Parameters(
    64,
    0x9A6C9329AC4BC9B5,
    7468,
    (0, 3, 18, 21, 23, 24, 25, 26, 27, 29, 30, 36, 39, 43, 45, 51, 54, 55, 59),
)


class Crc:
    """Works like a hash of `hashlib`. Initial value and final mask are all ones."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._table = table(parameters)
        self._ones = (1 << parameters.width) - 1
        self._state = self._ones

    def update(self, data: bytes) -> None:
        if len(data) * 8 > REST_BITS:
            data, state = _folded(data, self._state, self._parameters), 0
        else:
            state = self._state
        lookup = self._table
        for byte in data:
            state = lookup[(state ^ byte) & 0xFF] ^ (state >> 8)
        self._state = state

    def digest(self) -> bytes:
        return (self._state ^ self._ones).to_bytes(self._parameters.width // 8, "big")


@cache
def table(parameters: Parameters) -> tuple[int, ...]:
    """Return what each byte does to the state."""
    return tuple(_shifted(byte, parameters.poly) for byte in range(256))


def _shifted(state: int, poly: int) -> int:
    for _ in range(8):
        state = (state >> 1) ^ (poly if state & 1 else 0)
    return state


def _folded(data: bytes, state: int, parameters: Parameters) -> bytes:
    """Return a short message with the same remainder as `data` after `state`."""
    message, bits = int.from_bytes(data, "little") ^ state, len(data) * 8
    for distance, shifts in _strides(bits, parameters):
        nearest = min(shifts)
        while bits > 2 * distance:
            head = min(bits - distance, nearest) & ~7
            message, bits = _fold(message, head, shifts, nearest), bits - head
    return message.to_bytes(bits // 8, "little")


def _strides(bits: int, parameters: Parameters) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield, from far to near, how far a head is carried and where each of its copies goes."""
    scale = 1 << max(0, (bits // (2 * parameters.exponent)).bit_length() - 1)
    while scale:
        distance = parameters.exponent * scale
        yield distance, tuple(distance - term * scale for term in parameters.terms)
        scale >>= 1


def _fold(message: int, head_bits: int, shifts: tuple[int, ...], nearest: int) -> int:
    head = message & ((1 << head_bits) - 1)
    copies = 0
    for shift in shifts:
        copies ^= head << (shift - nearest)
    return (message >> head_bits) ^ (copies << (nearest - head_bits))
