"""`./dev bench [NAME ...]`: measure, print a table, and write bench/results/latest.json.

`./dev bench zero-loss`, with or without options of its own, is a verdict: a lost request is exit 1.
`./dev bench platforms NAME ...` measures only some platforms.

Every figure is a median with the largest value beside it, its target where it has one, and how many
times something simple it is that was run side by side: seconds depend on the machine, and on who
else uses it, far more than these ratios do.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench import (  # noqa: E402 - found above
    deploying,
    instances,
    latency,
    logs,
    memory,
    platforms,
    queues,
    returning,
    starting,
    zero_loss,
)
from bench.figures import HEAD, RULE, Figure, row  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "latest.json"
BENCHES: Mapping[str, Callable[[], Iterator[Figure]]] = {
    "start": starting.measure,
    "memory": memory.measure,
    "instance": instances.measure,
    "deploy": deploying.measure,
    "rollback": returning.measure,
    "api": latency.measure,
    "queues": queues.measure,
    "logs": logs.measure,
    "platforms": platforms.measure,
    "zero-loss": zero_loss.measure,
}
WITH_ARGUMENTS = {"platforms": platforms.main, "zero-loss": zero_loss.main}


def machine() -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def main(names: list[str]) -> int:
    alone = WITH_ARGUMENTS.get(names[0]) if names else None
    if alone and all(name not in BENCHES for name in names[1:]):
        return alone(names[1:])
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"there is no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
        return 2
    before = machine()
    print(HEAD, RULE, sep="\n", flush=True)
    figures = []
    for name in names or list(BENCHES):
        for figure in BENCHES[name]():
            print(row(figure), flush=True)
            figures.append(figure)
    report = {"before": before, "after": machine(), "figures": [asdict(f) for f in figures]}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    missed = [f"{f.bench}: {f.what}" for f in figures if f.missed]
    print(f"\n{before['processors']} processors, load {before['load']}; written to {RESULTS}")
    print("\n".join(f"missed: {one}" for one in missed) or "every target is met")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
