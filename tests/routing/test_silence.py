"""Silence ends a request or a connection; nothing else does, however long it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.routing.rig import Rig, visit, visiting

from jackbean.ports.router import Routes

IDLE_S = 0.4


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("r"), idle_timeout_s=IDLE_S)
    rig.run(rig.router.open())
    try:
        yield rig
    finally:
        rig.close()


@pytest.fixture
def routes(rig: Rig) -> Routes:
    routes = rig.publish(rig.routes(rig.yard.backend()))
    rig.until_serving(routes)
    return routes


def test_an_instance_that_says_nothing_is_a_504(rig: Rig, routes: Routes) -> None:
    assert visit(rig.place(routes), "/hold").status == 504


def test_an_answer_may_take_long_as_long_as_it_goes_on(rig: Rig, routes: Routes) -> None:
    begin = time.monotonic()
    assert visit(rig.place(routes), "/trickle").body == "." * 20
    assert time.monotonic() - begin > 2 * IDLE_S


def test_an_idle_connection_is_closed(rig: Rig, routes: Routes) -> None:
    with visiting(rig.place(routes)) as visitor:
        visitor.ask()
        assert visitor.receive(1) == b""


def test_an_idle_websocket_is_closed(rig: Rig, routes: Routes) -> None:
    with visiting(rig.place(routes)) as visitor:
        head = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        assert visitor.ask(head=head).status == 101
        assert visitor.receive(1) == b""


def test_an_environment_has_patience_of_its_own(rig: Rig) -> None:
    routes = rig.publish(replace(rig.routes(rig.yard.backend()), idle_s=1))
    rig.until_serving(routes)
    begin = time.monotonic()
    assert visit(rig.place(routes), "/hold").status == 504
    assert time.monotonic() - begin > 0.9  # timers are rounded
