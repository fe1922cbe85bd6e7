"""Periodic tasks and the ledger of messages, asked for as `jb` does, and told as sqsd does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.rig import PlantRig
from tests.api.test_agents import call, token_of
from tests.api.test_door import ADMIN, extend
from tests.api.worker import attempt, make_worker, pass_minutes, take

from jackbean.core.protocol import ATTEMPTS_MAX


@pytest.fixture
def instance(rig: PlantRig) -> str:
    rig.launch()
    return make_worker(rig)


def ask(rig: PlantRig, operation: str, keys: tuple[str, str] = ADMIN, **asked: Any) -> Any:
    status, told = extend(rig, operation, json.dumps({"EnvironmentName": "web1", **asked}), keys)
    assert status == 200, told
    return told


def refused(rig: PlantRig, operation: str, **asked: Any) -> str:
    status, told = extend(rig, operation, json.dumps({"EnvironmentName": "web1", **asked}))
    assert status == 400, told
    return str(told["message"])


def tell(rig: PlantRig, instance: str, *attempts: Any) -> int:
    body = {"attempts": list(attempts)}
    return call(rig, "POST", "/v1/attempts", body, token_of(rig, instance)).status


# Periodic tasks


def test_tasks_are_listed(rig: PlantRig, instance: str) -> None:
    pass_minutes(rig, 1)
    each, yearly = ask(rig, "DescribePeriodicTasks")["Tasks"]
    assert (each["Name"], each["Path"], each["Schedule"]) == ("each", "/each", "* * * * *")
    assert (each["Suspended"], each["Last"]["State"]) == (False, "waiting")
    assert each["Due"] > each["Last"]["Due"]
    assert yearly["Last"] is None
    assert yearly["Due"].endswith("-01-01T00:00:00+00:00")


def test_a_run_out_of_turn_and_what_became_of_it(rig: PlantRig, instance: str) -> None:
    run = ask(rig, "RunPeriodicTask", TaskName="yearly")["Run"]
    assert (run["Task"], run["State"], run["Attempts"]) == ("yearly", "waiting", 0)
    (message,) = take(rig)
    assert message["MessageId"] == run["MessageId"]
    assert tell(rig, instance, attempt(message, 200, task="yearly")) == 204
    rig.client("sqs").delete_message(
        QueueUrl="http://x/123456789012/work", ReceiptHandle=message["ReceiptHandle"]
    )
    (line,) = ask(rig, "DescribePeriodicRuns")["Runs"]
    assert (line["State"], line["Status"], line["Seconds"]) == ("done", 200, 0.25)
    assert (line["Instance"], line["Attempts"]) == (instance, 1)


def test_suspending_and_resuming(rig: PlantRig, instance: str) -> None:
    assert ask(rig, "SuspendPeriodicTasks", TaskNames=["each"])["TaskNames"] == ["each"]
    pass_minutes(rig, 1)
    pass_minutes(rig, 1)
    (line,) = ask(rig, "DescribePeriodicRuns", TaskName="each")["Runs"]
    assert (line["State"], line["Reason"]) == ("skipped", "the task was suspended")
    assert (line["Count"], line["MessageId"]) == (2, None)
    assert line["Due"] < line["LastDue"]
    assert ask(rig, "DescribePeriodicTasks")["Tasks"][0]["Suspended"]
    assert ask(rig, "ResumePeriodicTasks")["TaskNames"] == ["each"]
    pass_minutes(rig, 1)
    assert ask(rig, "DescribePeriodicRuns")["Runs"][0]["State"] == "waiting"


def test_history_in_pages(rig: PlantRig, instance: str) -> None:
    for _ in range(3):
        pass_minutes(rig, 1)
    first = ask(rig, "DescribePeriodicRuns", MaxRecords=2)["Runs"]
    assert len(first) == 2
    seconds = int(rig.world.clock.now() // 60 - 1) * 60
    older = ask(rig, "DescribePeriodicRuns", Before=seconds)["Runs"]
    assert [one["Due"] for one in older] < [one["Due"] for one in first]
    assert len(older) == 1


@pytest.mark.parametrize(
    ("operation", "asked", "text"),
    [
        (
            "RunPeriodicTask",
            {"TaskName": "other"},
            "no periodic task 'other'; it has: each, yearly",
        ),
        ("RunPeriodicTask", {}, "no periodic task"),
        ("SuspendPeriodicTasks", {"TaskNames": "each"}, "must be a list of names"),
        ("SuspendPeriodicTasks", {"TaskNames": [1]}, "must be a list of names"),
        ("ResumePeriodicTasks", {"TaskNames": ["each"]}, "is not suspended"),
        ("DescribePeriodicRuns", {"MaxRecords": 0}, "from 1 to 1000"),
        ("DescribePeriodicRuns", {"MaxRecords": True}, "from 1 to 1000"),
        ("DescribePeriodicRuns", {"Before": "now"}, "an instant in seconds"),
        ("DescribePeriodicRuns", {"Before": 1e400}, "an instant in seconds"),
        ("DescribeMessages", {"MaxRecords": 1001}, "from 1 to 1000"),
        ("DescribePeriodicTasks", {"EnvironmentName": "nobody"}, "No Environment found"),
    ],
)
def test_refusals(
    rig: PlantRig, instance: str, operation: str, asked: dict[str, Any], text: str
) -> None:
    assert text in refused(rig, operation, **asked)


@pytest.mark.parametrize(
    "operation", ["DescribePeriodicTasks", "DescribeMessages", "RunPeriodicTask"]
)
def test_a_web_server_is_no_worker(rig: PlantRig, operation: str) -> None:
    rig.launch()
    assert "is no worker" in refused(rig, operation)


def test_instances_may_not_ask(rig: PlantRig, instance: str) -> None:
    body = json.dumps({"EnvironmentName": "web1"})
    assert extend(rig, "DescribeMessages", body, rig.instance_keys())[0] == 403


# Messages


def send(rig: PlantRig, *bodies: str) -> None:
    for body in bodies:
        rig.client("sqs").send_message(QueueUrl="http://x/123456789012/work", MessageBody=body)


def test_messages_with_what_came_of_them(rig: PlantRig, instance: str) -> None:
    send(rig, "a")
    (message,) = take(rig)
    assert tell(rig, instance, attempt(message, 503)) == 204
    told = ask(rig, "DescribeMessages")
    assert (told["Queue"]["Name"], told["Queue"]["Held"]) == ("work", 1)
    assert (told["DeadLetterQueue"]["Name"], told["MaxReceiveCount"]) == ("dead", 2)
    (entry,) = told["Messages"]
    assert (entry["MessageId"], entry["State"]) == (message["MessageId"], "held")
    assert (entry["Attempts"], entry["Status"], entry["Seconds"]) == (1, 503, 0.25)
    assert (entry["Instance"], entry["Why"]) == (instance, None)
    assert [one["Attempt"] for one in entry["History"]] == [1]


def bury(rig: PlantRig, instance: str, status: int = 500, **more: Any) -> None:
    send(rig, "a")
    for _ in range(2):
        (message,) = take(rig)
        tell(rig, instance, attempt(message, status, **more))
        rig.universe.clock.advance(10)
    assert take(rig) == []


def test_why_a_message_is_dead(rig: PlantRig, instance: str) -> None:
    bury(rig, instance, 0, error="timed out")
    (entry,) = ask(rig, "DescribeMessages", DeadOnly=True)["Messages"]
    assert entry["State"] == "dead"
    assert entry["Why"] == (
        "received 2 times without being deleted, and 2 are allowed; "
        f"last timed out after 0.2 s on {instance}"
    )


def test_dead_letters_go_back(rig: PlantRig, instance: str) -> None:
    bury(rig, instance)
    begun = ask(rig, "RedriveMessages")
    assert (begun["Expected"], begun["Status"]) == (1, "RUNNING")
    for _ in range(100):
        done = ask(rig, "DescribeRedrive")
        if done["Status"] != "RUNNING":
            break
    assert (done["Status"], done["Moved"], done["Failure"]) == ("COMPLETED", 1, None)
    assert done["Handle"] == begun["Handle"]
    assert len(take(rig)) == 1


def test_nothing_was_sent_back_yet(rig: PlantRig, instance: str) -> None:
    assert ask(rig, "DescribeRedrive") == {"EnvironmentName": "web1"}


def test_a_queue_without_dead_letters(rig: PlantRig, instance: str) -> None:
    sqs = rig.client("sqs")
    sqs.set_queue_attributes(
        QueueUrl="http://x/123456789012/work", Attributes={"RedrivePolicy": ""}
    )
    assert "has no dead-letter queue" in refused(rig, "RedriveMessages")
    told = ask(rig, "DescribeMessages")
    assert (told["DeadLetterQueue"], told["MaxReceiveCount"]) == (None, None)


def test_only_what_was_handed_out_is_told_of(rig: PlantRig, instance: str) -> None:
    send(rig, "a")
    (message,) = take(rig)
    forged = {**message, "ReceiptHandle": message["ReceiptHandle"][:-4] + "AAA="}
    assert tell(rig, instance, attempt(forged), attempt({**message, "ReceiptHandle": "x"})) == 204
    (entry,) = ask(rig, "DescribeMessages")["Messages"]
    assert entry["History"] == []


def test_what_is_told_is_bounded(rig: PlantRig, instance: str) -> None:
    send(rig, "a")
    (message,) = take(rig)
    wild = attempt(message, 10**9, at=2.0**50, seconds=-5.0, error="\n" * 9999, task="\0" * 9999)
    assert tell(rig, instance, wild) == 204
    ((one,),) = [m["History"] for m in ask(rig, "DescribeMessages")["Messages"]]
    assert (one["Status"], one["Seconds"], one["Error"]) == (999, 0.0, "?" * 200)
    assert tell(rig, instance, *[attempt(message)] * ATTEMPTS_MAX) == 204
    assert tell(rig, instance, *[attempt(message)] * (ATTEMPTS_MAX + 1)) == 413
    for wrong in ([], "x", {"receipt": 1}, {}):
        assert tell(rig, instance, wrong) == 400
