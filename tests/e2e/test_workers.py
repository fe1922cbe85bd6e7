"""Worker environments: nobody who leaves abandons a message.

A message that was abandoned stays hidden for ten minutes here. So a queue that is empty a few
seconds after the last message was sent is one of which every instance that left has finished its
messages, or has given them back at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, option, until
from tests.e2e.workers import SCALING, SQSD, Jobs, Load

pytestmark = pytest.mark.e2e

SHORT_S = 30.0  # within which what is there is done; far below what an abandoned message takes
QUICK = {"seconds": 0.2}


@pytest.fixture
def jobs(installation: Installation, request: pytest.FixtureRequest) -> Iterator[Jobs]:
    """An environment that is made by the test, and ended after it."""
    name = request.node.name.replace("test_", "").replace("_", "-").partition("[")[0]
    suffix = request.node.name.partition("[")[2].rstrip("]").lower()
    found = Jobs(installation, f"{name[:24].strip('-')}-{suffix[:14]}".strip("-"))
    yield found
    installation.terminate(found.name)


def settled(jobs: Jobs) -> None:
    """Require that every message was processed, and that the ledger says so."""
    jobs.spent(SHORT_S)
    assert jobs.counts("WorkerDeadLetterQueue") == (0, 0)
    until(lambda: not open_(jobs), 10, "the ledger is complete")


def open_(jobs: Jobs) -> list[dict[str, object]]:
    return [e for e in jobs.ledger() if (e["State"], e["Status"]) != ("gone", 200)]


def test_a_burst_with_more_and_fewer_instances(jobs: Jobs) -> None:
    few = option(SQSD, "HttpConnections", "4")
    jobs.create(option(ASG, "MinSize", "1"), option(ASG, "MaxSize", "1"), few)
    with Load(jobs, QUICK):
        jobs.scale(4)
        until(lambda: len(workers_of(jobs)) >= 3, 30, "others take messages, too")
        jobs.scale(1)
    settled(jobs)
    sent = len(jobs.sent)
    assert sent > 50
    again = [entry for entry in jobs.ledger() if entry["Attempts"] > 1]
    assert not again, "whoever left had time to finish"


def workers_of(jobs: Jobs) -> set[str]:
    """Return the instances that have processed any of the last messages."""
    return {entry["Instance"] for entry in jobs.ledger() if entry["Instance"]}


@pytest.mark.parametrize(
    "policy", ["AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable"]
)
def test_deploying_under_load(jobs: Jobs, policy: str) -> None:
    sizes = (option(ASG, "MinSize", "2"), option(ASG, "MaxSize", "3"))
    batch = (option(COMMAND, "BatchSizeType", "Fixed"), option(COMMAND, "BatchSize", "1"))
    jobs.create(*sizes, *batch, option(COMMAND, "DeploymentPolicy", policy))
    with Load(jobs, QUICK):
        until(lambda: len(workers_of(jobs)) == 2, 30, "both take messages")
        made = jobs.installation.deploy(jobs.name, jobs.version("second"))
        assert made["VersionLabel"].endswith("second")
    settled(jobs)
    statuses = Counter(one["Status"] for entry in jobs.ledger() for one in entry["History"])
    assert statuses[200] > 20
    if policy != "AllAtOnce":
        assert set(statuses) == {200}, "messages are finished before an instance is changed"


def test_what_takes_too_long_is_given_back_at_once(jobs: Jobs) -> None:
    """One of two instances leaves in the middle of messages that it has no time for."""
    two = (option(ASG, "MinSize", "2"), option(ASG, "MaxSize", "2"))
    half = option(SQSD, "HttpConnections", "4")  # of the messages: each of the two has some
    jobs.create(*two, half, option("jackbean:deployment", "DrainTimeout", "1"))
    jobs.send(*[{"seconds": 12}] * 8)
    until(lambda: jobs.counts() == (0, 8), 20, "all of them are worked on")
    jobs.scale(1)
    jobs.spent(60)
    until(lambda: not open_(jobs), 10, "the ledger is complete")
    attempts = Counter(len(entry["History"]) for entry in jobs.ledger())
    assert attempts[2] >= 1, f"somebody's were begun anew: {attempts}"
    errors = {one["Error"] for entry in jobs.ledger() for one in entry["History"][1:]}
    assert errors == {"given back: the daemon was stopped"}


def test_capacity_follows_the_backlog(jobs: Jobs) -> None:
    follow = (
        option(SCALING, "BacklogPerInstance", "10"),
        option(SCALING, "ScaleInCooldown", "10"),
        option(SCALING, "ScaleOutCooldown", "0"),
        option(SQSD, "HttpConnections", "2"),
    )
    jobs.create(option(ASG, "MinSize", "1"), option(ASG, "MaxSize", "3"), *follow)
    jobs.send(*[{"seconds": 0.7}] * 60)
    until(lambda: len(jobs.instances()) == 3, 30, "there are three")
    settled(jobs)
    until(lambda: len(jobs.instances()) == 1, 60, "one is left")
    told = [e for e in jobs.installation.events(jobs.name) if "Scaling from" in e]
    assert told[0].startswith("INFO Scaling from 1 to 3 instance(s)")
    assert all(entry["Attempts"] == 1 for entry in jobs.ledger())
