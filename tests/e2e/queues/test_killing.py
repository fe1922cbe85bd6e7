"""A queue whose control plane is killed at random: what was acknowledged is delivered."""

from __future__ import annotations

import pytest

from tests.e2e.installation import installed
from tests.e2e.queues.killing import RECEIVES_MAX, Play, Tally


def judge(play: Play, tally: Tally) -> None:
    assert len({tally.sent[id_] for id_ in tally.sent}) == play.count
    missing = set(tally.sent) - set(tally.received)
    assert not missing, f"{len(missing)} of {len(tally.sent)} were acknowledged and never delivered"
    assert not tally.late, f"{len(tally.late)} came back after they were deleted"
    letters = play.dead_letters()
    assert max(letters.values(), default=1) == 1, "a dead letter is there twice"
    dead = {id_ for id_, _ in letters}
    assert tally.bad <= dead, f"{len(tally.bad - dead)} bad messages have not died"
    # Beyond what was acknowledged: sends whose answer was lost with the control plane.
    assert len(dead - set(tally.sent)) <= 10 * play.clients * play.kills
    assert not dead & tally.deleted, "a message that was deleted died"
    good = dead & set(tally.sent) - tally.bad
    assert all(tally.received[id_] for id_ in good)
    assert len(good) <= 10 * play.clients * play.kills // RECEIVES_MAX
    assert {count for _, count in letters} == {str(RECEIVES_MAX + 1)}
    assert max(tally.received[id_] for id_ in dead) <= RECEIVES_MAX, "one was received too often"


@pytest.mark.e2e
def test_two_thousand_messages_and_five_kills():
    with installed("plain") as one:
        play = Play(one, count=2000, one_in=20)
        tally = play.run(kills=5, pause_s=2.0, patience_s=120)
        judge(play, tally)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_hundred_thousand_messages_and_forty_kills():
    with installed("plain") as one:
        play = Play(one, count=100_000, one_in=100, clients=4)
        tally = play.run(kills=40, pause_s=10.0, patience_s=2000)
        judge(play, tally)
