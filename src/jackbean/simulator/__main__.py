"""`./dev sim [N] [--first S] [--worker | --stacks | --free]`: live N histories.

`--seed S` replays one. It tells every half minute how far it is and how long the rest will take,
and in the end at what rate, and how much of a processor each history took. Stopped by Ctrl-C it
tells what it has seen, and from which seed to go on.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from jackbean.simulator.faults import Faults
from jackbean.simulator.freestanding import Ends, FreeLife, free_life, random_free_life
from jackbean.simulator.histories import Outcome, life
from jackbean.simulator.lives import Life, random_life, random_stacks, random_worker

Drawn = Callable[[int], tuple[Life | FreeLife, Faults]]
BLOCK = 50  # histories that a process lives in one go
GARBAGE = (50_000, 20, 100)  # a history leaves little that only a search finds
SHOWN_MAX = 100  # failures told of one by one: a long run is not soon lived again
TOLD_S = 30.0  # between two lines of progress
INTERRUPTED = 130  # what a shell takes for the exit code of what Ctrl-C has ended


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev sim", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed, to go on from there")
    parser.add_argument("--seed", type=int, help="replay this one alone, and fail as it does")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time")
    parser.add_argument("--worker", action="store_true", help="of worker environments")
    parser.add_argument("--stacks", action="store_true", help="of bundles that bring resources")
    parser.add_argument("--free", action="store_true", help="of stacks of their own")
    given = parser.parse_args()
    drawn: Drawn = random_worker if given.worker else random_stacks if given.stacks else random_life
    drawn = random_free_life if given.free else drawn
    if given.seed is not None:
        plan, faults = drawn(given.seed)
        sys.stdout.write(f"{plan}\n{asyncio.run(lived(plan, faults))}\n")
        return
    sys.exit(_many(Sum(given.first, given.count), drawn, given.jobs))


async def lived(plan: Life | FreeLife, faults: Faults) -> Outcome | Ends:
    """Live what a seed stands for."""
    return await (free_life(plan, faults) if isinstance(plan, FreeLife) else life(plan, faults))


@dataclass(frozen=True)
class Lived:
    """What came of some histories: `troubles` by seed, `effects` of all of them together."""

    count: int
    effects: int
    troubles: dict[int, str]
    cpu_s: float = 0.0


@dataclass
class Sum:
    """What came of all histories so far."""

    first: int
    wanted: int
    began: float = field(default_factory=time.monotonic)
    count: int = 0
    effects: int = 0
    failed: int = 0
    cpu_s: float = 0.0

    def add(self, lived: Lived) -> None:
        for seed, trouble in lived.troubles.items():
            self.failed += 1
            if self.failed <= SHOWN_MAX:
                _say(f"seed {seed}: {trouble}")
        self.count += lived.count
        self.effects += lived.effects
        self.cpu_s += lived.cpu_s

    def tell(self) -> None:
        seconds = time.monotonic() - self.began
        rate = self.count / seconds
        left = self.wanted - self.count
        some = f"{self.count} of {self.wanted}" if left else str(self.count)
        to_go = f"; {left / rate:.0f} s to go" if left and rate else ""
        _say(
            f"{some} histories of {self._each(self.effects):.0f} effects in {seconds:.0f} s "
            f"({rate:.0f} a second, {1000 * self._each(self.cpu_s):.1f} ms of CPU each), "
            f"{self.failed} failed{to_go}"
        )

    def _each(self, of_all: float) -> float:
        return of_all / max(self.count, 1)


def _many(total: Sum, drawn: Drawn, jobs: int) -> int:
    seeds = range(total.first, total.first + total.wanted)
    blocks = [seeds[at : at + BLOCK] for at in range(0, total.wanted, BLOCK)]
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for whoever sums up, not for the others
    fork = multiprocessing.get_context("fork")  # others find nothing that a __main__ defines
    pool = ProcessPoolExecutor(jobs, mp_context=fork, initializer=_settle_in)
    coming = pool.map(partial(_live, drawn), blocks)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _sum_up(total, coming)
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        total.tell()
        _say(f"stopped; go on with: {total.wanted - total.count} --first {_next(total)}")
        return INTERRUPTED
    pool.shutdown()
    total.tell()
    return 1 if total.failed else 0


def _sum_up(total: Sum, coming: Iterable[Lived]) -> None:
    told = time.monotonic()
    for lived in coming:
        total.add(lived)
        if time.monotonic() - told >= TOLD_S and total.count < total.wanted:
            told = time.monotonic()
            total.tell()


def _next(total: Sum) -> int:
    """Return the first seed that was not lived: blocks are counted in their order."""
    return total.first + total.count


def _settle_in() -> None:
    """Let what every history uses be no part of the search for garbage."""
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def _live(drawn: Drawn, seeds: range) -> Lived:
    effects, troubles, began = 0, {}, time.process_time()
    with asyncio.Runner() as runner:
        for seed in seeds:
            try:
                plan, faults = drawn(seed)
                runner.run(lived(plan, faults))
                effects += faults.effects
            except Exception as error:
                troubles[seed] = f"{type(error).__name__}: {error}"
    return Lived(len(seeds), effects, troubles, time.process_time() - began)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
