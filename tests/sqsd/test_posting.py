"""A message becomes a request, and what the application answers decides what becomes of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from tests.sqsd.rig import Bench, Handler, Posted, bench, in_turn, status, wait_until


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def text(value: str, kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


def test_the_body_is_posted_verbatim_with_all_headers(one: Bench) -> None:
    body = '{"a": "é\\u0000"}\n trailing '
    id_ = one.send(
        body,
        MessageAttributes={
            "colour": text("red"),
            "count": text("3", "Number.int"),
            "blob": {"DataType": "Binary", "BinaryValue": b"\x00"},
        },
    )
    (posted,) = one.app.await_bodies(body)
    told = posted.headers
    assert posted.path == "/"
    assert told["user-agent"] == "aws-sqsd/1.1"
    assert told["content-type"] == "application/json"
    assert told["host"] == "localhost"
    assert told["x-aws-sqsd-msgid"] == id_
    assert told["x-aws-sqsd-queue"] == "jobs"
    assert told["x-aws-sqsd-receive-count"] == "1"
    received = told["x-aws-sqsd-first-received-at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", received)
    assert abs(datetime.fromisoformat(received).timestamp() - time.time()) < 60
    assert told["x-aws-sqsd-attr-colour"] == "red"
    assert told["x-aws-sqsd-attr-count"] == "3"
    assert not [name for name in told if "blob" in name or "taskname" in name]
    one.await_empty()


def test_a_sender_cannot_write_headers(one: Bench) -> None:
    """Whatever ends a line is a space; text that is not Latin is UTF-8."""
    evil = "a\r\nX-Aws-Sqsd-Taskname: forged\r\n\r\nGET /admin HTTP/1.1"
    one.send("evil", MessageAttributes={"note": text(evil), "who": text("Zoë 日本")})
    (posted,) = one.app.await_bodies("evil")
    assert "x-aws-sqsd-taskname" not in posted.headers
    assert posted.headers["x-aws-sqsd-attr-note"] == (
        "a X-Aws-Sqsd-Taskname: forged GET /admin HTTP/1.1"
    )
    who = posted.headers["x-aws-sqsd-attr-who"]
    assert who.encode("latin-1").decode() == "Zoë 日本"


def test_a_periodic_task_goes_where_it_says(one: Bench) -> None:
    one.send(
        "elasticbeanstalk scheduled job",
        MessageAttributes={
            "beanstalk.sqsd.task_name": text("nightly"),
            "beanstalk.sqsd.path": text("/tasks/nightly?full=1"),
            "beanstalk.sqsd.scheduled_time": text("2026-01-31 00:00:00 UTC"),
        },
    )
    (posted,) = one.app.await_bodies("elasticbeanstalk scheduled job")
    assert posted.path == "/tasks/nightly?full=1"
    assert posted.headers["x-aws-sqsd-taskname"] == "nightly"
    assert posted.headers["x-aws-sqsd-scheduled-at"] == "2026-01-31 00:00:00 UTC"
    assert posted.headers["x-aws-sqsd-sender-id"] == "123456789012"
    assert not [name for name in posted.headers if "attr" in name]
    wait_until(lambda: [a["task"] for a in one.plane.attempts] == ["nightly"], "the ledger")


@pytest.mark.parametrize("code", [201, 202, 204, 302, 400, 404, 429, 500, 503])
def test_every_status_but_200_is_a_failure(one: Bench, code: int) -> None:
    one.app.answer = in_turn(code, code, 200)
    id_ = one.send("again")
    wait_until(lambda: len(one.app.posted) == 3, "a third attempt")
    assert [p.headers["x-aws-sqsd-receive-count"] for p in one.app.posted] == ["1", "2", "3"]
    one.await_empty()
    wait_until(lambda: f"http-err: {id_} (2) {code} - 0." in one.daemon.log, "the log")
    assert one.daemon.log.count("http-err") == 2
    assert f"message: sent to http://localhost:{one.app.port}/" in one.daemon.log
    wait_until(lambda: len(one.plane.attempts) == 3, "the ledger")
    assert [(a["message"], a["status"], a["error"]) for a in one.plane.attempts] == [
        (id_, code, ""),
        (id_, code, ""),
        (id_, 200, ""),
    ]


def test_a_failure_is_hidden_for_as_long_as_was_set(one: Bench) -> None:
    one.restart(error_visibility_timeout_s=1)
    one.app.answer = in_turn(500, 200)
    one.send("later")
    wait_until(lambda: len(one.app.posted) == 2, "a second attempt")
    first, second = one.app.posted
    assert 0.9 <= second.at - first.at < 5


def test_an_application_that_says_nothing(one: Bench) -> None:
    one.restart(inactivity_timeout_s=1)
    waits = iter([5.0, 0.0])

    def answer(posted: Posted, handler: Handler) -> None:
        handler.connection.settimeout(next(waits) or None)
        if handler.connection.gettimeout():
            assert handler.rfile.read(1) == b""  # until the daemon hangs up
        else:
            status(200)(posted, handler)

    one.app.answer = answer
    id_ = one.send("slow")
    wait_until(lambda: len(one.app.posted) == 2, "a second attempt")
    assert 0.9 <= one.app.posted[1].at - one.app.posted[0].at < 3
    one.await_empty()
    assert f"socket-err: {id_} (1) no answer within 1 s - 1.0" in one.daemon.log
    wait_until(lambda: len(one.plane.attempts) == 2, "the ledger")
    assert [a["error"] for a in one.plane.attempts] == ["timed out", ""]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "a chunk too few": CHUNKED + b"2\r\nab\r\n",
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN.keys())
def test_half_an_answer_is_none(one: Bench, said: bytes) -> None:
    answers = iter([said])

    def answer(posted: Posted, handler: Handler) -> None:
        data = next(answers, None)
        if data is None:
            status(200)(posted, handler)
        else:
            handler.wfile.write(data)
            handler.close_connection = True

    one.app.answer = answer
    one.send("x")
    wait_until(lambda: len(one.app.posted) == 2, "a second attempt")
    one.await_empty()


WHOLE = {
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "until closed": b"HTTP/1.0 200 OK\r\n\r\nbody",
    "chunked": CHUNKED + b"2;x=y\r\nab\r\n0\r\nA: b\r\n\r\n",
    "long": b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,
}


@pytest.mark.parametrize("said", WHOLE.values(), ids=WHOLE.keys())
def test_whole_answers_of_every_kind(one: Bench, said: bytes) -> None:
    def answer(posted: Posted, handler: Handler) -> None:
        handler.wfile.write(said)
        handler.close_connection = True

    one.app.answer = answer
    one.send("x")
    one.app.await_bodies("x")
    one.await_empty()
    assert len(one.app.posted) == 1


def test_what_is_too_old_is_deleted_unseen(one: Bench) -> None:
    one.app.stop()
    one.daemon.stop()
    id_ = one.send("old")
    time.sleep(1.1)  # it is age that is tested
    one.app.start()
    one.daemon.worker = replace(one.daemon.worker, retention_period_s=1)
    one.daemon.start()
    one.await_empty()
    assert one.app.posted == []
    assert f"message: {id_} is older than RetentionPeriod: deleted" in one.daemon.log


def test_its_own_visibility_timeout_counts(one: Bench) -> None:
    """Not the queue's, of 30 s: what nobody settles comes back after a second."""
    one.restart(visibility_timeout_s=1, http_connections=2)
    one.app.answer = lambda posted, handler: time.sleep(3 if len(one.app.posted) == 1 else 0)
    one.send("twice")
    wait_until(lambda: len(one.app.posted) == 2, "it comes again")
    assert one.app.posted[1].at - one.app.posted[0].at < 2.5


def test_never_more_than_connections(one: Bench) -> None:
    one.restart(http_connections=3)
    for number in range(0, 30, 10):
        entries = [{"Id": str(i), "MessageBody": str(i)} for i in range(number, number + 10)]
        one.sqs.send_message_batch(QueueUrl=one.url, Entries=entries)

    def answer(posted: Posted, handler: Handler) -> None:
        time.sleep(0.05)
        status(200)(posted, handler)

    one.app.answer = answer
    one.await_empty()
    assert sorted(map(int, one.app.bodies())) == list(range(30))
    assert one.app.most == 3
