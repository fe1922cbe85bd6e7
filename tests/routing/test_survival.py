"""Deaths: of Envoy, of the control plane, and of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.routing.rig import (
    CHECK,
    Holder,
    Load,
    Rig,
    drained,
    gone_quiet,
    status_of,
    targets_of,
    visit,
    visiting,
)

from jackbean.core.errors import PortError
from jackbean.core.fleet import Service
from jackbean.ports.router import Routes, Split
from jackbean.routing.envoy import EnvoyRouter
from jackbean.routing.projection import Facts


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    try:
        yield rig
    finally:
        rig.close()


def served(rig: Rig, count: int = 2) -> Routes:
    """Return routes that are served, by a control plane that was opened with them."""
    routes = rig.publish(rig.routes(*(rig.yard.backend() for _ in range(count))))
    rig.run(rig.router.open())
    rig.until_serving(routes)
    rig.until_sights(routes, lambda s: all(t.healthy for t in s.values()))
    rig.until(lambda: status_of(rig.main, routes.hostnames[0]) == 200)
    return routes


def counter(rig: Rig, name: str) -> int:
    page = rig.run(rig.router._process.admin.get(f"/stats?filter=^{name}$")).decode()
    return int(page.partition(":")[2])


def test_envoy_is_restarted_and_told_everything_again(rig: Rig) -> None:
    routes = served(rig)
    rig.kill_envoy()
    rig.until(lambda: rig.holder.restarts == 1)
    rig.until_serving(routes)
    assert status_of(rig.main, routes.hostnames[0]) == 200
    rig.until_sights(routes, lambda s: all(t.healthy for t in s.values()))


def test_while_envoy_does_not_answer_nothing_is_claimed(rig: Rig) -> None:
    routes = served(rig)
    rig.run(rig.holder.stop(5.0))
    with pytest.raises(PortError, match="does not answer"):
        rig.observe(routes)
    rig.until(lambda: not rig.router._ads.connected)
    assert not rig.run(rig.router.status()).connected


def test_a_restarted_control_plane_changes_nothing_and_loses_no_request(rig: Rig) -> None:
    routes = served(rig)
    told = counter(rig, "cluster_manager.cds.update_success")
    with Load([(rig.place(routes), "x"), (rig.main, routes.hostnames[0])]) as load:
        for _ in range(3):
            answers = load.count
            rig.restart()
            rig.until_sights(routes, lambda s: len(s) == 2 and all(t.healthy for t in s.values()))
            rig.publish(routes)
            rig.run(rig.router.open())
            rig.until(rig.router._ads.settled)
            rig.until(lambda: load.count > answers + 50)  # noqa: B023 - waited for at once
    assert load.faults == []
    assert counter(rig, "cluster_manager.cds.update_success") == told
    assert counter(rig, "listener_manager.listener_modified") == 0
    assert rig.holder.restarts == 0


def test_nothing_is_let_out_before_it_is_opened(rig: Rig) -> None:
    routes = served(rig)
    rig.restart()
    rig.until(lambda: rig.router._ads.connected)
    changed = replace(routes, targets=routes.targets[:1], hostnames=("new.test",))
    rig.publish(changed)
    other = rig.publish(rig.routes(rig.yard.backend()))
    rig.run(rig.router.withdraw("e-of-yesterday"))
    for _ in range(20):
        assert visit(rig.main, host=routes.hostnames[0]).status == 200
        assert status_of(rig.main, "new.test") == 404
    seen = rig.observe(routes)
    assert {s.service for s in seen.values()} == {Service.IN}
    assert len(seen) == 2
    assert rig.observe(other)[other.targets[0].instance].service is Service.OUT

    rig.run(rig.router.open())
    rig.until(lambda: status_of(rig.main, "new.test") == 200)
    rig.until_serving(other)
    rig.until_sights(changed, lambda s: s.keys() == {changed.targets[0].instance})


def test_a_restart_during_a_split_changes_nothing_and_counts_go_on(rig: Rig) -> None:
    routes, canary = served(rig), rig.yard.backend()
    targets = routes.targets + targets_of(canary, group="r-2")
    routes = rig.publish(replace(routes, targets=targets, split=Split("r-2", 100)))
    rig.until_sights(routes, lambda s: len(s) == 3 and all(t.healthy for t in s.values()))
    rig.publish_and_wait(routes)
    updates = counter(rig, "cluster_manager.cds.update_success")
    before = rig.counters(routes)
    with Load([(rig.place(routes), "x"), (rig.main, routes.hostnames[0])]) as load:
        for _ in range(2):
            seen = load.count
            rig.restart()
            rig.until_sights(routes, lambda s: len(s) == 3 and all(t.healthy for t in s.values()))
            assert rig.counters(routes).keys() == before.keys()
            rig.publish(routes)
            rig.run(rig.router.open())
            rig.until(rig.router._ads.settled)
            rig.until(lambda: load.count > seen + 50)  # noqa: B023 - waited for at once
    assert load.faults == []
    assert load.answers.keys() == {canary.name}
    assert counter(rig, "cluster_manager.cds.update_success") == updates
    rig.until_counted(routes, lambda now: now["r-2"].since(before["r-2"]).requests == load.count)


def test_a_restarted_envoy_counts_anew_and_splits_as_before(rig: Rig) -> None:
    routes, canary = served(rig), rig.yard.backend()
    targets = routes.targets + targets_of(canary, group="r-2")
    routes = rig.publish(replace(routes, targets=targets, split=Split("r-2", 100)))
    rig.until(lambda: visit(rig.place(routes)).body == canary.name)
    before = rig.counters(routes)
    rig.kill_envoy()
    rig.until(lambda: rig.holder.restarts == 1)
    rig.until_serving(routes)
    rig.until_sights(routes, lambda s: len(s) == 3 and all(t.healthy for t in s.values()))
    assert {visit(rig.place(routes)).body for _ in range(20)} == {canary.name}
    now = rig.counters(routes)
    assert now["r-2"].epoch != before["r-2"].epoch
    assert now["r-2"].since(before["r-2"]) == now["r-2"]


def test_an_environment_that_ended_meanwhile_is_removed(rig: Rig) -> None:
    gone, stays = served(rig), served(rig)
    rig.restart()
    rig.publish(stays)
    rig.run(rig.router.open())
    rig.until(lambda: status_of(rig.place(gone)) == 0)
    rig.until_sights(gone, lambda s: not s)
    assert status_of(rig.place(stays)) == 200


def test_a_health_check_that_changed_meanwhile_passes_on_without_loss(rig: Rig) -> None:
    routes = served(rig)
    with Load([(rig.place(routes), "x")]) as load, visiting(rig.place(routes)) as visitor:
        assert visitor.ask(head="Connection: Upgrade\r\nUpgrade: websocket\r\n").status == 101
        (busy,) = (b for b in rig.yard.backends if b.held)
        rig.restart()
        changed = rig.publish(replace(routes, health=replace(CHECK, path="/health?2")))
        rig.run(rig.router.open())
        rig.until(lambda: passed_on(rig, changed))
        rig.publish(drained(changed, busy))
        rig.until_sights(changed, lambda s: s[busy.name].service is Service.DRAINING)
        answers = load.count
        rig.until(lambda: load.count > answers + 50)
        assert rig.observe(changed)[busy.name].requests == 1  # through the cluster of before
    rig.until_sights(changed, lambda s: gone_quiet(s[busy.name]))
    rig.until(lambda: not rig.router._unfinished())
    assert load.faults == []


def passed_on(rig: Rig, routes: Routes) -> bool:
    lane = rig.router._lanes[routes.environment_id]
    return bool(lane.held) and lane.serving == lane.wanted.name


def test_both_die(rig: Rig) -> None:
    routes = served(rig)
    rig.run(rig.router.close())
    rig.kill_envoy()
    rig.until(lambda: rig.holder.restarts == 1)
    rig.router = rig.new_router()
    rig.run(rig.router.start())
    rig.until_sights(routes, lambda s: not s)  # Envoy answers, and knows nothing
    changed = rig.publish(replace(routes, health=replace(CHECK, path="/health?2")))
    rig.run(rig.router.open())
    rig.until_serving(changed)


def test_an_envoy_of_other_settings_is_kept_and_told_of(rig: Rig) -> None:
    routes = served(rig)
    assert not rig.run(rig.router.status()).outdated
    rig.run(rig.router.close())
    rig.workers = 2
    rig.router = rig.new_router()
    rig.run(rig.router.start())
    status = rig.run(rig.router.status())
    assert status.outdated
    assert status.held.restarts == 0
    assert status_of(rig.place(routes)) == 200


def test_an_envoy_of_another_installation_is_sent_away(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    served(rig)
    rig.run(rig.router.close())
    facts = replace(rig.facts, identity="another")
    rig.router = EnvoyRouter(facts, rig.directory / "envoy", rig.holder)
    rig.run(rig.router.start())
    rig.run(rig.router.open())
    rig.until(lambda: "sent an Envoy away" in caplog.text)
    assert not rig.router._ads.settled()


def test_a_socket_path_that_is_too_long_is_named(tmp_path: Path) -> None:
    facts = Facts(str(tmp_path), 7080, "/dev/null")
    with pytest.raises(PortError, match="choose a shorter state directory"):
        EnvoyRouter(facts, tmp_path / ("x" * 90), Holder())
