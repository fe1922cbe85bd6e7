"""Canaries by the thousand: how often good releases are taken back, how soon bad ones are.

    .venv/bin/python bench/canary.py [--runs N] [--out FILE] [PART ...]

Simulated requests go by lot to an old and a new release. Each table compares the evidence of
`jackbean.core.evidence` with two tests of fixed sample size (Fisher's exact test and the pooled
z test, one-sided, of all that was counted so far) which are asked at every look, as people do.
All randomness comes from seeds: the same arguments give the same numbers.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import random
import sys
import time
import timeit
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from statistics import median

from jackbean.core.evidence import Counts, Evidence, Verdict, smallest_visible_effect
from jackbean.core.evidence.bets import BETS, Table, log_payoffs

LEVEL = 0.05
RUNS = 2000
NEVER = math.inf
RESULTS = Path(__file__).parent / "results" / "canary.json"

Look = tuple[Counts, Counts]
Alarm = Callable[[], Callable[[Counts, Counts], bool]]


# Traffic ------------------------------------------------------------------------------------------


def steady(_at: float) -> float:
    return 1.0


def wave(at: float) -> float:
    """Go up and down by a factor of four, six times: days made short."""
    return math.pow(4.0, round(math.sin(12 * math.pi * at), 1))


def outages(at: float) -> float:
    """Be twenty times as bad every fourth minute."""
    return 20.0 if int(at * 40) % 4 == 3 else 1.0


def pulled(at: float) -> float:
    """Send three times as much to the new release in just those minutes."""
    return 3.0 if outages(at) > 1 else 1.0


# What both arms share: a factor for their rates, and one for the share of the new release.
DRIFTS = {
    "steady": (steady, steady),
    "wave": (wave, steady),
    "outages": (outages, steady),
    "outages, pulled": (outages, pulled),
}


@dataclass(frozen=True)
class Traffic:
    """Requests to two releases, in looks of `look` requests; 0: of 1 to 1,000, as it happens.

    `share` goes to the new release. A rate is the expected share of errors; `drift` names what
    moves over the horizon. `bunch` is the mean size of the accidents by which
    errors come on each arm for itself; `late` is when the new release turns bad.
    """

    old: float
    new: float
    share: float = 0.1
    look: int = 50
    horizon: int = 10_000
    drift: str = "steady"
    bunch: float = 1.0
    late: float = 0.0

    def looks(self, rng: random.Random) -> Iterator[Look]:
        done, (factor, pull) = 0, DRIFTS[self.drift]
        while done < self.horizon:
            size = self.look or int(math.exp(rng.uniform(0, math.log(1000))))
            at = done / self.horizon
            to_new = binomial(rng, size, min(0.9, self.share * pull(at)))
            new = self.new if at >= self.late else self.old
            yield (
                self._counts(rng, size - to_new, self.old * factor(at)),
                self._counts(rng, to_new, new * factor(at)),
            )
            done += size

    def _counts(self, rng: random.Random, requests: int, rate: float) -> Counts:
        if self.bunch == 1.0:
            return Counts(requests, binomial(rng, requests, min(rate, 0.9)))
        accidents = binomial(rng, requests, min(rate / self.bunch, 0.9))
        again = 1 - 1 / self.bunch
        errors = sum(
            1 + int(math.log(1 - rng.random()) / math.log(again)) for _ in range(accidents)
        )
        return Counts(requests, min(requests, errors))


def binomial(rng: random.Random, n: int, p: float) -> int:
    """Draw exactly, by powers of two, so that a few tables serve every n."""
    drawn, bit = 0, 1
    while n and p > 0:
        if n & 1:
            drawn += bisect_left(_cumulated(bit, p), rng.random())
        n, bit = n >> 1, bit << 1
    return drawn


@lru_cache(maxsize=8192)
def _cumulated(n: int, p: float) -> list[float]:
    sums, total = [], 0.0
    for k in range(n):
        choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(choose + k * math.log(p) + (n - k) * math.log1p(-p))
        sums.append(total)
    return [*sums, 1.0]


# Alarms -------------------------------------------------------------------------------------------


def by_evidence() -> Callable[[Counts, Counts], bool]:
    evidence = Evidence(level=LEVEL)

    def look(old: Counts, new: Counts) -> bool:
        nonlocal evidence
        evidence = evidence.observe(old, new)
        return evidence.verdict is Verdict.WORSE

    return look


def peeked(p_value: Callable[[Counts, Counts], float]) -> Alarm:
    def begin() -> Callable[[Counts, Counts], bool]:
        all_old = all_new = Counts()

        def look(old: Counts, new: Counts) -> bool:
            nonlocal all_old, all_new
            all_old, all_new = all_old.plus(old), all_new.plus(new)
            return p_value(all_old, all_new) <= LEVEL

        return look

    return begin


def fisher(old: Counts, new: Counts) -> float:
    """Return the one-sided p-value of Fisher's exact test."""
    total, errors, n = old.requests + new.requests, old.errors + new.errors, new.requests
    if errors == 0 or new.errors * total <= errors * n:
        return 1.0
    a, most = new.errors, min(n, errors)
    term = math.exp(_choose(errors, a) + _choose(total - errors, n - a) - _choose(total, n))
    tail = term
    while a < most and term > 1e-12 * tail:
        term *= (errors - a) * (n - a) / ((a + 1) * (total - errors - n + a + 1))
        tail, a = tail + term, a + 1
    return min(1.0, tail)


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def pooled_z(old: Counts, new: Counts) -> float:
    """Return the one-sided p-value of the pooled z test."""
    if not old.requests or not new.requests:
        return 1.0
    pooled = (old.errors + new.errors) / (old.requests + new.requests)
    variance = pooled * (1 - pooled) * (1 / old.requests + 1 / new.requests)
    if variance == 0:
        return 1.0
    return 0.5 * math.erfc((new.share - old.share) / math.sqrt(2 * variance))


def uncapped() -> Callable[[Counts, Counts], bool]:
    """Bet like the evidence, but let one block pay what it likes."""
    wealth, blocks = [0.0] * len(BETS), 0

    def look(old: Counts, new: Counts) -> bool:
        nonlocal wealth, blocks
        blocks += 1
        fresh = 1 / (blocks * (blocks + 1))
        wealth = [
            min(1e100, (w + fresh * bet.stake) * math.exp(min(200.0, payoff)))
            for w, bet, payoff in zip(wealth, BETS, log_payoffs(Table.of(old, new)), strict=True)
        ]
        return sum(wealth) + 1 / (blocks + 1) >= 1 / LEVEL

    return look


ALARMS: dict[str, Alarm] = {
    "evidence": by_evidence,
    "fisher": peeked(fisher),
    "z": peeked(pooled_z),
}


def first_alarms(traffic: Traffic, alarms: dict[str, Alarm], seed: int) -> dict[str, float]:
    """Return after how many requests each rolled back; the looks are the same for all."""
    waiting = {name: begin() for name, begin in alarms.items()}
    found, done = dict.fromkeys(alarms, NEVER), 0
    for old, new in traffic.looks(random.Random(seed)):
        done += old.requests + new.requests
        for name in [name for name, look in waiting.items() if look(old, new)]:
            found[name] = done
            del waiting[name]
        if not waiting:
            break
    return found


def simulate(
    traffic: Traffic, alarms: dict[str, Alarm], runs: int, seed: int = 0
) -> dict[str, list[float]]:
    """Return, for each alarm, when it went off in each run."""
    each = [first_alarms(traffic, alarms, seed * 1_000_003 + run) for run in range(runs)]
    return {name: [found[name] for found in each] for name in alarms}


def share_found(alarms: list[float]) -> float:
    return sum(at < NEVER for at in alarms) / len(alarms)


def quantile(alarms: list[float], q: float) -> float:
    return sorted(alarms)[math.ceil(q * len(alarms)) - 1]


# Parts --------------------------------------------------------------------------------------------

RATES = (0.0, 0.001, 0.01, 0.05, 0.3)
SHARES = (0.01, 0.1, 0.5)
BAD = ((0.01, 0.05), (0.0, 0.02), (0.001, 0.01), (0.2, 0.3))

Row = dict[str, object]


def good_releases(runs: int) -> Iterator[Row]:
    """Tell what share of releases as good as the old one is rolled back within 10,000 requests."""
    weather = [("steady", 50), *((drift, 0) for drift in DRIFTS), ("outages, pulled", 50)]
    for drift, look in weather:
        for seed, (rate, share) in enumerate(product(RATES, SHARES)):
            traffic = Traffic(rate, rate, share, look=look, drift=drift)
            found = simulate(traffic, ALARMS, runs, seed)
            yield {
                "rate": _percent(rate),
                "to new": _percent(share),
                "both arms": drift,
                "look": look or "1..1000",
                **{name: _percent(share_found(at)) for name, at in found.items()},
            }


def single_requests(runs: int) -> Iterator[Row]:
    """Do the same with a look after every single request, for 2,000 requests.

    The last rows show the limit: the split moves with the rates within less than a hundred
    requests, and neither a look nor a block of 50 can keep them apart.
    """
    for seed, (rate, share) in enumerate(product((0.01, 0.3), (0.1, 0.5))):
        for drift in ("steady", "outages"):
            yield _each_request(Traffic(rate, rate, share, 1, 2000, drift), runs, seed)
    for share in (0.1, 0.5):
        yield _each_request(Traffic(0.01, 0.01, share, 1, 2000, "outages, pulled"), runs // 10, 0)


def _each_request(traffic: Traffic, runs: int, seed: int) -> Row:
    found = simulate(traffic, {"evidence": by_evidence}, runs, seed)["evidence"]
    return {
        "rate": _percent(traffic.old),
        "to new": _percent(traffic.share),
        "both arms": traffic.drift,
        "evidence": _percent(share_found(found)),
    }


def long_ones(runs: int) -> Iterator[Row]:
    """Do the same with longer and longer evaluations: 1 % errors, 10 % to new, looks of 50."""
    for horizon in (3_000, 30_000, 300_000):
        traffic = Traffic(0.01, 0.01, horizon=horizon)
        found = simulate(traffic, ALARMS, runs // 4)
        shares = {name: _percent(share_found(at)) for name, at in found.items()}
        yield {"requests": f"{horizon:,}", **shares}


def bad_releases(runs: int) -> Iterator[Row]:
    """Tell after how many requests, of both arms together, a worse release is found."""
    for seed, ((old, new), look) in enumerate(product(BAD, (1, 10, 50, 100, 200, 1000))):
        traffic = Traffic(old, new, look=look, horizon=20_000)
        at = simulate(traffic, {"evidence": by_evidence}, runs if look > 1 else runs // 4, seed)
        yield {"errors": f"{_percent(old)} -> {_percent(new)}", "look": look, **_when(at)}


def other_splits(runs: int) -> Iterator[Row]:
    """Do the same at other splits, in looks of 50."""
    for seed, ((old, new), share) in enumerate(product(BAD, (0.01, 0.05, 0.25, 0.5, 0.9))):
        horizon = 200_000 if share < 0.05 else 20_000
        traffic = Traffic(old, new, share, horizon=horizon)
        at = simulate(traffic, {"evidence": by_evidence}, runs // 4, seed)
        errors = f"{_percent(old)} -> {_percent(new)}"
        yield {"errors": errors, "to new": _percent(share), **_when(at)}


def one_look(runs: int) -> Iterator[Row]:
    """Tell how many requests a test of fixed size wants, looked at once, for an even chance.

    Nobody knows that number beforehand: it depends on the rates that are to be found out.
    """
    for seed, (old, new) in enumerate(BAD):
        rng = random.Random(seed)
        size = next(
            size for size in range(100, 20_000, 50) if _power(rng, old, new, size, runs) >= 0.5
        )
        yield {"errors": f"{_percent(old)} -> {_percent(new)}", "fisher, once": size}


def _power(rng: random.Random, old: float, new: float, size: int, runs: int) -> float:
    looks = (next(Traffic(old, new, look=size).looks(rng)) for _ in range(runs))
    return sum(fisher(*look) <= LEVEL for look in looks) / runs


def accidents(runs: int) -> Iterator[Row]:
    """Tell how many good releases are rolled back whose errors come in bunches on each arm."""
    alarms = {"evidence": by_evidence, "without cap": uncapped, "fisher": peeked(fisher)}
    for seed, (bunch, share) in enumerate(product((1.0, 2.0, 4.0, 10.0), (0.01, 0.1, 0.25, 0.5))):
        traffic = Traffic(0.01, 0.01, share, bunch=bunch, horizon=20_000)
        found = simulate(traffic, alarms, runs // 4, seed)
        shares = {name: _percent(share_found(at)) for name, at in found.items()}
        yield {"errors at a time": bunch, "to new": _percent(share), **shares}


def late(runs: int) -> Iterator[Row]:
    """Tell how long it takes where the release is good for half of the evaluation."""
    for seed, ((old, new), horizon) in enumerate(product(BAD, (10_000, 50_000))):
        traffic = Traffic(old, new, horizon=horizon, late=0.5)
        found = simulate(traffic, {"evidence": by_evidence}, runs // 4, seed)["evidence"]
        since = {"evidence": [at - horizon / 2 for at in found if at > horizon / 2]}
        errors = f"{_percent(old)} -> {_percent(new)}"
        yield {"errors": errors, "bad after": horizon // 2, **_when(since)}


def visible(_runs: int) -> Iterator[Row]:
    """Tell what difference can be seen at a canary of 10 %, in percentage points."""
    for rate in (0.0, 0.001, 0.01, 0.05, 0.2):
        row: Row = {"errors of old": _percent(rate)}
        for size in (300, 1000, 3000, 10_000, 100_000, 1_000_000):
            old = Counts(size * 9 // 10, round(size * 0.9 * rate))
            effect = smallest_visible_effect(old, size // 10, LEVEL)
            row[f"{size:,}"] = "-" if effect is None else f"{100 * effect:.2f}"
        yield row


def speed(_runs: int) -> Iterator[Row]:
    """Tell what a call costs, in microseconds of processor time: the best of many."""
    begun = Evidence().observe(Counts(450, 4), Counts(50, 1))
    old, new, one, none = Counts(450, 4), Counts(50, 2), Counts(1, 0), Counts()
    calls: dict[str, tuple[Callable[[], object], int]] = {
        "observe, a block": (lambda: begun.observe(old, new), 2000),
        "observe, one request": (lambda: begun.observe(one, none), 2000),
        "smallest_visible_effect": (begun.smallest_visible_effect, 50),
        "explain": (begun.explain, 50),
        "to_json, from_json": (lambda: Evidence.from_json(begun.to_json()), 500),
    }
    for name, (call, number) in calls.items():
        best = min(timeit.repeat(call, number=number, repeat=30, timer=time.process_time))
        yield {"call": name, "us": round(best / number * 1e6, 1)}


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {
    part.__name__: part
    for part in (
        good_releases,
        single_requests,
        long_ones,
        bad_releases,
        other_splits,
        one_look,
        accidents,
        late,
        visible,
        speed,
    )
}


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _when(found: dict[str, list[float]]) -> Row:
    alarms = found["evidence"]
    return {
        "median": _requests(median(alarms)),
        "90 %": _requests(quantile(alarms, 0.9)),
        "found": _percent(share_found(alarms)),
    }


def _requests(at: float) -> str:
    return f"{at:,.0f}" if at < NEVER else "-"


def _show(rows: list[Row]) -> None:
    names = list(rows[0])
    print("| " + " | ".join(names) + " |")
    print("|" + "---|" * len(names))
    for row in rows:
        print("| " + " | ".join(str(row[name]) for name in names) + " |")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Measure canaries by evidence.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    results: dict[str, list[Row]] = {}
    for name in given.parts or PARTS:
        print(f"\n## {name}\n\n{inspect.getdoc(PARTS[name])}\n", flush=True)
        results[name] = list(PARTS[name](given.runs))
        _show(results[name])
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"runs": given.runs, **results}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
