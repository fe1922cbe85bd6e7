"""Lines of logs in a second: from one instance into its log group, and what that costs.

An application prints as many lines as it is told; the clock stops when the last can be read. The
control plane's processor time is beside it. The floor is SQLite by itself in the same minute: a
loop that inserts as many lines of that length, 5,000 in a transaction, and waits for the disk.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.figures import Figure, Series
from tests.e2e.installation import ASG, Installation, bundle, installed, option, until

ROUNDS = 3
LINES = 200_000
LINE = "x" * 90
BATCH = 5_000
PUT_EVENTS, PUTS = 1_000, 100
LOGS = "aws:elasticbeanstalk:cloudwatch:logs"
GROUP = "/aws/elasticbeanstalk/bench1/var/log/web.stdout.log"
PRINTER = """
import sys
def application(environ, start_response):
    said = environ["PATH_INFO"].split("/")
    count, mark = map(int, said[1:]) if len(said) == 3 else (0, 0)
    for n in range(count):
        sys.stdout.write(f"{mark} {n} LINE\\n")
    sys.stdout.flush()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
""".replace("LINE", LINE)


def measure() -> Iterator[Figure]:
    floors = [floor() for _ in range(ROUNDS)]
    beside = Series("SQLite's fsync floor", floors, "/s")
    with installed("plain") as one:
        one.version("v1", bundle({"application.py": PRINTER}))
        sized = [option(ASG, "MinSize", "1"), option(ASG, "MaxSize", "1")]
        made = one.create("bench1", "v1", *sized, option(LOGS, "StreamLogs", "true"))
        rates, costs = [], []
        for mark in range(ROUNDS):
            rate, cost = streamed(one, made, mark)
            rates.append(rate)
            costs.append(cost)
        yield Series("lines streamed by one instance", rates, "/s").figure("logs", None, beside)
        yield Series("control plane's CPU for 100,000 lines", costs, "s").figure("logs")
        puts = [put(one) for _ in range(ROUNDS)]
        yield Series("events put, in thousands", puts, "/s").figure("logs", None, beside)
        searches = [searched(one) for _ in range(ROUNDS)]
        yield Series("events searched for a term", searches, "/s").figure("logs")
    yield Series("floor: lines inserted and on disk", floors, "/s").figure("logs")


def streamed(one: Installation, made: dict[str, Any], mark: int) -> tuple[float, float]:
    """Return lines in a second, and seconds of the control plane's processor for 100,000."""
    logs, last = one.client("logs"), f"{mark} {LINES - 1} "
    assert one.process is not None
    spent, began = processor_s(one.process.pid), time.perf_counter()
    one.get(made, f"/{LINES}/{mark}")
    (instance,) = one.instances("bench1")

    def there() -> bool:
        read = logs.get_log_events(logGroupName=GROUP, logStreamName=instance, limit=5)
        return any(event["message"].startswith(last) for event in read["events"])

    until(there, 120, "the last line")
    seconds = time.perf_counter() - began
    cost = processor_s(one.process.pid) - spent
    return LINES / seconds, cost * 100_000 / LINES


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def put(one: Installation) -> float:
    """Return events in a second that one client puts."""
    logs = one.client("logs")
    group = f"/bench/{time.monotonic_ns()}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    began = time.perf_counter()
    for _ in range(PUTS):
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": LINE}] * PUT_EVENTS
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    return PUTS * PUT_EVENTS / (time.perf_counter() - began)


def searched(one: Installation) -> float:
    """Return events in a second that are looked at for a term that none of them has."""
    pages = one.client("logs").get_paginator("filter_log_events")
    began = time.perf_counter()
    for page in pages.paginate(logGroupName=GROUP, filterPattern="absent"):
        assert not page["events"]
    return ROUNDS * LINES / (time.perf_counter() - began)


def floor() -> float:
    """Return lines in a second that SQLite by itself puts on disk."""
    with tempfile.TemporaryDirectory(prefix="jb-floor-") as directory:
        path = Path(directory) / "floor.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("CREATE TABLE m (number INTEGER PRIMARY KEY, body TEXT)")
            began = time.perf_counter()
            for _ in range(LINES // BATCH):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT INTO m (body) VALUES (?)", [(LINE,)] * BATCH)
                connection.execute("COMMIT")
            return LINES / (time.perf_counter() - began)
