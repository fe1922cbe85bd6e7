"""`jb cron` and `jb messages`, answered by a whole installation in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackbean.cli.screen import Screen
from jackbean.cli.verbs.messages import endless
from jackbean.cli.workplace import Workplace
from tests.api.rig import PlantRig
from tests.api.test_agents import call, token_of
from tests.api.test_door import extend
from tests.api.worker import attempt, make_worker, pass_minutes, take
from tests.cli.aws import Aws
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def rig(aws: Aws, tmp_path: Path) -> Iterator[PlantRig]:
    with PlantRig(tmp_path / "blobs") as made:
        made.launch("shop-worker")
        make_worker(made, "shop-worker")

        def answer(operation: str, body: bytes) -> tuple[int, str]:
            status, told = extend(made, operation, body)
            return status, json.dumps(told)

        aws.extension = answer
        yield made


def words(run: Run, *line: str) -> list[list[str]]:
    """Return what a command prints, by line and word."""
    ran = run(*line)
    assert ran.code == 0, ran.err
    return [line.split() for line in ran.out.splitlines()]


def tell(rig: PlantRig, said: object) -> None:
    instance = rig.environment(rig.environment_id("shop-worker")).members[0].id
    body = {"attempts": [said]}
    assert call(rig, "POST", "/v1/attempts", body, token_of(rig, instance)).status == 204


def test_tasks(rig: PlantRig, run: Run) -> None:
    pass_minutes(rig, 1)
    head, each, yearly = words(run, "cron", "list", "shop-worker")
    assert head == ["Task", "Schedule", "(UTC)", "Next", "Last"]
    assert each[:6] == ["each", "*", "*", "*", "*", "*"]
    assert each[-1] == "waiting"
    assert yearly[:6] == ["yearly", "0", "0", "1", "1", "*"]


def test_without_a_word_tasks_are_listed(rig: PlantRig, run: Run, project: Path) -> None:
    config = project / ".elasticbeanstalk" / "config.yml"
    config.write_text(config.read_text().replace("shop-dev", "shop-worker"))
    assert words(run, "cron") == words(run, "cron", "list", "shop-worker")
    assert run("cron", "--output", "json").document[0]["Name"] == "each"
    assert words(run, "messages")[0][:2] == ["Queue:", "work:"]


def test_a_life_of_a_task(rig: PlantRig, run: Run) -> None:
    assert "each: suspended" in run("cron", "suspend", "each", "shop-worker").out
    pass_minutes(rig, 1)
    pass_minutes(rig, 1)
    assert "suspended" in words(run, "cron", "list", "shop-worker")[1]
    assert "each: resumed" in run("cron", "resume", "--all", "shop-worker").out
    assert "yearly: sent as message" in run("cron", "run", "yearly", "shop-worker").out
    (message,) = take(rig)
    tell(rig, attempt(message, 200))
    history = run("cron", "history", "shop-worker").out
    assert "skipped 2 times, the last at " in history
    assert "the task was suspended" in history
    assert "running: HTTP 200 after 0.2 s on i-" in history
    assert len(run("cron", "history", "shop-worker", "-t", "each").out.splitlines()) == 2


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (("cron", "run", "other", "shop-worker"), "it has: each, yearly"),
        (("cron", "resume", "each", "shop-worker"), "is not suspended"),
        (("cron", "list", "nobody-here"), "No Environment found"),
        (("cron", "suspend"), "Name a task, or say --all"),
        (("cron", "suspend", "each", "shop-worker", "--all"), "Name a task, or say --all"),
    ],
)
def test_what_is_refused(rig: PlantRig, run: Run, line: tuple[str, ...], text: str) -> None:
    ran = run(*line)
    assert ran.code != 0
    assert text in ran.err


def bury(rig: PlantRig) -> None:
    url = "http://x/123456789012/work"
    rig.client("sqs").send_message(QueueUrl=url, MessageBody="a")
    for _ in range(2):
        tell(rig, attempt(take(rig)[0]))
        rig.universe.clock.advance(10)
    assert take(rig) == []


def test_dead_letters_and_their_way_back(rig: PlantRig, run: Run) -> None:
    bury(rig)
    told = run("messages", "list", "--dead", "shop-worker").out
    assert "Dead letters: dead: 1 waiting" in told
    assert "dead: received 2 times without being deleted, and 2 are allowed; last HTTP 500" in told
    document = run("messages", "list", "shop-worker", "--output", "json").document
    assert [one["Attempt"] for one in document["Messages"][0]["History"]] == [2, 1]
    assert "1 message was sent back." in run("messages", "redrive", "shop-worker").out
    assert "dead: 0 waiting" in run("messages", "shop-worker", "--dead").out


def test_a_worker_whose_queue_is_empty(rig: PlantRig, run: Run) -> None:
    assert "No task has been due yet." in run("cron", "history", "shop-worker").out
    assert len(words(run, "messages", "list", "shop-worker")) == 2


def test_following_tells_what_changes_and_nothing_twice(rig: PlantRig) -> None:
    url = "http://x/123456789012/work"
    place = Workplace(Screen())
    asked = {"EnvironmentName": "shop-worker", "DeadOnly": False, "MaxRecords": 50}
    told = endless(place, asked)
    rig.client("sqs").send_message(QueueUrl=url, MessageBody="a")
    first = next(told)
    assert (first["State"], first["Attempts"]) == ("waiting", 0)
    (message,) = take(rig)
    tell(rig, attempt(message, 503))
    second = next(told)
    assert (second["MessageId"], second["State"]) == (first["MessageId"], "held")
    rig.client("sqs").send_message(QueueUrl=url, MessageBody="b")
    assert next(told)["MessageId"] != first["MessageId"]
