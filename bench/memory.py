"""Control plane and Envoy with one idle environment; instances and shims are not counted.

RSS counts what processes share in each of them, PSS shares it out; the target is of RSS.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, Series
from tests.e2e.installation import ASG, app, installed, option
from tests.e2e.machines import envoy

TARGET_MB = 150.0
IDLE_S = 10.0
BARE = (
    "import sys, asyncio, uvicorn, starlette.applications, botocore.session, grpc; sys.stdin.read()"
)


def measure() -> Iterator[Figure]:
    with installed() as one:
        one.version("one", app("one"))
        one.create("idle-env", "one", option(ASG, "MinSize", "1"))
        time.sleep(IDLE_S)  # idle is what is measured
        proxy = envoy(one.data_dir)
        assert one.process
        assert proxy
        ours, theirs = memory_mb(one.process.pid), memory_mb(proxy.child)
        busy = cpu_share(one.process.pid), cpu_share(proxy.child)
    beside = Series("python that imports uvicorn, starlette, botocore, grpc", [bare_mb()], "MB")
    yield _figure("control plane, RSS", ours["Rss"], beside=beside)
    yield _figure("control plane, PSS", ours["Pss"])
    yield _figure("Envoy, RSS", theirs["Rss"])
    yield _figure("Envoy, PSS", theirs["Pss"])
    yield _figure("together, RSS", ours["Rss"] + theirs["Rss"], TARGET_MB)
    yield _figure("together, PSS", ours["Pss"] + theirs["Pss"], TARGET_MB)
    yield Series("control plane, idle: of one processor", [busy[0]], "%").figure("memory")
    yield Series("Envoy, idle: of one processor", [busy[1]], "%").figure("memory")


def _figure(
    what: str, value: float, most: float | None = None, beside: Series | None = None
) -> Figure:
    return Series(what, [value], "MB").figure("memory", most, beside)


def memory_mb(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = (line.split() for line in lines)
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in sizes}


def bare_mb() -> float:
    with subprocess.Popen([sys.executable, "-c", BARE], stdin=subprocess.PIPE) as bare:
        assert bare.stdin
        time.sleep(IDLE_S)  # until it has imported
        size = memory_mb(bare.pid)["Rss"]
        bare.stdin.close()
    return size


def cpu_share(pid: int) -> float:
    """Return how much of one processor a process takes while nothing happens, in percent."""
    before = _cpu_s(pid)
    time.sleep(IDLE_S)  # the span that is measured
    return round(100 * (_cpu_s(pid) - before) / IDLE_S, 2)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
