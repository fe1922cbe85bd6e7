"""Where agents wait for news: at once, when there is some, or after a while."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from jackbean.control import board as board_module
from jackbean.control.board import Board
from jackbean.core.protocol import Order, Report
from jackbean.simulator.clock import VirtualClock

REPORT = Report("i-1", serial=3)
LONG_S = 30.0  # more than any test should take


class Desk:
    """What the roster would say, and how often it was asked."""

    def __init__(self) -> None:
        self.order = Order(serial=3)
        self.asked = 0

    async def __call__(self, instance: str) -> Order:
        assert instance == "i-1"
        self.asked += 1
        return self.order


@pytest.fixture
def board() -> Board:
    return Board(VirtualClock())


async def waiting(desk: Desk, asked: int) -> None:
    """Return when the desk has been asked that often."""
    async with asyncio.timeout(LONG_S):
        while desk.asked < asked:
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "order",
    [
        Order(serial=4),
        Order(serial=3, logs={"r": "tail"}),
        Order(serial=4, logs={"r": "x"}),
        Order(serial=3, polling=False),
    ],
)
def test_news_are_told_at_once(board: Board, order: Order) -> None:
    desk = Desk()
    desk.order = order
    assert asyncio.run(board.order(REPORT, desk)) == order
    assert desk.asked == 1


def test_without_news_it_waits_for_a_nudge(board: Board) -> None:
    async def talk() -> Order:
        desk = Desk()
        asked = asyncio.create_task(board.order(REPORT, desk))
        await waiting(desk, 1)
        board.nudge("i-2")
        board.nudge("i-1")  # a nudge carries nothing: it looks, and waits on
        await waiting(desk, 2)
        assert not asked.done()
        desk.order = Order(serial=4)
        board.nudge("i-1")
        return await asked

    assert asyncio.run(talk()).serial == 4


def test_after_a_while_it_is_told_what_there_is(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "HOLD_S", 0.01)
    assert asyncio.run(board.order(REPORT, Desk())) == Order(serial=3)


def test_asking_anew_ends_the_request_that_waits(board: Board) -> None:
    async def talk() -> tuple[Order, Order]:
        desk = Desk()
        first = asyncio.create_task(board.order(REPORT, desk))
        await waiting(desk, 1)
        second = asyncio.create_task(board.order(replace(REPORT, state="done"), desk))
        superseded = await first
        await waiting(desk, 3)
        assert not second.done()
        desk.order = Order(serial=4)
        board.nudge("i-1")
        return superseded, await second

    superseded, news = asyncio.run(talk())
    assert (superseded.serial, news.serial) == (3, 4)


def test_nobody_waits_once_everybody_has_been_answered(board: Board) -> None:
    async def talk() -> None:
        desk = Desk()
        asked = asyncio.create_task(board.order(REPORT, desk))
        await waiting(desk, 1)
        asked.cancel()
        await asyncio.wait([asked])

    asyncio.run(talk())
    assert board._waiting == {}


def test_the_newest_report_counts_with_the_time_it_came(board: Board) -> None:
    assert board.latest("i-1") is None
    board.put(REPORT)
    board._clock.advance(5)
    newer = replace(REPORT, state="done")
    board.put(newer)
    assert board.latest("i-1") == (newer, board._clock.now())
    board.forget("i-1")
    assert board.latest("i-1") is None


def test_forgetting_ends_the_wait(board: Board) -> None:
    async def talk() -> None:
        desk = Desk()
        asked = asyncio.create_task(board.order(REPORT, desk))
        await waiting(desk, 1)
        board.forget("i-1")
        await waiting(desk, 2)
        asked.cancel()

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("change", "news"),
    [
        ({"serial": 4}, True),
        ({"state": "done"}, True),
        ({"running": 2}, True),
        ({"staged": 2}, True),
        ({"application": "down"}, True),
        ({"causes": ["it is ill"]}, True),
        ({"drained": True}, True),
        ({"polling": False}, True),
        ({"in_flight": 3, "polled_s": 0.1}, False),
        ({"requests": {"2xx": 5}, "latencies_s": [0.1], "duration_s": 10.0}, False),
        ({"system": {"load": [1, 2, 3]}}, False),
    ],
)
def test_what_a_decision_could_turn_on(board: Board, change: dict[str, object], news: bool) -> None:
    assert board.put(REPORT)
    assert not board.put(REPORT)
    assert board.put(replace(REPORT, **change)) is news
