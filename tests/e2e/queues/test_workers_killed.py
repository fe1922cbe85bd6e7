"""Every acknowledged message reaches the worker's application, through kills of everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.installation import installed, until
from tests.e2e.queues.workers_killed import BAD, Play, Played

pytestmark = pytest.mark.e2e


def judge(play: Play, played: Played) -> None:
    """Each message was posted, and what died are the bad ones, each once.

    A message that was kept and whose acknowledgement was lost counts by its body: it was sent
    again. One that is good dies only where kills took all its attempts.
    """
    lost = played.sent.keys() - played.seen.keys()
    assert not lost, sorted(lost)[:10]
    assert len(played.sent) >= play.count
    url = play.queues()["WorkerDeadLetterQueue"]
    counted = until(lambda: play.left(url), 30, "dead letters are counted")
    dead = play.dead()
    assert len(dead) == counted
    assert played.bad <= dead.keys(), sorted(played.bad - dead.keys())[:10]
    strays = {id_ for id_, body in dead.items() if not body.startswith(BAD)}
    assert len(strays) <= played.kills.total(), strays
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
