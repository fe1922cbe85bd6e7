"""`./dev sim [N] [--seed S] [--worker]`: live N seeded histories, or replay one of them."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from jackbean.core.errors import JackbeanError
from jackbean.simulator.faults import Faults
from jackbean.simulator.histories import life
from jackbean.simulator.lives import Life, random_life, random_worker

Drawn = Callable[[int], tuple[Life, Faults]]
SHOWN_MAX = 10


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev sim", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="replay this one alone, and fail as it does")
    parser.add_argument("--worker", action="store_true", help="of worker environments")
    given = parser.parse_args()
    drawn = random_worker if given.worker else random_life
    if given.seed is not None:
        plan, faults = drawn(given.seed)
        sys.stdout.write(f"{plan}\n{asyncio.run(life(plan, faults))}\n")
        return
    sys.exit(_many(given.first, given.count, drawn))


def _many(first: int, count: int, drawn: Drawn) -> int:
    began, failures = time.monotonic(), Counter[str]()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        one = partial(_one, drawn)
        for seed, trouble in pool.map(one, range(first, first + count), chunksize=50):
            if trouble:
                failures[trouble.partition(":")[0]] += 1
                if failures.total() <= SHOWN_MAX:
                    sys.stdout.write(f"seed {seed}: {trouble}\n")
    seconds = time.monotonic() - began
    rate = count / seconds
    sys.stdout.write(
        f"{count} histories in {seconds:.0f} s ({rate:.0f} a second), {failures.total()} failed\n"
    )
    return 1 if failures else 0


def _one(drawn: Drawn, seed: int) -> tuple[int, str]:
    plan, faults = drawn(seed)
    try:
        asyncio.run(life(plan, faults))
    except (JackbeanError, AssertionError) as error:
        return seed, f"{type(error).__name__}: {error}"
    return seed, ""


if __name__ == "__main__":
    main()
