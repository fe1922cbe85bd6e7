"""Requests lost while everything changes: `./dev bench zero-loss`.

    --policy NAME ...   only these changes; `--list` names them
    --requests N        at least so many for each (20,000)
    --rate N            so many a second (400)
    --break-drain       have instances leave without their requests' end: must be seen, exits 1
    --output json       the report, instead of a table

A real server with real instances behind a real Envoy. Callers ask on keep-alive connections and
send bodies in chunks; patients wait 20 s for an answer or take as long to upload; talkers exchange
messages on WebSockets. Nobody tries anything twice. A change that is through before the number is
full is made again. docs/zero-loss.md says what counts as a loss. Exits 1 if there was any.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.changes import CHANGES, EVALUATION_S, NAME, PERCENT, Change, NotThere, Stage
from bench.figures import Figure, Series, percentile
from botocore.exceptions import ClientError
from tests.e2e.installation import Installation, installed, until
from tests.load.blame import explained, lines_of
from tests.load.crowd import Load, letting_loose
from tests.load.judging import Move, contradictions, share_of
from tests.load.tally import Tally, longest_gap_s
from tests.load.visitors import Place

RESULTS = Path(__file__).parent / "results" / "zero-loss.json"
BRIEF = ("GET", "POST")
SHOWN_MAX = 10
TROUBLE_MAX = 4000
LOG_S = 3.0  # the load balancer writes its log at most a second late
SHARE_SLACK = 0.03


@dataclass(frozen=True)
class Terms:
    """How much is tried. `drain_s` is the deregistration delay, above what slow requests take."""

    requests: int = 20_000
    load: Load = field(default_factory=lambda: Load(24, 400.0, patients=8, talkers=6))
    drain_s: int = 26
    instances: int = 3
    break_drain: bool = False


SHORT = Terms(2_000, Load(8, 150.0, patients=4, slow_s=3.0, talkers=3), 6, 2)


@dataclass(frozen=True)
class Outcome:
    """What a change did to its visitors. `wrong` answers contradict what it may do."""

    name: str
    lossless: bool = True
    there: bool = True
    requests: int = 0
    failed: int = 0
    wrong: int = 0
    seconds: tuple[float, ...] = ()
    kinds: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    moved: int = 0
    repeated: int = 0
    rate: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    gap_ms: float = 0.0
    troubles: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return self.wrong == 0 and (self.failed == 0 or not self.lossless)


def tried(stage: Stage, name: str, terms: Terms) -> Outcome:
    """Make one of the changes again and again until enough requests have been made meanwhile."""
    change = CHANGES[name]
    try:
        change.prepare(stage)
    except NotThere:
        return Outcome(name, lossless=change.lossless, there=False)
    moves: list[Move] = []
    began = time.monotonic()
    load = replace(terms.load, patients=0, talkers=0) if change.brief else terms.load
    with letting_loose(_place(stage, change), load) as crowd:
        lead = int(terms.load.rate * min(4.0, terms.load.slow_s / 2))
        until(lambda: crowd.requests >= lead, 60, "visitors have come")
        while not moves or crowd.requests < terms.requests:
            moves.append(change.act(stage))
        spent = time.monotonic() - began
    outcome = _outcome(name, crowd.tally, moves, change)
    troubles = (*_losses(stage.one, crowd.tally), *outcome.troubles)
    return replace(outcome, rate=round(crowd.requests / spent, 1), troubles=troubles)


def _place(stage: Stage, change: Change) -> Place:
    if change.by_name:
        return Place(f"127.0.0.1:{stage.one.http_port}", str(stage.made["CNAME"]))
    return Place(str(stage.made["EndpointURL"]))


def _outcome(name: str, tally: Tally, moves: list[Move], change: Change) -> Outcome:
    wrong = contradictions(tally.seen, moves, at_once=change.at_once)
    wrong += _wrong_share(tally, moves) if change.split else []
    took = [1000 * (one.ended - one.begun) for one in tally.seen if one.kind in BRIEF]
    return Outcome(
        name,
        lossless=change.lossless,
        requests=tally.requests,
        failed=len(tally.losses),
        wrong=len(wrong),
        seconds=tuple(round(move.rested - move.asked, 2) for move in moves),
        kinds=dict(sorted(tally.kinds().items())),
        versions=dict(sorted(tally.answers.items())),
        messages=tally.messages,
        moved=tally.moved,
        repeated=tally.repeated,
        p50_ms=round(percentile(took, 0.5), 1),
        p99_ms=round(percentile(took, 0.99), 1),
        gap_ms=round(1000 * longest_gap_s(tally, BRIEF)),
        troubles=tuple(wrong[:SHOWN_MAX]),
    )


def _wrong_share(tally: Tally, moves: list[Move]) -> list[str]:
    """Tell where the new version got another share, while it was evaluated, than it was to get."""
    found = []
    for move in moves:
        first = min(one.begun for one in tally.seen if move.value(one) == move.after)
        new, every = share_of(tally.seen, move.after, first + 2, first + EVALUATION_S - 10)
        if abs(new / max(every, 1) - PERCENT / 100) > SHARE_SLACK:
            found.append(f"{new} of {every} requests went to {move.after}, not {PERCENT} %")
    return found


def _losses(one: Installation, tally: Tally) -> Iterator[str]:
    """Tell of the first losses what the load balancer knows of them, and what went on just then."""
    shown = sorted(tally.losses, key=lambda loss: loss.ended)[:SHOWN_MAX]
    if not shown:
        return
    log = one.data_dir / "envoy" / "access.log"
    deadline = time.monotonic() + LOG_S
    until(lambda: len(lines_of(log, shown)) == len(shown) or time.monotonic() > deadline, 60, "log")
    lines = lines_of(log, shown)
    now = (time.monotonic(), datetime.now(UTC).timestamp())
    told = one.client().describe_events(EnvironmentName=NAME)["Events"]
    for loss in shown:
        at = now[1] - now[0] + loss.ended
        before = [e["Message"] for e in told if e["EventDate"].timestamp() <= at]
        yield f"{explained(loss, lines.get(loss.path))}; the last event was: {before[0]}"
    if len(tally.losses) > len(shown):
        yield f"and {len(tally.losses) - len(shown)} more"


def outcomes(names: list[str], terms: Terms) -> Iterator[Outcome]:
    with installed() as one:
        stage = Stage(one, terms.instances, terms.load.slow_s)
        stage.set_up(0 if terms.break_drain else terms.drain_s)
        for name in names:
            try:
                yield tried(stage, name, terms)
            except (AssertionError, ClientError) as error:  # this change could not be made
                yield Outcome(name, wrong=1, troubles=(str(error)[:TROUBLE_MAX],))
                return


def measure() -> Iterator[Figure]:
    """Return it all as figures, for `./dev bench`."""
    for outcome in outcomes(list(CHANGES), Terms()):
        if not outcome.there:
            continue
        most = 0 if outcome.lossless else None
        yield Series(f"{outcome.name}: requests", [outcome.requests], "").figure("zero-loss")
        lost = [outcome.failed + outcome.wrong]
        yield Series(f"{outcome.name}: lost or wrong", lost, "").figure("zero-loss", most)
        yield Series(f"{outcome.name}", outcome.seconds).figure("zero-loss")
        yield Series(f"{outcome.name}: longest without an answer", [outcome.gap_ms], "ms").figure(
            "zero-loss"
        )


HEAD = (
    "change                       requests failed wrong messages moved  p50 ms  p99 ms  gap ms  s"
)


def row(outcome: Outcome) -> str:
    if not outcome.there:
        return f"{outcome.name:28} not there: this installation has no such operation"
    seconds = " ".join(f"{one:.1f}" for one in outcome.seconds[:8])
    more = f" and {len(outcome.seconds) - 8} more" if len(outcome.seconds) > 8 else ""
    return (
        f"{outcome.name:28} {outcome.requests:8} {outcome.failed:6} {outcome.wrong:5} "
        f"{outcome.messages:8} {outcome.moved:5} {outcome.p50_ms:7} {outcome.p99_ms:7} "
        f"{outcome.gap_ms:7}  {seconds}{more}"
    )


def main(arguments: list[str]) -> int:
    asked = _parsed(arguments)
    if asked.list:
        print("\n".join(CHANGES))
        return 0
    names = asked.policy or (["Rolling"] if asked.break_drain else list(CHANGES))
    load = replace(Load(24, patients=8, talkers=6), rate=asked.rate)
    terms = Terms(asked.requests, load, break_drain=asked.break_drain)
    told: list[Outcome] = []
    if asked.output == "table":
        print(HEAD)
    for outcome in outcomes(names, terms):
        told.append(outcome)
        if asked.output == "table":
            print(row(outcome), *outcome.troubles, sep="\n    ", flush=True)
    report = _report(told, terms)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2) if asked.output == "json" else _verdict(told))
    return 0 if all(one.good for one in told) else 1


def _parsed(arguments: list[str]) -> argparse.Namespace:
    words = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="./dev bench zero-loss",
        description=words[0] + words[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--policy", nargs="+", choices=list(CHANGES), metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--requests", type=int, default=Terms.requests)
    parser.add_argument("--rate", type=float, default=400.0)
    parser.add_argument("--break-drain", action="store_true")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    return parser.parse_args(arguments)


def _report(told: list[Outcome], terms: Terms) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "good": all(one.good for one in told),
        "terms": asdict(terms),
        "changes": [asdict(one) | {"good": one.good} for one in told],
    }


def _verdict(told: list[Outcome]) -> str:
    bad = [one.name for one in told if not one.good]
    absent = [one.name for one in told if not one.there]
    lines = [f"LOST requests or wrong answers: {', '.join(bad)}"] if bad else ["nothing was lost"]
    lines += [f"not tried: {', '.join(absent)}"] if absent else []
    lines += [
        f"{one.name}: {one.gap_ms:.0f} ms without an answer, {one.failed} requests failed"
        for one in told
        if one.there and not one.lossless
    ]
    return "\n".join([*lines, f"written to {RESULTS}"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
