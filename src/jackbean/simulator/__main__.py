"""`./dev sim [N] [--seed S]`: live N seeded histories on every core, or replay one of them."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from jackbean.core.errors import JackbeanError
from jackbean.simulator.histories import life
from jackbean.simulator.lives import random_life

SHOWN_MAX = 10


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev sim", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="replay this one alone, and fail as it does")
    given = parser.parse_args()
    if given.seed is not None:
        plan, faults = random_life(given.seed)
        sys.stdout.write(f"{plan}\n{asyncio.run(life(plan, faults))}\n")
        return
    sys.exit(_many(given.first, given.count))


def _many(first: int, count: int) -> int:
    began, failures = time.monotonic(), Counter[str]()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for seed, trouble in pool.map(_one, range(first, first + count), chunksize=50):
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


def _one(seed: int) -> tuple[int, str]:
    plan, faults = random_life(seed)
    try:
        asyncio.run(life(plan, faults))
    except (JackbeanError, AssertionError) as error:
        return seed, f"{type(error).__name__}: {error}"
    return seed, ""


if __name__ == "__main__":
    main()
