"""`./dev bench [NAME ...]`: measure, print a table, and write bench/results/latest.json.

Every figure stands beside its target; times on shared machines vary, so each is a median of several
runs, with the largest beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.installation import (  # noqa: E402 - found by the line above
    ASG,
    COMMAND,
    Installation,
    app,
    installed,
    option,
)
from tests.e2e.load import visitors  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "latest.json"


@dataclass(frozen=True)
class Figure:
    """One measured thing. `target` is empty where there is none."""

    bench: str
    what: str
    median: float
    largest: float
    unit: str
    target: str = ""


def figure(bench: str, what: str, values: list[float], unit: str, target: str = "") -> Figure:
    return Figure(bench, what, statistics.median(values), max(values), unit, target)


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def start() -> Iterator[Figure]:
    """`jackbean serve` to its first answer, beside an interpreter that imports a web server."""
    fresh, again, bare = [], [], []
    for _ in range(5):
        argv = [sys.executable, "-c", "import asyncio, uvicorn, starlette.applications"]
        bare.append(timed(lambda argv=argv: subprocess.run(argv, check=True)))
        with installed() as installation:
            installation.kill()
            again.append(installation.start())
        with installed() as installation:
            fresh.append(installation.first_answer_s)
    yield figure("start", "serve to first answer, fresh", fresh, "s", "< 2 s")
    yield figure("start", "serve to first answer, again", again, "s", "< 2 s")
    yield figure("start", "python that imports uvicorn and starlette", bare, "s")


def memory() -> Iterator[Figure]:
    """Control plane and Envoy with one idle environment; instances are not counted."""
    with installed() as installation:
        installation.version("one", app("one"))
        installation.create("idle-env", "one", option(ASG, "MinSize", "1"))
        time.sleep(5)  # idle is what is measured
        assert installation.process is not None
        server = resident_mb(installation.process.pid)
        envoy = sum(
            resident_mb(int(entry.name))
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and is_envoy(entry, installation.data_dir)
        )
        yield figure("memory", "control plane, resident", [server], "MB")
        yield figure("memory", "Envoy, resident", [envoy], "MB")
        yield figure("memory", "together", [server + envoy], "MB", "< 150 MB")


def deploy() -> Iterator[Figure]:
    """Create and redeploy on three instances, dependencies resolved before."""
    with installed() as installation:
        labels = [installation.version(f"v{n}", app(f"v{n}")) for n in range(7)]
        three = (option(ASG, "MinSize", "3"), option(COMMAND, "BatchSize", "30"))
        first = timed(lambda: installation.create("bench-env", labels[0], *three))
        yield figure("deploy", "create, 3 instances, nothing cached", [first], "s")
        rolling = [timed(lambda v=v: installation.deploy("bench-env", v)) for v in labels[1:4]]
        yield figure("deploy", "Rolling, 3 instances one by one", rolling, "s", "< 5 s")
        installation.client().update_environment(
            EnvironmentName="bench-env",
            OptionSettings=[option(COMMAND, "DeploymentPolicy", "AllAtOnce")],
        )
        installation.rest("bench-env")
        whole = [timed(lambda v=v: installation.deploy("bench-env", v)) for v in labels[4:]]
        yield figure("deploy", "AllAtOnce, 3 instances", whole, "s", "< 5 s")


def instance() -> Iterator[Figure]:
    """An instance more, from its launch to its first answer, dependencies resolved before."""
    with installed() as installation:
        installation.version("one", app("one"))
        made = installation.create("grow-env", "one", option(ASG, "MinSize", "1"))
        seconds = []
        for count in range(2, 6):
            before = set(machines(installation))
            installation.client().update_environment(
                EnvironmentName="grow-env",
                OptionSettings=[option(ASG, "MaxSize", "8"), option(ASG, "MinSize", str(count))],
            )
            installation.rest("grow-env")
            (new,) = set(machines(installation)) - before
            seconds.append(first_answer(installation, new))
        assert installation.get(made)
        yield figure("instance", "launch to first 200 through nginx", seconds, "s", "< 0.3 s")


def api() -> Iterator[Figure]:
    """Latency of what clients call most, from botocore's side."""
    with installed() as installation:
        installation.version("one", app("one"))
        eb, s3 = installation.client(), installation.client("s3")
        bucket = eb.create_storage_location()["S3Bucket"]
        calls: dict[str, Callable[[], object]] = {
            "DescribeEnvironments": eb.describe_environments,
            "DescribeEvents": eb.describe_events,
            "PutObject, 1 MB": lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 2**20),
        }
        for name, call in calls.items():
            call()
            values = [1000 * timed(call) for _ in range(100)]
            yield figure("api", name, values, "ms")


def zero_loss() -> Iterator[Figure]:
    """Requests lost while everything changes; a broken drain shows that losses would be seen."""
    with installed() as installation:
        for name in ("one", "two"):
            installation.version(name, app(name))
        settings = (option(ASG, "MinSize", "3"), option(COMMAND, "BatchSize", "30"))
        made = installation.create("loss-env", "one", *settings)
        requests, lost, rounds = 0, 0, 0
        while requests < 20_000 and rounds < 12:
            rounds += 1
            with visitors(made["EndpointURL"], 8) as crowd:
                installation.client().update_environment(
                    EnvironmentName="loss-env", VersionLabel=("two", "one")[rounds % 2]
                )
                if rounds % 3 == 0:
                    installation.kill()
                    installation.start()
                installation.rest("loss-env")
            requests += crowd.tally.requests
            lost += len(crowd.tally.failures)
        yield figure("zero-loss", "requests during Rolling and kill -9", [requests], "requests")
        yield figure("zero-loss", "of them lost", [lost], "requests", "0")


BENCHES: dict[str, Callable[[], Iterator[Figure]]] = {
    "start": start,
    "memory": memory,
    "deploy": deploy,
    "instance": instance,
    "api": api,
    "zero-loss": zero_loss,
}


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def is_envoy(entry: Path, data_dir: Path) -> bool:
    try:
        words = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"/envoy") and any(os.fsencode(data_dir) in word for word in words)


def machines(installation: Installation) -> list[str]:
    resources = installation.client().describe_environment_resources(EnvironmentName="grow-env")
    return [i["Id"] for i in resources["EnvironmentResources"]["Instances"]]


def first_answer(installation: Installation, machine: str) -> float:
    """Return the seconds from launch to the deployment's end, as the instance reported them."""
    found = installation.client().describe_instances_health(
        EnvironmentName="grow-env", AttributeNames=["All"]
    )
    health = next(i for i in found["InstanceHealthList"] if i["InstanceId"] == machine)
    done = health["Deployment"]["DeploymentTime"]
    return float((done - health["LaunchedAt"]).total_seconds())


def main(names: list[str]) -> int:
    figures: list[Figure] = []
    for name in names or list(BENCHES):
        if name not in BENCHES:
            print(f"there is no bench {name!r}; there are {', '.join(BENCHES)}", file=sys.stderr)
            return 2
        for made in BENCHES[name]():
            print(f"{made.bench:10} {made.what:45} {made.median:10.2f} {made.unit:8} {made.target}")
            figures.append(made)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(f) for f in figures], indent=2) + "\n")
    print(f"\nwritten to {RESULTS.relative_to(ROOT)}; measured on {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
