"""Coming and going: of the daemon, of the control plane, and of the application."""

from __future__ import annotations

import signal
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sqsd.rig import Bench, Handler, Posted, bench, in_turn, status, wait_until

LATENCY_S_MAX = 0.03  # send to POST, median, on a worker that has nothing else to do
MEMORY_BYTES_MAX = 25 << 20
FULL = 100


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


class Gate:
    """An answer that waits until it is let."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, posted: Posted, handler: Handler) -> None:
        self.open.wait(30)
        status(200)(posted, handler)


# The end


def test_an_idle_daemon_ends_at_once(one: Bench) -> None:
    wait_until(lambda: one.daemon.state and one.daemon.state.polled_at, "its first poll")
    time.sleep(0.2)  # into the long poll, of which nothing is seen from outside
    assert one.daemon.stop() < 2.0


def test_what_is_under_way_is_finished(one: Bench) -> None:
    gate = one.app.answer = Gate()
    one.send("first")
    one.app.await_bodies("first")
    threading.Timer(0.5, gate.open.set).start()
    assert 0.3 < one.daemon.stop() < 3
    one.send("second")
    assert one.counts() == (1, 0)
    assert one.app.bodies() == ["first"]
    assert [a["status"] for a in one.plane.attempts] == [200]


def test_who_is_told_twice_to_end_gives_back_at_once(one: Bench) -> None:
    one.app.answer = gate = Gate()
    one.send("slow")
    one.app.await_bodies("slow")
    assert one.daemon.process
    one.daemon.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stop: " in one.daemon.log, "it has heard")
    assert one.daemon.stop() < 2.5
    assert one.counts() == (1, 0)
    gate.open.set()


def test_who_is_told_twice_ends_also_where_nobody_listens(one: Bench) -> None:
    one.app.answer = gate = Gate()
    one.send("slow")
    one.app.await_bodies("slow")
    one.plane.stop()
    assert one.daemon.process
    one.daemon.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stop: " in one.daemon.log, "it has heard")
    assert one.daemon.stop() < 4
    gate.open.set()


def test_what_cannot_be_finished_is_given_back_at_once(one: Bench) -> None:
    one.daemon.stop()
    one.daemon.drain_s = 0.5
    one.daemon.start()
    one.app.answer = Gate()
    one.send("slow")
    one.app.await_bodies("slow")
    assert 0.4 < one.daemon.stop() < 2.5
    assert one.counts() == (1, 0)
    (told,) = one.plane.attempts
    assert (told["status"], told["error"]) == (0, "given back: the daemon was stopped")
    gate = one.app.answer
    assert isinstance(gate, Gate)
    gate.open.set()


def test_nobody_gets_a_message_from_a_daemon_that_ends(one: Bench) -> None:
    """A long poll that is left takes no message along: each is with somebody, or visible."""
    for number in range(10):
        sender = threading.Thread(target=one.send, args=(str(number),))
        sender.start()
        one.daemon.stop()
        sender.join()
        one.daemon.start()
    wait_until(lambda: set(one.app.bodies()) == set(map(str, range(10))), "all of them", 10.0)
    one.await_empty()


# kill -9


def test_a_daemon_that_is_killed_loses_nothing(one: Bench) -> None:
    one.restart(visibility_timeout_s=2)
    gate = one.app.answer = Gate()
    one.send("x")
    one.app.await_bodies("x")
    one.daemon.kill()
    one.daemon.start()
    gate.open.set()
    wait_until(lambda: one.app.bodies() == ["x", "x"], "it comes again")
    one.await_empty()


def test_a_control_plane_that_goes_away(one: Bench) -> None:
    """A message that is done meanwhile is deleted once it is back; then there are more."""
    gate = one.app.answer = Gate()
    one.send("before")
    one.app.await_bodies("before")
    one.plane.stop()
    gate.open.set()
    wait_until(lambda: "DeleteMessageBatch" in one.daemon.log, "it tries")
    assert one.daemon.state
    assert one.daemon.state.in_flight == 1
    one.plane.start()
    one.await_empty()
    one.send("after")
    one.app.await_bodies("after")
    one.await_empty()
    assert one.app.bodies() == ["before", "after"]
    wait_until(lambda: len(one.plane.attempts) == 2, "the ledger")


def test_a_control_plane_that_comes_late(one: Bench) -> None:
    one.daemon.stop()
    one.plane.stop()
    one.daemon.start()
    time.sleep(0.3)  # it finds nobody
    one.plane.start()
    one.send("x")
    one.app.await_bodies("x")


def test_a_queue_that_is_gone_is_asked_for_now_and_then(one: Bench) -> None:
    one.sqs.delete_queue(QueueUrl=one.url)
    wait_until(lambda: one.daemon.log.count("poll-err") >= 3, "it tries again")
    assert "QueueDoesNotExist" in one.daemon.log
    one.sqs.create_queue(QueueName="jobs")
    one.send("x")
    one.app.await_bodies("x")


# The application


def test_no_attempt_is_lost_on_an_application_that_is_not_there(one: Bench) -> None:
    """Behind a proxy that says 502 for it: one message finds out, and the others wait."""
    behind = socket.create_server(("127.0.0.1", 0))
    port = behind.getsockname()[1]
    one.daemon.stop()
    one.daemon.application = f"127.0.0.1:{port}"
    one.daemon.worker = replace(one.daemon.worker, error_visibility_timeout_s=1)
    one.daemon.start()
    one.app.answer = status(502)
    behind.close()
    one.send("x")
    wait_until(lambda: len(one.app.posted) == 1, "the first attempt")
    time.sleep(1.5)  # AWS's daemon would have tried again and again
    assert len(one.app.posted) == 1
    one.app.answer = status(200)
    with socket.create_server(("127.0.0.1", port)):
        wait_until(lambda: len(one.app.posted) == 2, "the application is back")
    one.await_empty()
    assert one.app.posted[1].headers["x-aws-sqsd-receive-count"] == "2"


def test_nothing_is_received_before_the_application_is_there(one: Bench) -> None:
    behind = socket.create_server(("127.0.0.1", 0))
    port = behind.getsockname()[1]
    behind.close()
    one.daemon.stop()
    one.daemon.application = f"127.0.0.1:{port}"
    one.send("x")
    one.daemon.start()
    time.sleep(0.5)  # it would have been posted
    assert one.app.posted == []
    with socket.create_server(("127.0.0.1", port)):
        one.app.await_bodies("x")


def test_a_502_of_an_application_that_is_there_is_like_any_other(one: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as behind:
        one.daemon.stop()
        one.daemon.application = f"127.0.0.1:{behind.getsockname()[1]}"
        one.daemon.start()
        one.app.answer = in_turn(502, 502, 200)
        one.send("poison")
        wait_until(lambda: len(one.app.posted) == 3, "a third attempt")
        one.await_empty()


def test_a_proxy_that_is_not_there(one: Bench) -> None:
    one.app.stop()
    one.restart(error_visibility_timeout_s=1)
    id_ = one.send("x")
    wait_until(
        lambda: f"socket-err: {id_} (2) Connection refused" in one.daemon.log, "two attempts"
    )
    one.app.start()
    one.await_empty()
    assert [a["error"] for a in one.plane.attempts][:2] == ["not reachable"] * 2


# What it costs


def test_a_message_is_posted_at_once(one: Bench) -> None:
    taken = []
    for number in range(40):
        began = time.monotonic()
        one.send(str(number))
        (posted,) = one.app.await_bodies(str(number))
        taken.append(posted.at - began)
    assert statistics.median(taken) < LATENCY_S_MAX, taken


def test_a_hundred_requests_are_cheap(one: Bench) -> None:
    one.restart(http_connections=FULL)
    gate = one.app.answer = Gate()
    for number in range(0, FULL, 10):
        entries = [
            {"Id": str(i), "MessageBody": f"{i}" + "x" * 1000} for i in range(number, number + 10)
        ]
        one.sqs.send_message_batch(QueueUrl=one.url, Entries=entries)
    wait_until(lambda: one.app.running == FULL, "all at once")
    assert one.daemon.memory_bytes < MEMORY_BYTES_MAX
    assert one.daemon.state
    assert one.daemon.state.in_flight == FULL
    gate.open.set()
    one.await_empty()
    wait_until(lambda: one.daemon.state and one.daemon.state.in_flight == 0, "all is settled")
