"""Messages that workers have processed, as certificates count them."""

from __future__ import annotations

from jackbean.control.board import Board
from jackbean.control.processed import RECEIPTS_MAX, Processed
from jackbean.core.protocol import Attempt, Report
from jackbean.core.traffic import Count
from jackbean.simulator.clock import VirtualClock


def attempt(receipt: str, status: int = 200) -> Attempt:
    return Attempt(receipt, "m", 1.0, 0.1, status)


def test_what_came_of_them_by_release() -> None:
    processed = Processed("now")
    processed.add("e-1", 1, [attempt("a"), attempt("b", 500), attempt("c", 0), attempt("d", 202)])
    processed.add("e-1", 2, [attempt("e")])
    processed.add("e-2", 7, [attempt("f")])
    assert processed.counts("e-1", 1) == (
        Count(1, "now", requests=4, errors=2, failed=1),
        Count(2, "now", requests=1),
    )


def test_what_is_told_again_counts_once_as_far_as_it_is_remembered() -> None:
    processed = Processed("now")
    for _ in range(2):
        processed.add("e-1", 1, [attempt(str(n)) for n in range(RECEIPTS_MAX)])
    (count,) = processed.counts("e-1", 1)
    assert count.requests == RECEIPTS_MAX
    processed.add("e-1", 1, [attempt("new"), attempt("0")])
    assert processed.counts("e-1", 1)[0].requests == RECEIPTS_MAX + 2


def test_nothing_is_a_number_too() -> None:
    assert Processed("now").counts("e-1", 3) == (Count(3, "now"),)


def test_an_instance_counts_for_the_release_that_it_runs() -> None:
    board = Board(VirtualClock())
    board.take("e-1", "i-1", [attempt("a")])
    assert board.processed("e-1", 1)[0].requests == 0, "nobody knows what it runs"
    board.put(Report("i-1", running=4))
    board.take("e-1", "i-1", [attempt("b")])
    assert [c.requests for c in board.processed("e-1", 1)] == [0, 1]
