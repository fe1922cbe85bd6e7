"""Requests lost while everything changes, out of 20,000 and more.

Visitors keep their connections and now and then send a body in chunks; an answer that is late,
broken, or not that of the application counts as lost. That losses would be seen is shown at the end
by an environment that is told not to drain, with requests that take a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from bench.figures import Figure, Series
from tests.e2e.installation import ASG, COMMAND, Installation, app, installed, option
from tests.e2e.load import Tally, visitors

LEAST = 20_000
ROUNDS_MAX = 60
NAME = "loss-env"
VISITORS = 8
LABELS = cycle(("two", "one"))
COLOURS = cycle(("red", "blue"))
SIZES = cycle(("5", "3"))
SETTINGS = (
    option(ASG, "MinSize", "3"),
    option(COMMAND, "DeploymentPolicy", "Rolling"),
    option(COMMAND, "BatchSizeType", "Fixed"),
    option(COMMAND, "BatchSize", "1"),
)


def measure() -> Iterator[Figure]:
    tallies = {name: Tally() for name in CHANGES}
    with installed() as one:
        for label in ("one", "two"):
            one.version(label, app(label))
        made = one.create(NAME, "one", *SETTINGS)
        for _ in range(ROUNDS_MAX):
            for name, change in CHANGES.items():
                _visited(one, made, tallies[name], change)
            if sum(t.requests for t in tallies.values()) >= LEAST:
                break
        for name, tally in tallies.items():
            yield from _figures(name, tally, most=0)
        yield from _figures("all of it", _together(tallies), most=0)
        broken = Tally()
        one.begin(NAME, OptionSettings=[option("jackbean:deployment", "DrainTimeout", "0")])
        one.rest(NAME)
        _visited(one, made, broken, _deploy, path="/slow/1")
        yield from _figures("Rolling without draining, slow requests (must lose some)", broken)
        assert broken.failures, "this measurement could not fail"


def _figures(what: str, tally: Tally, most: float | None = None) -> Iterator[Figure]:
    yield Series(f"{what}: requests", [tally.requests], "").figure("zero-loss")
    yield Series(f"{what}: lost", [len(tally.failures)], "").figure("zero-loss", most)
    for failure in tally.failures[:3]:
        print(f"  {what}: {failure}")


def _together(tallies: dict[str, Tally]) -> Tally:
    whole = Tally()
    for tally in tallies.values():
        whole.answers += tally.answers
        whole.failures += tally.failures
    return whole


def _visited(
    one: Installation,
    made: dict[str, Any],
    tally: Tally,
    change: Callable[[Installation], None],
    path: str = "/",
) -> None:
    with visitors(made["EndpointURL"], VISITORS, path) as crowd:
        change(one)
        one.rest(NAME)
    tally.answers += crowd.tally.answers
    tally.failures += crowd.tally.failures


def _deploy(one: Installation) -> None:
    one.begin(NAME, VersionLabel=next(LABELS))


def _configure(one: Installation) -> None:
    namespace = "aws:elasticbeanstalk:application:environment"
    one.begin(NAME, OptionSettings=[option(namespace, "COLOUR", next(COLOURS))])


def _scale(one: Installation) -> None:
    size = next(SIZES)
    one.begin(NAME, OptionSettings=[option(ASG, "MinSize", size), option(ASG, "MaxSize", size)])


def _deploy_and_kill(one: Installation) -> None:
    _deploy(one)
    one.kill()
    one.start()


CHANGES: dict[str, Callable[[Installation], None]] = {
    "Rolling": _deploy,
    "configuration": _configure,
    "scaling out": _scale,
    "scaling in": _scale,
    "Rolling, kill -9 on the way": _deploy_and_kill,
}
