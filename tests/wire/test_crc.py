from __future__ import annotations

import binascii
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.wire.crc import CRC32C, CRC64NVME, Crc, Parameters, table

BOTH = pytest.mark.parametrize("parameters", [CRC32C, CRC64NVME], ids=["crc32c", "crc64nvme"])


def crc(parameters: Parameters, *pieces: bytes) -> str:
    whole = Crc(parameters)
    for piece in pieces:
        whole.update(piece)
    return whole.digest().hex()


def by_table(parameters: Parameters, data: bytes) -> str:
    """The same, one byte at a time."""
    ones = (1 << parameters.width) - 1
    state, lookup = ones, table(parameters)
    for byte in data:
        state = lookup[(state ^ byte) & 0xFF] ^ (state >> 8)
    return (state ^ ones).to_bytes(parameters.width // 8, "big").hex()


@pytest.mark.parametrize(
    ("parameters", "data", "expected"),
    [
        (CRC32C, b"123456789", "e3069283"),
        (CRC32C, bytes(32), "8a9136aa"),
        (CRC32C, b"\xff" * 32, "62a8ab43"),
        (CRC64NVME, b"123456789", "ae8b14860a799888"),
        (CRC64NVME, bytes(4096), "6482d367eb22b64e"),
        (CRC64NVME, b"\xff" * 4096, "c0ddba7302eca3ac"),
    ],
)
def test_published_values(parameters, data, expected):
    assert crc(parameters, data) == expected


@BOTH
@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 4096, 65_535, 65_536, 262_145])
def test_folding_gives_what_the_table_gives(parameters, size):
    data = bytes(binascii.crc32(bytes([n % 251, n % 7])) & 0xFF for n in range(size))
    assert crc(parameters, data) == by_table(parameters, data)


@BOTH
@settings(max_examples=30, deadline=None)
@given(
    data=st.binary(max_size=300), copies=st.integers(1, 60), cuts=st.lists(st.integers(0, 18_000))
)
def test_pieces_make_no_difference(parameters, data, copies, cuts):
    data *= copies
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert crc(parameters, *pieces) == by_table(parameters, data)


@BOTH
def test_the_terms_are_the_remainder_of_their_power(parameters):
    """Every claim that folding rests on: x^exponent is the sum of its terms, modulo P."""
    width = parameters.width
    poly = int(f"{parameters.poly:0{width}b}"[::-1], 2)  # most significant bit first
    remainder = 1
    for _ in range(parameters.exponent):
        carry = remainder >> (width - 1)
        remainder = ((remainder << 1) & ((1 << width) - 1)) ^ (poly if carry else 0)
    assert remainder == sum(1 << term for term in parameters.terms)
