"""Creating an environment and deploying to its three instances, dependencies resolved before."""

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

from bench.figures import Figure, Series, timed
from tests.e2e.installation import (
    APPLICATION,
    ASG,
    COMMAND,
    Installation,
    app,
    free_ports,
    installed,
    option,
)

TARGET_S = 5.0
ROUNDS = 5
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


def settings(policy: str) -> tuple[dict[str, str], ...]:
    return (
        option(ASG, "MinSize", "3"),
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
