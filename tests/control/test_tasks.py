"""Periodic tasks become part of a release of a worker environment, and of no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.control.rig import Rig

from jackbean.control.releases import SQSD, Wanted, cut
from jackbean.core.environments import Tier
from jackbean.core.errors import Fault
from jackbean.core.options.settings import Setting
from jackbean.core.options.table import options
from jackbean.core.releases import Release
from jackbean.core.tasks import Task
from jackbean.ports.depths import Depth
from jackbean.sources.bundles import extensions_of

GOOD = {"cron.yaml": "version: 1\ncron: [{name: a, url: /a, schedule: '0 * * * *'}]"}
BAD = {"cron.yaml": "version: 1\ncron: [{name: a, url: a, schedule: '0 * * *'}]"}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def release(rig: Rig, files: dict[str, str], *changes: Setting, tier: str = "Worker") -> Release:
    """Return the release that a bundle comes to."""
    version = rig.version(f"v-{rig.requests}", files)
    of = replace(rig.create(f"web{rig.requests}"), tier=Tier(tier, "SQS/HTTP", "2.3"))
    table = options(rig.world.platforms.of(of).branch.platform_name)
    wanted = Wanted("v9", version.digest, table, changes=changes)
    return rig.run(cut(rig.world, of, wanted)).release


def test_the_tasks_of_a_bundle_are_kept_with_its_release(rig: Rig) -> None:
    assert release(rig, GOOD).tasks == (Task("a", "/a", "0 * * * *"),)


def test_a_bundle_without_tasks(rig: Rig) -> None:
    assert release(rig, {"application.py": ""}).tasks == ()


def test_a_web_server_has_no_tasks_and_may_have_a_bad_file(rig: Rig) -> None:
    assert release(rig, BAD, tier="WebServer").tasks == ()


def test_a_bad_file_is_refused_with_all_its_faults(rig: Rig) -> None:
    with pytest.raises(Fault, match=r"(?s)line 2: cron: 0: url: .*line 2: cron: 0: schedule: "):
        release(rig, BAD)


def test_a_bundle_that_is_only_rehearsed_is_read_alike(rig: Rig) -> None:
    of = replace(rig.create("web9"), tier=Tier("Worker", "SQS/HTTP", "2.3"))
    table = options(rig.world.platforms.of(of).branch.platform_name)
    for files, refused in ((GOOD, False), (BAD, True)):
        texts = {name: text.encode() for name, text in files.items()}
        wanted = Wanted("v9", "", table, extensions=extensions_of(texts))
        if refused:
            with pytest.raises(Fault, match="cron: 0: schedule"):
                rig.run(cut(rig.world, of, wanted))
        else:
            assert len(rig.run(cut(rig.world, of, wanted)).release.tasks) == 1


def test_a_first_in_first_out_queue_has_no_tasks(rig: Rig) -> None:
    queue = Setting(SQSD, "WorkerQueueURL", "http://localhost/123456789012/jobs.fifo")
    rig.universe.depths.found["jobs.fifo"] = Depth()
    with pytest.raises(Fault, match="need a standard queue"):
        release(rig, GOOD, queue)
    assert release(rig, {"application.py": ""}, queue).tasks == ()
