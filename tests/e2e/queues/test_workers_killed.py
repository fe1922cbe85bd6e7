"""Every acknowledged message reaches the worker's application, through kills of everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.installation import installed, until
from tests.e2e.queues.workers_killed import Play, Played

pytestmark = pytest.mark.e2e


def judge(play: Play, played: Played) -> None:
    lost = played.sent.keys() - played.seen.keys()
    assert not lost, sorted(lost)[:10]
    assert len(played.sent) >= play.count
    dead = play.queues()["WorkerDeadLetterQueue"]
    until(lambda: play.left(dead) >= len(played.bad), 30, "every bad message is a dead letter")
    assert all(played.kills[victim] for victim in ("daemon", "agent", "control plane"))


def test_kills(tmp_path: Path) -> None:
    with installed("plain") as one:
        play = Play(one, tmp_path, count=600, one_in=60)
        play.launch(2)
        judge(play, play.run(kills=6, pause_s=1.5, patience_s=60))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_thousand(tmp_path: Path) -> None:
    with installed("plain") as one:
        play = Play(one, tmp_path, count=100_000, one_in=1000)
        play.launch(3)
        played = play.run(kills=60, pause_s=5.0, patience_s=900)
        judge(play, played)
        again = sum(played.seen.values()) - len(played.seen)
        print(f"{len(played.sent)} messages in {played.seconds:.0f} s, {again} posted again")
