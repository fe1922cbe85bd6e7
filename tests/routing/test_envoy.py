"""The router with a real Envoy: what visitors see of it, and what it says of them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.routing.rig import CHECK, Backend, Rig, drained, status_of, visit, visiting, without

from jackbean.core.fleet import Service
from jackbean.ports.router import Routes


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("r"))
    rig.run(rig.router.open())
    try:
        yield rig
    finally:
        rig.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def served(rig: Rig, *backends: Backend, **changes: object) -> Routes:
    routes = rig.publish(rig.routes(*backends, **changes))
    rig.until_serving(routes)
    return routes


def test_a_load_balancer_serves_by_its_name_and_by_its_own_address(rig: Rig) -> None:
    backend = rig.yard.backend()
    routes = served(rig, backend)
    (name,) = routes.hostnames
    assert visit(rig.main, host=name).body == backend.name
    assert visit(rig.main, host=f"{name.upper()}:{rig.facts.http_port}").body == backend.name
    assert visit(rig.place(routes), host="whatever").body == backend.name


def test_a_name_that_nobody_has_is_answered_without_telling_who_is_there(rig: Rig) -> None:
    served(rig, rig.yard.backend())
    reply = visit(rig.main, host="nobody.test")
    assert (reply.status, reply.body) == (404, "404 Not Found: no environment has this name\n")


def test_applications_are_told_of_visitors_as_behind_an_application_load_balancer(
    rig: Rig,
) -> None:
    routes = served(rig, rig.yard.backend())
    sent = "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nx-envoy-internal: true\r\n"
    head = visit(rig.place(routes), "/head?a=%2F..//b", "shop.test:99", sent).body
    line, *rest = head.strip().splitlines()
    headers = dict(one.lower().split(": ") for one in rest)
    assert line == "GET /head?a=%2F..//b HTTP/1.1"
    assert headers == {
        "host": "shop.test:99",
        "x-forwarded-for": "203.0.113.7,127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-port": str(rig.facts.http_port),
    }


def test_visitors_cannot_steer_the_proxy(rig: Rig, pool: ThreadPoolExecutor) -> None:
    backend = rig.yard.backend()
    routes = served(rig, backend)
    head = "x-envoy-upstream-rq-timeout-ms: 1\r\nx-envoy-upstream-alt-stat-name: x\r\n"
    answer = pool.submit(visit, rig.place(routes), "/hold", head=head)
    rig.until(lambda: backend.held == 1)
    rig.observe(routes)  # some milliseconds later
    rig.yard.release(backend)
    assert answer.result().status == 200


def test_without_an_instance_the_answer_is_a_short_503(rig: Rig) -> None:
    routes = rig.publish(rig.routes())
    rig.until(lambda: status_of(rig.place(routes)) == 503)
    reply = visit(rig.place(routes))
    assert reply.body == "503 Service Unavailable: no instance is in service and healthy\n"
    assert rig.observe(routes) == {}


def test_sick_instances_get_no_requests_even_if_there_is_no_other(rig: Rig) -> None:
    backend = rig.yard.backend(well=False)
    routes = rig.publish(rig.routes(backend))
    seen = rig.until_sights(routes, lambda s: s[backend.name].service is Service.IN)
    assert not seen[backend.name].healthy
    rig.until(lambda: status_of(rig.place(routes)) != 0)
    assert status_of(rig.place(routes)) == 503
    assert backend.served == 0


def test_a_new_instance_serves_after_its_first_check_whatever_the_interval(rig: Rig) -> None:
    slow = replace(CHECK, interval_s=60.0)
    old, new = rig.yard.backend(), rig.yard.backend()
    routes = served(rig, old, health=slow)
    rig.publish(replace(routes, targets=rig.routes(old, new).targets))
    took = rig.until(lambda: visit(rig.place(routes)).body == new.name)
    assert took < 10.0
    assert new.checks == 1


def test_thresholds_count_failures_and_passes(rig: Rig) -> None:
    backend, other = rig.yard.backend(), rig.yard.backend()
    routes = served(rig, backend, other, health=replace(CHECK, unhealthy_threshold=3))
    rig.until_sights(routes, lambda s: s[backend.name].healthy)
    backend.well = False
    since = backend.checks
    rig.until_sights(routes, lambda s: not s[backend.name].healthy)
    assert 3 <= backend.checks - since <= 4  # one may have been under way
    backend.well = True
    since = backend.checks
    rig.until_sights(routes, lambda s: s[backend.name].healthy)
    assert 2 <= backend.checks - since <= 3


def test_a_verdict_takes_effect_at_once(rig: Rig) -> None:
    """Also the second one within a second, which Envoy by itself would hold back."""
    fickle, steady = rig.yard.backend(), rig.yard.backend()
    quick = replace(CHECK, interval_s=0.05, unhealthy_threshold=1, healthy_threshold=1)
    routes = served(rig, fickle, steady, health=quick)
    for well in (False, True):
        fickle.well = well
        rig.until_sights(routes, lambda s: s[fickle.name].healthy is well)  # noqa: B023 - waited for at once
    took = rig.until(lambda: visit(rig.place(routes)).body == fickle.name)
    assert took < 0.9


def test_checks_say_who_they_are_and_ask_for_what_they_were_told(rig: Rig) -> None:
    backend = rig.yard.backend()
    odd = replace(CHECK, path="/a b?c=d\r\nX: y", codes=((200, 299), (404, 404)))
    routes = served(rig, backend, health=odd)
    rig.until(lambda: any(b"%20" in head for head in backend.heads))
    head = next(h for h in backend.heads if b"%20" in h).decode().lower()
    assert head.startswith("get /a%20b?c=d%0d%0ax:%20y http/1.1\r\n")
    assert "user-agent: elb-healthchecker/2.0\r\n" in head
    assert f"host: {backend.address.host}:{backend.address.port}\r\n" in head
    assert routes


def test_a_check_without_a_path_is_a_connection(rig: Rig) -> None:
    backend = rig.yard.backend(well=False)
    routes = served(rig, backend, health=replace(CHECK, path=None))
    assert backend.checks == 0
    rig.yard.kill(backend)
    rig.until_sights(routes, lambda s: not s[backend.name].healthy)


def test_a_request_in_flight_survives_draining_and_removal(
    rig: Rig, pool: ThreadPoolExecutor
) -> None:
    leaving = rig.yard.backend()
    routes = served(rig, leaving)
    answer = pool.submit(visit, rig.place(routes), "/hold")
    rig.until(lambda: leaving.held == 1)
    assert rig.observe(routes)[leaving.name].requests == 1

    staying = rig.yard.backend()
    both = replace(routes, targets=rig.routes(leaving, staying).targets)
    rig.publish(both)
    rig.until_sights(routes, lambda s: s[staying.name].healthy)
    rig.publish(drained(both, leaving))
    seen = rig.until_sights(routes, lambda s: s[leaving.name].service is Service.DRAINING)
    assert seen[leaving.name].requests == 1
    assert {visit(rig.place(routes)).body for _ in range(6)} == {staying.name}

    rig.publish(without(both, leaving))
    rig.until_sights(routes, lambda s: leaving.name not in s)
    rig.yard.release(leaving)
    assert answer.result().body == leaving.name


def test_draining_ends_when_the_last_request_does(rig: Rig, pool: ThreadPoolExecutor) -> None:
    backend = rig.yard.backend()
    routes = served(rig, backend)
    answer = pool.submit(visit, rig.place(routes), "/hold")
    rig.until(lambda: backend.held == 1)
    rig.publish(drained(routes, backend))
    seen = rig.until_sights(routes, lambda s: s[backend.name].service is Service.DRAINING)
    assert seen[backend.name].requests == 1
    rig.yard.release(backend)
    answer.result()
    rig.until_sights(routes, lambda s: s[backend.name].requests == 0)


def test_a_websocket_is_a_request_in_flight_for_as_long_as_it_is_open(rig: Rig) -> None:
    backend = rig.yard.backend()
    routes = served(rig, backend)
    with visiting(rig.place(routes)) as visitor:
        head = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        assert visitor.ask("/", head=head).status == 101
        rig.publish(drained(routes, backend))
        seen = rig.until_sights(routes, lambda s: s[backend.name].service is Service.DRAINING)
        assert seen[backend.name].requests == 1
        visitor.send(b"still here")
        assert visitor.receive(10) == b"still here"
    rig.until_sights(routes, lambda s: s[backend.name].requests == 0)


def test_a_request_that_waits_for_its_connection_is_in_flight(
    rig: Rig, pool: ThreadPoolExecutor
) -> None:
    """The host's queue of connections is full: requests sent there cannot be active yet."""
    backend = rig.yard.backend()
    routes = served(rig, backend, health=replace(CHECK, interval_s=60.0))
    rig.yard.kill(backend)
    place = (backend.address.host, backend.address.port)
    with socket.create_server(place, backlog=0) as full, closing(socket.socket()) as filler:
        filler.connect(place)
        answer = pool.submit(status_of, rig.place(routes))
        rig.until_sights(routes, lambda s: s[backend.name].requests == 1)
        rig.publish(drained(routes, backend))
        seen = rig.until_sights(routes, lambda s: s[backend.name].service is Service.DRAINING)
        assert seen[backend.name].requests == 1
        assert full
    assert answer.result() in {502, 503}  # nobody was there in the end


def test_what_changes_nothing_is_tried_elsewhere_when_an_instance_dies(
    rig: Rig, pool: ThreadPoolExecutor
) -> None:
    dying, living = rig.yard.backend(), rig.yard.backend()
    patient = replace(CHECK, interval_s=60.0)  # its death is not noticed by checks
    routes = served(rig, dying, living, health=patient)
    rig.until_sights(routes, lambda s: all(t.healthy for t in s.values()))
    answers = [pool.submit(visit, rig.place(routes), "/hold") for _ in range(2)]
    rig.until(lambda: dying.held == living.held == 1)
    rig.yard.kill(dying)
    rig.yard.release(living)
    assert [a.result().body for a in answers] == [living.name] * 2


def test_what_may_change_something_is_sent_once_only(rig: Rig) -> None:
    first, second = rig.yard.backend(), rig.yard.backend()
    routes = served(rig, first, second)
    rig.until_sights(routes, lambda s: all(t.healthy for t in s.values()))
    before = first.served + second.served
    with visiting(rig.place(routes)) as visitor:
        reply = visitor.ask("/cut", method="POST", body="x" * 30)
    assert first.served + second.served == before + 1
    assert reply.status == 502
    assert reply.body == "502 Bad Gateway: the instance closed the connection\n"
    rig.yard.kill(first)
    with visiting(rig.place(routes)) as visitor:  # but to a dead one nothing was sent
        answers = [visitor.ask("/", method="POST", body="x" * 30) for _ in range(4)]
    assert [a.status for a in answers] == [200] * 4


def test_http_1_0_is_served_and_http_2_is_not(rig: Rig) -> None:
    routes = served(rig, rig.yard.backend())
    host, _, port = rig.place(routes).partition(":")
    with socket.create_connection((host, int(port)), 5) as old:
        old.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert old.recv(1000).split(b"\r\n")[0].endswith(b"200 OK")
    with socket.create_connection((host, int(port)), 5) as new:
        new.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert new.recv(1000).split(b"\r\n")[0] == b"HTTP/1.1 400 Bad Request"


def test_too_long_a_head_is_refused(rig: Rig) -> None:
    backend = rig.yard.backend()
    routes = served(rig, backend)
    assert visit(rig.place(routes), head=f"X: {'x' * 50_000}\r\n").status == 200
    assert visit(rig.place(routes), head=f"X: {'x' * 70_000}\r\n").status == 431


def test_requests_are_logged_with_environment_and_instance(rig: Rig) -> None:
    backend = rig.yard.backend()
    routes = served(rig, backend)
    path = "/logged" + "x" * 5000
    visit(rig.place(routes), path)

    def logged() -> list[dict[str, object]]:
        lines = Path(rig.facts.access_log).read_text().splitlines()
        return [r for r in map(json.loads, lines) if str(r["path"]).startswith("/logged")]

    rig.until(lambda: bool(logged()))
    (record,) = logged()
    assert record["environment"] == routes.environment_id
    assert (record["instance"], record["group"]) == (backend.name, "main")
    assert (record["status"], record["method"]) == (200, "GET")
    assert len(str(record["path"])) == 2048


def test_a_refusal_names_the_resource_and_keeps_nobody_else_waiting(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    first = served(rig, rig.yard.backend())
    second = rig.publish(rig.routes(rig.yard.backend(), slot=first.slot))
    rig.until(lambda: bool(caplog.records))
    (refusal,) = rig.run(rig.router.status()).refusals
    assert refusal.name == second.environment_id
    assert "duplicate" in refusal.reason
    assert str(refusal) in caplog.text
    rig.until(lambda: status_of(rig.main, second.hostnames[0]) == 200)  # once it was checked
    assert visit(rig.place(first)).status == 200
    served(rig, rig.yard.backend())

    rig.run(rig.router.withdraw(first.environment_id))  # the address becomes free
    rig.until(lambda: status_of(rig.place(second)) == 200)

    async def taken_back() -> bool:
        return (await rig.router.status()).refusals == ()

    rig.until_async(taken_back)


def test_a_port_that_is_taken_is_a_refusal_not_a_shared_port(rig: Rig) -> None:
    routes = rig.routes(rig.yard.backend())
    host, _, port = rig.place(routes).partition(":")
    with socket.create_server((host, int(port)), reuse_port=True):
        rig.publish(routes)
        rig.until_async(refused(rig))
        (refusal,) = rig.run(rig.router.status()).refusals
        assert refusal.name == routes.environment_id
        assert "Address already in use" in refusal.reason
    rig.run(rig.router.withdraw(routes.environment_id))
    assert rig.run(rig.router.status()).refusals == ()


def test_what_is_withdrawn_is_gone(rig: Rig) -> None:
    routes = served(rig, rig.yard.backend())
    rig.run(rig.router.withdraw(routes.environment_id))
    rig.run(rig.router.withdraw(routes.environment_id))
    rig.until(lambda: status_of(rig.main, routes.hostnames[0]) == 404)
    rig.until(lambda: status_of(rig.place(routes)) == 0)
    rig.until_sights(routes, lambda s: not s)


def test_an_observation_of_many_is_the_same_as_of_each(rig: Rig) -> None:
    several = [served(rig, rig.yard.backend()) for _ in range(3)]
    names = [one.environment_id for one in several]

    async def together() -> list[object]:
        import asyncio

        return list(await asyncio.gather(*(rig.router.observe(name) for name in names)))

    for routes in several:
        rig.until_sights(routes, lambda s: all(t.healthy for t in s.values()))
    assert rig.run(together()) == [rig.observe(one) for one in several]


def refused(rig: Rig):  # type: ignore[no-untyped-def]
    async def check() -> bool:
        return bool((await rig.router.status()).refusals)

    return check
