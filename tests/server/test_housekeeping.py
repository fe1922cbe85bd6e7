"""Housekeeping: what nobody needs goes away, and nothing that somebody needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.rig import PlantRig
from tests.api.worker import TASKS, make_worker, pass_minutes
from tests.control.rig import bundle

from jackbean.control.logs.requests import KEPT_S
from jackbean.control.versions import delete_version
from jackbean.core.errors import PortError
from jackbean.core.events import Event
from jackbean.ports.firings import KEPT, History, State
from jackbean.ports.store import AddEvent
from jackbean.schedules.accounts import Decision, Skipped
from jackbean.server import housekeeping as housekeeping_module
from jackbean.server.housekeeping import PRUNE_S, ROUND_S, Housekeeping, Storage, used
from jackbean.server.messaging import Messaging
from jackbean.services.objects import Incoming, Write
from jackbean.services.objects.limits import ORPHAN_GRACE_S
from jackbean.simulator.engine import Behaviour
from jackbean.storage.retention import EVENT_RETENTION_S

LOG = "resources/environments/logs/tail/e-abcdefghij/i-0123456789abcdef0/TailLogs-170.out"
OLD_S = max(KEPT_S, ORPHAN_GRACE_S) + 1


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PlantRig]:
    with PlantRig(tmp_path) as rig:
        yield rig


@pytest.fixture
def house(rig: PlantRig) -> Housekeeping:
    return keeper(rig)


def keeper(rig: PlantRig) -> Housekeeping:
    messaging = Messaging(rig.queues, rig.topics, rig.firings, rig.ledger)
    return Housekeeping(
        rig.world,
        Storage(
            rig.world.store, rig.buckets, rig.objects, messaging, rig.plant.log_groups, rig.tables
        ),
    )


def put(rig: PlantRig, key: str, content: bytes, bucket: str = "") -> str:
    """Upload something, and return the digest of its bytes."""

    async def chunks() -> Any:
        yield content

    bucket = bucket or rig.world.installation.bucket
    rig.run(rig.objects.ensure_bucket(bucket))
    return str(rig.run(rig.objects.put(Write(bucket, key), Incoming(chunks()))).digest)


def delete(rig: PlantRig, key: str) -> None:
    rig.run(rig.objects.delete(rig.world.installation.bucket, key))


def kept(rig: PlantRig, digest: str) -> bool:
    try:
        rig.world.blobs.path(digest)
    except PortError:
        return False
    return True


def rounds(rig: PlantRig, house: Housekeeping, count: int = 2) -> None:
    for _ in range(count):
        rig.world.clock.advance(OLD_S)
        rig.run(house.round())


def keys(rig: PlantRig) -> list[str]:
    return sorted(key for _, key in rig.buckets._objects)


# Bytes


def test_bytes_that_nothing_refers_to_go_away(rig: PlantRig, house: Housekeeping) -> None:
    digest = put(rig, "key", b"content")
    rounds(rig, house)
    assert kept(rig, digest)
    delete(rig, "key")
    rig.run(house.round())
    assert kept(rig, digest)  # for a while
    rounds(rig, house, 1)
    assert not kept(rig, digest)


def version_of(rig: PlantRig, label: str) -> str:
    """Make a version of an upload that is deleted at once, and return the digest of its bytes."""
    content = bundle({"application.py": label})
    digest = put(rig, label, content)
    source = {"S3Bucket": rig.world.installation.bucket, "S3Key": label}
    rig.eb.create_application_version(
        ApplicationName="app", VersionLabel=label, SourceBundle=source
    )
    delete(rig, label)
    return digest


def test_a_version_keeps_its_bytes(rig: PlantRig, house: Housekeeping) -> None:
    digest = version_of(rig, "v3")
    rounds(rig, house, 3)
    assert kept(rig, digest)
    rig.run(delete_version(rig.world, "app", "v3"))
    rounds(rig, house, 1)
    assert kept(rig, digest)  # it was used a round ago
    rounds(rig, house, 1)
    assert not kept(rig, digest)


def test_instances_keep_the_bytes_that_they_may_be_given_yet(rig: PlantRig) -> None:
    """What runs, what is on its way, and what an update may go back to."""
    digests = [version_of(rig, label) for label in ("v3", "v4")]
    rig.launch(VersionLabel="v3")
    rig.update(label="v4")
    rig.step(1.0)
    assert set(digests) <= rig.run(used(rig.world))
    for version in rig.run(rig.world.store.versions("app", ["v3", "v4"])):
        rig.world.store._versions.drop((version.application, version.label))
    house = keeper(rig)
    rounds(rig, house, 3)
    assert all(kept(rig, digest) for digest in digests)


def test_a_mixed_fleet_keeps_both(tmp_path: Path) -> None:
    with PlantRig(tmp_path, behaviour=Behaviour(fails_activating=frozenset({2}))) as rig:
        first, second = version_of(rig, "v3"), version_of(rig, "v4")
        rig.launch(VersionLabel="v3")
        rig.update(label="v4")
        rig.settle()
        assert {first, second} <= rig.run(used(rig.world))


def test_when_an_environment_has_ended_its_bytes_go_with_the_version(
    rig: PlantRig, house: Housekeeping
) -> None:
    digest = version_of(rig, "v3")
    id_ = rig.launch(VersionLabel="v3")
    rig.eb.terminate_environment(EnvironmentName="web1")
    rig.settle(id_)
    rig.eb.delete_application_version(ApplicationName="app", VersionLabel="v3")
    rounds(rig, house, 3)
    assert not kept(rig, digest)


def test_sample_applications_are_kept(rig: PlantRig, house: Housekeeping) -> None:
    digest = put(rig, "key", b"a sample, uploaded by somebody, too")
    rig.world.platforms._samples["Python"] = digest
    delete(rig, "key")
    rounds(rig, house, 3)
    assert kept(rig, digest)


def test_the_first_round_only_looks(rig: PlantRig, house: Housekeeping) -> None:
    """A control plane that has just started does not know what was used a moment ago."""
    digest = put(rig, "key", b"content")
    delete(rig, "key")
    rig.world.clock.advance(OLD_S)
    rig.run(house.round())
    assert kept(rig, digest)


# Logs


def test_old_logs_are_deleted(rig: PlantRig, house: Housekeeping) -> None:
    put(rig, LOG, b"a log")
    put(rig, LOG.replace("tail/", "bundle/").replace("TailLogs-170.out", "BundleLogs-1.zip"), b"z")
    rig.world.clock.advance(KEPT_S - 1)
    rig.run(house.round())
    assert len(keys(rig)) == 2
    rig.world.clock.advance(2)
    rig.run(house.round())
    assert keys(rig) == []


@pytest.mark.parametrize(
    "key",
    [
        "resources/environments/logs/mine.txt",
        LOG + ".kept",
        "resources/templates/app/t",
        "v1.zip",
        "x" + LOG,
    ],
)
def test_what_is_not_ours_is_left_alone(rig: PlantRig, house: Housekeeping, key: str) -> None:
    put(rig, key, b"theirs")
    put(rig, LOG, b"a log", bucket="another-bucket")
    rounds(rig, house, 3)
    assert keys(rig) == sorted([key, LOG])


def test_logs_of_many_pages(rig: PlantRig, house: Housekeeping) -> None:
    for number in range(1001):
        put(rig, LOG.replace("170", str(number)), b"a log")
    rounds(rig, house, 1)
    assert keys(rig) == []


def test_without_a_bucket_there_are_no_logs(rig: PlantRig, house: Housekeeping) -> None:
    rounds(rig, house)
    assert rig.run(rig.objects.buckets()) == []


# Events


def test_old_events_are_forgotten_about_daily(rig: PlantRig, house: Housekeeping) -> None:
    rig.run(rig.world.store.commit([AddEvent(Event("old", application="told"))]))
    rig.world.clock.advance(EVENT_RETENTION_S + 1)
    rig.run(rig.world.store.commit([AddEvent(Event("new", application="told"))]))
    rig.run(house.round())
    assert rig.told(application="told") == ["new"]

    pruned: list[float] = []

    async def prune(now: float) -> int:
        pruned.append(now)
        return 0

    rig.world.store.prune = prune
    for _ in range(48):
        rig.world.clock.advance(ROUND_S)
        rig.run(house.round())
    assert len(pruned) == 2
    assert pruned[1] - pruned[0] >= PRUNE_S


# Trouble


@pytest.mark.parametrize("trouble", [PortError("the disk is full"), ZeroDivisionError("a bug")])
def test_one_part_that_fails_leaves_the_others(
    rig: PlantRig, house: Housekeeping, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def prune(now: float) -> int:
        raise trouble

    put(rig, LOG, b"a log")
    rig.world.clock.advance(OLD_S)
    rig.world.store.prune = prune
    with caplog.at_level(logging.WARNING):
        rig.run(house.round())
    assert keys(rig) == []
    assert str(trouble) in caplog.text


def test_it_goes_on_until_it_is_cancelled(
    rig: PlantRig, house: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping_module, "ROUND_S", 0.001)
    taken = 0

    async def note() -> None:
        nonlocal taken
        taken += 1

    async def run() -> None:
        house.round = note
        task = asyncio.create_task(house.run())
        async with asyncio.timeout(30):
            while taken < 3:
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    rig.run(run())


def test_old_lines_of_ledgers_are_forgotten(rig: PlantRig, house: Housekeeping) -> None:
    rig.launch()
    make_worker(rig)
    for _ in range(3):
        pass_minutes(rig, 1)
    rig.run(house.round())
    wanted = History(rig.environment_id("web1"))
    assert len(rig.run(rig.firings.history(wanted, 0))) == 3
    many = [Skipped(TASKS[0], n, n, 1, 1, "because") for n in range(KEPT)]
    account = rig.run(rig.firings.account(wanted.environment))
    rig.run(rig.firings.save(Decision(account, tuple(many)), (), 0))
    rig.run(house.round())
    lines = rig.run(rig.firings.history(History(wanted.environment, limit=KEPT + 9), 0))
    assert len(lines) == KEPT
    assert [line.state for line in lines[:4]] == [State.WAITING] * 3 + [State.SKIPPED]
