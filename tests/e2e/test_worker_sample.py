"""The sample of a worker, as its README has it: `jb` in its folder, from creation to the end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation, installed, until

pytestmark = pytest.mark.e2e

SAMPLE = Path(__file__).parents[2] / "samples" / "worker"
NAME = "worker-dev"


class Folder:
    """A copy of the sample, and `jb` run in it by somebody who has only that."""

    def __init__(self, installation: Installation, home: Path) -> None:
        self._path = home / "worker"
        shutil.copytree(SAMPLE, self._path)
        plain = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self._env = {**plain, **installation.env, "HOME": str(home)}

    def jb(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("jb"), *arguments],
            cwd=self._path,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, f"jb {arguments}: {done.returncode}\n{said}"
        return said if code else done.stdout

    def told(self, *arguments: str) -> Any:
        return json.loads(self.jb(*arguments, "--output", "json"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Folder, Installation]]:
    with installed() as one:
        yield Folder(one, tmp_path), one


def test_a_life_of_the_sample(folder: tuple[Folder, Installation]) -> None:
    here, one = folder
    created = here.jb("create", "--tier", "worker")
    queue = here.told("status")["Queues"][0]["URL"]
    assert created.splitlines()[-1] == queue
    assert f"Queue: {queue}" in here.jb("status")

    sqs = one.client("sqs")
    fates = {'{"seconds": 1}': "gone", '{"fail": true}': "dead", "no JSON": "gone"}
    sent = {
        sqs.send_message(QueueUrl=queue, MessageBody=body)["MessageId"]: fate
        for body, fate in fates.items()
    }
    assert "tick: sent as message" in here.jb("cron", "run", "tick")
    assert "Ok" in here.jb("health")
    assert "Successfully deployed new configuration" in here.jb("scale", "2")
    assert "worker-dev gets version" in here.jb("plan")
    deployed = here.jb("deploy")
    assert deployed.splitlines()[-1] == queue
    assert "Environment update completed successfully." in deployed

    def known() -> dict[str, dict[str, Any]]:
        return {one["MessageId"]: one for one in here.told("messages")["Messages"]}

    until(lambda: {i: known()[i]["State"] for i in sent} == sent, 60, "all of them have ended")
    shown = here.jb("messages")
    assert "?" not in shown.partition("What came of it")[2]
    assert "dead: received 10 times without being deleted, and 10 are allowed" in shown
    tasks = [m for m in known().values() if m["Task"] == "tick"]
    assert tasks
    assert all(m["Status"] == 200 for m in tasks)
    until(lambda: "done: HTTP 200" in here.jb("cron"), 60, "no task is under way")

    assert "is a worker and has no URL" in here.jb("open", code=4)
    assert "aws-sqsd/default.log" in here.jb("logs")
    assert "successfully" in here.jb("events")
    assert "message was sent back." in here.jb("messages", "redrive")
    here.jb("terminate", "--force")
    assert sqs.list_queues().get("QueueUrls", []) == []
