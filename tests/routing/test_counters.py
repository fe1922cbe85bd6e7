"""What Envoy counts of each group: every attempt once, for whoever had it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.routing.rig import CHECK, Backend, Rig, Visitor, targets_of, visiting

from jackbean.core.errors import PortError
from jackbean.ports.router import NOBODY, Counted, Routes, Split
from jackbean.routing import counting

NEW = "r-2"
IDLE_S = 0.4
PATIENT = replace(CHECK, interval_s=60.0)  # a death is not noticed by checks


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("r"), idle_timeout_s=IDLE_S)
    rig.run(rig.router.open())
    try:
        yield rig
    finally:
        rig.close()


@pytest.fixture
def old(rig: Rig) -> Backend:
    return rig.yard.backend()


@pytest.fixture
def new(rig: Rig) -> Backend:
    return rig.yard.backend()


@pytest.fixture
def routes(rig: Rig, old: Backend, new: Backend) -> Routes:
    """Return routes that lead everybody to the new instance, and to the old one if that is gone."""
    targets = targets_of(old) + targets_of(new, group=NEW)
    routes = rig.routes(targets=targets, split=Split(NEW, 100), health=PATIENT)
    rig.publish(routes)
    rig.until_sights(routes, lambda s: len(s) == 2 and all(t.healthy for t in s.values()))
    rig.publish_and_wait(routes)
    rig.until_serving(routes)
    return routes


@pytest.fixture
def visitor(rig: Rig, routes: Routes) -> Iterator[Visitor]:
    with visiting(rig.place(routes)) as visitor:
        yield visitor


def comes_to(
    rig: Rig, routes: Routes, before: dict[str, Counted], **expected: tuple[int, int, int, int]
) -> bool:
    """Wait until what was counted since `before` is this; `new` stands for the group's name."""
    wanted = {NEW if name == "new" else name: four for name, four in expected.items()}
    rig.until_counted(routes, lambda now: _added(now, before) == wanted)
    return True


def _added(now: Mapping[str, Counted], before: dict[str, Counted]) -> dict[str, tuple[int, ...]]:
    more = {group: one.since(before.get(group)) for group, one in now.items()}
    numbers = {g: (c.requests, c.errors_5xx, c.failed, c.retried) for g, c in more.items()}
    return {group: four for group, four in numbers.items() if any(four)}


def test_answers_are_counted_for_who_gave_them(
    rig: Rig, routes: Routes, visitor: Visitor, old: Backend, new: Backend
) -> None:
    before = rig.counters(routes)
    for _ in range(5):
        visitor.ask()
    visitor.ask("/post", method="POST", body="x" * 30)
    assert comes_to(rig, routes, before, new=(6, 0, 0, 0))
    new.broken = True
    before = rig.counters(routes)
    for _ in range(3):
        assert visitor.ask().status == 500
    assert comes_to(rig, routes, before, new=(3, 3, 0, 0))
    rig.publish_and_wait(replace(routes, split=Split(NEW, 0)))
    before = rig.counters(routes)
    visitor.ask()
    assert comes_to(rig, routes, before, main=(1, 0, 0, 0))
    assert old.served


def test_a_death_under_a_get_is_a_failure_and_a_retry(
    rig: Rig, routes: Routes, visitor: Visitor, new: Backend
) -> None:
    before = rig.counters(routes)
    rig.yard.kill(new)
    assert visitor.ask().status == 200
    # Twice in the group of one instance, then with the others.
    assert comes_to(rig, routes, before, new=(2, 0, 2, 2), main=(1, 0, 0, 0))
    before = rig.counters(routes)
    assert visitor.ask("/post", method="POST", body="x" * 30).status == 200
    assert comes_to(rig, routes, before, new=(2, 0, 2, 2), main=(1, 0, 0, 0))


def test_what_was_not_tried_again_is_a_failure_only(
    rig: Rig, routes: Routes, visitor: Visitor
) -> None:
    before = rig.counters(routes)
    assert visitor.ask("/cut", method="POST", body="x" * 30).status == 502
    assert comes_to(rig, routes, before, new=(1, 0, 1, 0))


def test_when_all_attempts_fail_the_last_was_not_tried_again(
    rig: Rig, routes: Routes, visitor: Visitor, old: Backend, new: Backend
) -> None:
    before = rig.counters(routes)
    rig.yard.kill(new)
    rig.yard.kill(old)
    assert visitor.ask().status == 502
    assert comes_to(rig, routes, before, new=(2, 0, 2, 2), main=(1, 0, 1, 0))


def test_a_websocket_that_its_server_closes_is_no_failure(
    rig: Rig, routes: Routes, visitor: Visitor, new: Backend
) -> None:
    before = rig.counters(routes)
    visitor.begin("/", head="Connection: Upgrade\r\nUpgrade: websocket\r\n")
    rig.until(lambda: new.held == 1)
    rig.yard.kill(new)
    assert comes_to(rig, routes, before, new=(1, 0, 0, 0))


def test_silence_is_a_failure_and_an_idle_websocket_is_none(
    rig: Rig, routes: Routes, visitor: Visitor
) -> None:
    before = rig.counters(routes)
    assert visitor.ask("/hold").status == 504
    assert comes_to(rig, routes, before, new=(1, 0, 1, 0))
    before = rig.counters(routes)
    head = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    assert visitor.ask(head=head).status == 101
    assert visitor.receive(1) == b""
    assert comes_to(rig, routes, before, new=(1, 0, 0, 0))


def test_a_visitor_who_leaves_is_no_failure(
    rig: Rig, routes: Routes, visitor: Visitor, new: Backend
) -> None:
    before = rig.counters(routes)
    visitor.begin("/hold")
    rig.until(lambda: new.held == 1)
    assert rig.counters(routes)[NEW].active == 1
    visitor.close()
    assert comes_to(rig, routes, before, new=(1, 0, 0, 0))
    assert rig.counters(routes)[NEW].active == 0


def test_who_stands_in_for_a_group_is_counted_for_his_own(
    rig: Rig, routes: Routes, visitor: Visitor, new: Backend
) -> None:
    rig.publish_and_wait(replace(routes, health=CHECK))
    new.well = False
    rig.until(lambda: visitor.ask().body != new.name)
    before = rig.counters(routes)
    for _ in range(10):
        visitor.ask()
    assert comes_to(rig, routes, before, main=(10, 0, 0, 0))


def test_who_changes_groups_is_counted_for_the_new_one_from_then_on(
    rig: Rig, routes: Routes, visitor: Visitor, old: Backend, new: Backend
) -> None:
    before = rig.counters(routes)
    visitor.ask()
    assert comes_to(rig, routes, before, new=(1, 0, 0, 0))
    joined = replace(routes, targets=targets_of(new), split=None)
    rig.publish_and_wait(joined)
    visitor.ask()
    assert comes_to(rig, joined, before, new=(1, 0, 0, 0), main=(1, 0, 0, 0))
    rig.publish_and_wait(replace(routes, targets=routes.targets, split=Split(NEW, 100)))
    visitor.ask()
    assert comes_to(rig, joined, before, new=(2, 0, 0, 0), main=(1, 0, 0, 0))


def test_environments_are_counted_apart(rig: Rig, routes: Routes, visitor: Visitor) -> None:
    other = rig.publish(rig.routes(rig.yard.backend()))
    rig.until_serving(other)
    longer = rig.publish(rig.routes(rig.yard.backend(), environment_id=other.environment_id + "0"))
    before = [rig.counters(one) for one in (other, longer)]
    visitor.ask()
    assert [rig.counters(one) for one in (other, longer)] == before
    assert rig.run(rig.router.counters("e-unheard-of")) == {}


def test_an_answer_without_an_instance_is_nobodys(rig: Rig) -> None:
    nobody = rig.publish(rig.routes())
    rig.until(lambda: _status(rig, nobody) == 503)
    (before,) = rig.until_counted(nobody, lambda now: NOBODY in now).values()
    assert _status(rig, nobody) == 503
    met = rig.until_counted(nobody, lambda now: now[NOBODY].requests == before.requests + 1)
    assert met == {NOBODY: Counted(before.epoch, before.requests + 1, failed=before.requests + 1)}


def test_a_death_that_leaves_nobody_is_a_failure_once(
    rig: Rig, routes: Routes, visitor: Visitor, old: Backend, new: Backend
) -> None:
    rig.publish_and_wait(replace(routes, targets=targets_of(new), split=None))
    before = rig.counters(routes)
    rig.yard.kill(new)
    assert visitor.ask().status in {502, 503}
    after = rig.until_counted(routes, lambda now: _added(now, before) != {})
    more = {group: one.since(before.get(group)) for group, one in after.items()}
    assert sum(one.requests - one.retried for one in more.values()) == 1
    assert sum(one.errors_5xx + one.failed - one.retried for one in more.values()) == 1


def _status(rig: Rig, routes: Routes) -> int:
    with visiting(rig.place(routes)) as visitor, suppress(OSError, EOFError):
        return visitor.ask().status
    return 0


def test_a_look_is_cheap(rig: Rig, routes: Routes) -> None:
    about, stats = rig.run(
        rig.router._process.admin.pages(counting.ABOUT, counting.page(routes.environment_id))
    )
    assert len(about) + len(stats) < 4000


@pytest.mark.parametrize(
    "about", [b"", b"[]", b"{}", b'{"configs": []}', b'{"configs": [{"bootstrap": 1}]}']
)
def test_an_unknown_page_is_no_epoch(about: bytes) -> None:
    with pytest.raises(PortError, match="unknown shape"):
        counting.epoch(about)


def test_an_envoy_that_does_not_count_is_not_believed() -> None:
    about = (
        b'{"configs": [{"last_updated": "x", "bootstrap": {"stats_config": '
        b'{"stats_matcher": {"inclusion_list": {"patterns": [{"safe_regex": {"regex": "a"}}]}}}}}]}'
    )
    with pytest.raises(PortError, match="before requests were counted"):
        counting.epoch(about)


def test_numbers_are_read_by_group_and_nothing_else() -> None:
    page = (
        b"lb.requests.environment.e-1.group.main: 3\nlb.lost.environment.e-1.group.r-2: 1\n"
        b"lb.requests.environment.e-1.group.: 9\nlb.requests.environment.e-1.group.a.b: 9\n"
        b"lb.requests.environment.e-1.group.main: x\nserver.live: 1\n\xff\n"
        b"lb.unmet.environment.e-1.group.: 4\n"
    )
    read = counting.numbers(page)
    assert read == {"main": {"requests": 3}, "r-2": {"lost": 1}, NOBODY: {"unmet": 4}}


def test_what_is_counted_since_is_a_difference_within_an_epoch() -> None:
    first, second = Counted("a", 10, 2, 3, 1, 5), Counted("a", 15, 2, 4, 0, 7)
    assert second.since(first) == Counted("a", 5, 0, 1, 0, 7)
    for other in (None, replace(first, epoch="b"), replace(first, requests=16)):
        assert second.since(other) == second
