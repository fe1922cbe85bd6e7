"""Blocks and slots."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.engines.process import addresses
from jackbean.engines.process.addresses import FIRST_SLOT, SLOTS, Subnet

TAGS = st.from_regex(r"[0-9a-f]{6}", fullmatch=True)
SLOT = st.integers(1, SLOTS)


@given(TAGS)
@settings(max_examples=5, deadline=None)
def test_blocks_are_the_tags_own_first_and_then_all_others_once(tag: str) -> None:
    for blocks, whole in (
        (addresses.loopback_blocks, IPv4Network("127.0.0.0/8")),
        (addresses.private_blocks, IPv4Network("10.0.0.0/8")),
    ):
        every = list(blocks(tag))
        assert len(set(every)) == len(every) == 2048
        assert all(block.network.subnet_of(whole) for block in every)
        assert every[0] == next(iter(blocks(tag)))


@given(TAGS, SLOT, SLOT)
def test_slots_have_an_address_each_that_looks_like_a_hosts(tag: str, one: int, other: int) -> None:
    block = next(addresses.loopback_blocks(tag))
    assert (block.address(one) == block.address(other)) == (one == other)
    assert block.address(one) in block.network
    assert 1 <= block.address(one).packed[3] <= 254


@given(st.sets(st.integers(FIRST_SLOT, FIRST_SLOT + 40)), st.integers(FIRST_SLOT, SLOTS - 1))
def test_the_next_slot_is_free_and_not_the_last_one(taken: set[int], last: int) -> None:
    slot = addresses.next_slot(taken, last)
    assert slot not in taken
    assert slot != last
    assert FIRST_SLOT <= slot < SLOTS


def test_slots_go_round_and_run_out() -> None:
    assert addresses.next_slot((), FIRST_SLOT - 1) == FIRST_SLOT
    assert addresses.next_slot((), SLOTS - 1) == FIRST_SLOT
    with pytest.raises(LookupError, match="in use"):
        addresses.next_slot(range(FIRST_SLOT, SLOTS), FIRST_SLOT)


def test_a_block_that_the_machine_has_a_route_into_is_not_taken(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\n"
        "eth0\t0000400A\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\n"
    )
    assert addresses.routed(table) == [IPv4Network("10.64.0.0/20")]
    assert next(addresses.private_blocks("000000")) == Subnet(IPv4Network("10.64.0.0/20"))


def test_ports_in_use_are_seen() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        assert not addresses.bindable("127.99.0.1", port)
    assert addresses.bindable("127.99.0.1", port)


@given(TAGS)
def test_ports_of_applications_are_below_the_systems(tag: str) -> None:
    first = list(islice(addresses.app_ports(tag), 300))
    assert len(set(first)) == 300
    assert all(10000 <= port < 30000 for port in first)
