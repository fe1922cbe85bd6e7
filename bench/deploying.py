"""Creating an environment and deploying to its instances, dependencies resolved before.

Most of it is told of three instances; the target is one of two, at the 95th percentile.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, Series, percentile, timed
from bench.phases import NAMES, Phases, watching
from tests.e2e.installation import (
    APPLICATION,
    ASG,
    COMMAND,
    OPERATION_S,
    Installation,
    app,
    free_ports,
    installed,
    option,
)

TARGET_S = 5.0
ROUNDS = 5
PAIR_ROUNDS = 20
NAME = "bench-env"
STEP = re.compile(r"\[OK\] (.+) \(([\d.]+) s\)")
LEAST_S = 0.005  # of a phase that is worth a row


def measure() -> Iterator[Figure]:
    with installed() as one:
        for number in range(2 * ROUNDS + 1):
            one.version(f"v{number}", app(f"v{number}"))
        first = timed(lambda: one.create(NAME, "v0", *settings("Rolling")))
        yield Series("create, 3 instances, nothing cached", [first]).figure("deploy")
        packages = next(one.data_dir.glob("cache/dependencies/*/lib/python3*/site-packages"))
        seconds = [bare_start_s(packages) for _ in range(ROUNDS)]
        bare = Series("the application by gunicorn alone, to its first answer", seconds)
        again = [timed(lambda n=n: _create_and_end(one, n)) for n in range(3)]
        yield Series("create, 3 instances, dependencies cached", again).figure("deploy", None, bare)
        for start, policy in enumerate(("Rolling", "AllAtOnce")):
            labels = [f"v{start * ROUNDS + n}" for n in range(1, ROUNDS + 1)]
            yield from _deployments(one, policy, labels, bare)
    yield bare.figure("deploy")
    yield from rolling_two()


def rolling_two(rounds: int = PAIR_ROUNDS) -> Iterator[Figure]:
    """Deploy to two instances, one after the other, again and again."""
    with installed() as one:
        for label in ("v1", "v0"):
            one.version(label, app(label))
        one.create(NAME, "v0", *settings("Rolling", 2))
        whole: list[float] = []
        spent: dict[str, list[float]] = defaultdict(list)
        for number in range(rounds):
            with watching(one.data_dir / "jackbean.db", NAME) as phases:
                whole.append(timed(lambda n=number, p=phases: _deployed(one, f"v{(n + 1) % 2}", p)))
            for name in NAMES:
                spent[name].append(phases.seconds[name])
        yield Series("Rolling, 2 instances", whole).figure("deploy")
        worst = percentile(whole, 0.95)
        yield Series("Rolling, 2 instances: p95", [worst]).figure("deploy", TARGET_S)
        for name, seconds in spent.items():
            yield Series(f"Rolling, 2 instances: {name}, both together", seconds).figure("deploy")


def _deployed(one: Installation, label: str, phases: Phases) -> None:
    one.begin(NAME, VersionLabel=label)
    phases.wait(OPERATION_S)


def settings(policy: str, size: int = 3) -> tuple[dict[str, str], ...]:
    return (
        option(ASG, "MinSize", str(size)),
        option(COMMAND, "DeploymentPolicy", policy),
        option(COMMAND, "BatchSizeType", "Fixed"),
        option(COMMAND, "BatchSize", "1"),
    )


def _deployments(
    one: Installation, policy: str, labels: list[str], bare: Series
) -> Iterator[Figure]:
    one.begin(NAME, OptionSettings=list(settings(policy)))
    one.rest(NAME)
    known = set(_journals(one))
    whole = [timed(lambda v=v: one.deploy(NAME, v)) for v in labels]
    told = f"{policy}, 3 instances"
    yield Series(told, whole).figure("deploy", TARGET_S, bare)
    spent: dict[str, list[float]] = defaultdict(list)
    for journal in set(_journals(one)) - known:
        for name, seconds in STEP.findall(journal.read_text()):
            spent[name].append(float(seconds))
    for name, values in spent.items():
        if sum(values) / len(values) >= LEAST_S:
            yield Series(f"{policy}, of each instance: {name}", values).figure("deploy")
    inside = sum(sum(values) for values in spent.values()) / len(labels)
    turns = 3 if policy == "Rolling" else 1
    outside = Series("", whole).median - inside / 3 * turns
    yield Series(f"{policy}, outside of instances", [outside]).figure("deploy")


def _journals(one: Installation) -> Iterator[Path]:
    return one.data_dir.glob("instances/*/root/var/log/deployments/eb-deployment-*.log")


def _create_and_end(one: Installation, number: int) -> float:
    name = f"side-env-{number}"
    seconds = timed(lambda: one.create(name, "v0", *settings("Rolling")))
    one.terminate(name)
    return seconds


def bare_start_s(packages: Path) -> float:
    """Return how long the same application takes with the same gunicorn and nothing else."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "application.py").write_text(APPLICATION % "bare")
        argv = [sys.executable, "-m", "gunicorn", "--threads=15", f"--bind=127.0.0.1:{port}"]
        began = time.perf_counter()
        with subprocess.Popen(
            [*argv, "application"],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(packages)},
            stderr=subprocess.DEVNULL,
        ) as bare:
            try:
                while not _answers(port):
                    assert bare.poll() is None, "gunicorn did not start"
                    time.sleep(0.002)
                return time.perf_counter() - began
            finally:
                bare.terminate()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
