"""What single verbs ask for and say, against an AWS that records it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackbean.cli.failures import Failure
from jackbean.cli.healthview import VIEWS, table
from jackbean.cli.upload import PART_BYTES, part_offsets
from jackbean.cli.verbs import logs, setenv
from tests.cli.aws import REQUEST_ID, Aws
from tests.cli.conftest import Run

VARIABLES = "aws:elasticbeanstalk:application:environment"


def test_setenv_sets_and_removes() -> None:
    change = setenv.changes(("A=1", "B=", "C=x=y", "A=2"))
    assert change["OptionSettings"] == [
        {"Namespace": VARIABLES, "OptionName": "A", "Value": "2"},
        {"Namespace": VARIABLES, "OptionName": "C", "Value": "x=y"},
    ]
    assert change["OptionsToRemove"] == [{"Namespace": VARIABLES, "OptionName": "B"}]


def test_the_newest_logs_of_every_instance() -> None:
    def answer(instance: str, second: int, url: str) -> dict[str, object]:
        at = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
        return {"Ec2InstanceId": instance, "SampleTimestamp": at, "Message": url}

    answers = [answer("i-2", 2, "new"), answer("i-1", 1, "one"), answer("i-2", 1, "old")]
    assert logs.newest(answers, None) == {"i-1": "one", "i-2": "new"}
    assert logs.newest(answers, "i-1") == {"i-1": "one"}
    with pytest.raises(Failure, match="i-3"):
        logs.newest(answers, "i-3")


def test_parts_cover_the_file() -> None:
    for size in (1, PART_BYTES, PART_BYTES + 1, 5 * PART_BYTES):
        offsets = list(part_offsets(size))
        assert offsets[0] == 0
        assert offsets[-1] < size <= offsets[-1] + PART_BYTES


def test_health_shows_what_is_known_and_leaves_out_what_is_not() -> None:
    rows = [
        {
            "InstanceId": "i-1",
            "HealthStatus": "Degraded",
            "Causes": ["Too slow."],
            "ApplicationMetrics": {
                "Duration": 10,
                "RequestCount": 25,
                "StatusCodes": {"Status2xx": 25},
                "Latency": {"P90": 0.1234},
            },
        },
        {"InstanceId": "i-2"},
    ]
    lines = list(table(rows, VIEWS["request"]))
    assert lines[1][1] == "red"
    assert "2.5" in lines[1][0]
    assert "0.123" in lines[1][0]
    assert lines[2] == "    Too slow."
    for view in VIEWS.values():
        assert len(list(table(rows, view))) == 4


@pytest.mark.usefixtures("aws", "project")
def test_status(run: Run) -> None:
    ran = run("status")
    assert ran.code == 0
    assert "  Application name: shop\n" in ran.out
    assert "  Health: Green (Ok)\n" in ran.out
    assert run("status", "--output", "json").document["EnvironmentId"] == "e-abcdefghij"


@pytest.mark.usefixtures("project")
def test_a_worker_has_queues_where_others_have_a_url(run: Run, aws: Aws) -> None:
    aws.tier = "Worker"
    queues = (
        f"<member><Name>{name}</Name><URL>http://localhost/1/{name}</URL></member>"
        for name in ("WorkerQueue", "WorkerDeadLetterQueue")
    )
    resources = f"<EnvironmentResources><Queues>{''.join(queues)}</Queues></EnvironmentResources>"
    aws.answers["DescribeEnvironmentResources"] = lambda _: resources
    ran = run("status")
    assert ran.code == 0
    assert "  Queue: http://localhost/1/WorkerQueue\n" in ran.out
    assert "  Dead letters: http://localhost/1/WorkerDeadLetterQueue\n" in ran.out
    assert "CNAME" not in ran.out
    deployed = run("deploy", "--version", "v1")
    assert (deployed.code, deployed.out.splitlines()[-1]) == (0, "http://localhost/1/WorkerQueue")
    refused = run("open")
    assert refused.code != 0
    assert "is a worker and has no URL. `jb status` shows its queue." in refused.err


@pytest.mark.usefixtures("project")
def test_list_marks_what_commands_mean(run: Run, aws: Aws) -> None:
    assert run("list").out == "* shop-dev\n"
    assert aws.asked[-1]["ApplicationName"] == "shop"
    assert run("list", "--all").out == "shop:\n* shop-dev\n"
    assert "ApplicationName" not in aws.asked[-1]


@pytest.mark.usefixtures("project")
def test_open_prints_where_there_is_no_browser(run: Run, aws: Aws) -> None:
    assert run("open").out == "http://shop-dev.us-east-1.elasticbeanstalk.com\n"
    assert run("open", "--output", "json").document["Opened"] is False


@pytest.mark.usefixtures("project")
def test_events_are_told_oldest_first(run: Run, aws: Aws) -> None:
    aws.told = ["one", "two"]
    assert [line.rpartition(" ")[2] for line in run("events").out.splitlines()] == aws.told
    assert [e["Message"] for e in run("events", "--output", "json").document] == aws.told


@pytest.mark.usefixtures("aws")
def test_an_environment_can_be_named_anywhere(run: Run) -> None:
    assert run("status", "shop-dev").code == 0
    assert run("events", "shop-dev").code == 0
    assert run("list").out == "shop:\n  shop-dev\n"


@pytest.mark.usefixtures("project")
def test_use_refuses_the_environment_of_another_application(
    run: Run, aws: Aws, project: Path
) -> None:
    config = project / ".elasticbeanstalk" / "config.yml"
    assert run("use", "shop-dev").code == 0
    config.write_text(config.read_text().replace("application_name: shop", "application_name: x"))
    ran = run("use", "shop-dev")
    assert ran.code == 4
    assert "application shop" in ran.err


@pytest.mark.usefixtures("project")
def test_create_does_not_upload_for_a_name_that_is_taken(run: Run, aws: Aws) -> None:
    aws.answers["CreateApplication"] = lambda _: ""
    arn = "arn:aws:elasticbeanstalk:us-east-1::platform/Python/1.2.3"
    ran = run("create", "shop-dev", "-p", arn)
    assert ran.code == 4
    assert "jb deploy shop-dev" in ran.err
    assert "CreateStorageLocation" not in aws.operations


@pytest.mark.parametrize(
    "line",
    [
        "create --single --scale 3",
        "create -i a -it b",
        "create --envvars A",
        "create --tags A",
        "create --tier nothing",
        "create --tier worker --cname jobs",
    ],
)
@pytest.mark.usefixtures("aws")
def test_create_refuses_what_does_not_go_together(run: Run, line: str) -> None:
    ran = run(*line.split())
    assert ran.code == 2
    assert "Error: " in ran.err


@pytest.mark.usefixtures("project")
def test_events_are_followed_until_somebody_stops_it(aws: Aws) -> None:
    aws.told = ["one"]
    command = [sys.executable, "-m", "jackbean.cli.jb", "events", "-f", "--output", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        first = following.stdout.readline()
        aws.told.append("two")
        second = following.stdout.readline()
        following.send_signal(signal.SIGINT)
        rest = following.stdout.read()
    assert [json.loads(line)["Message"] for line in (first, second)] == ["one", "two"]
    assert (rest, following.returncode) == ("", 0)


@pytest.mark.usefixtures("project")
def test_abort_asks_and_says_where_to_look(run: Run, aws: Aws) -> None:
    aws.answers["AbortEnvironmentUpdate"] = lambda _: ""
    aws.status = "Aborting"
    ran = run("abort")
    assert ran.code == 0
    assert "Environment shop-dev is Aborting." in ran.out
    assert "AbortEnvironmentUpdate" in aws.operations


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("now", "said"), [("v0", False), ("v1", True)])
def test_rollback_says_where_only_settings_were_others(
    run: Run, aws: Aws, now: str, *, said: bool
) -> None:
    """Who wants another version after that does not get it by going back once more."""

    def begin(operation: str, body: bytes) -> tuple[int, str]:
        aws.version, aws.told = now, ["Environment update completed successfully."]
        return 200, json.dumps({"Parked": False, "ResponseMetadata": {"RequestId": REQUEST_ID}})

    aws.extension = begin
    ran = run("rollback")
    assert (ran.code, f"Environment shop-dev is on version {now}." in ran.out) == (0, True)
    assert ("`jb deploy --version LABEL`" in ran.out) is said
    ran = run("rollback", "--nohang", "--output", "json")
    assert (ran.code, ran.document) == (0, {"EnvironmentName": "shop-dev", "Parked": False})


@pytest.mark.usefixtures("project")
def test_swap_waits_for_the_last_word(run: Run, aws: Aws) -> None:
    aws.answers["SwapEnvironmentCNAMEs"] = lambda _: ""
    aws.told = [
        "swapEnvironmentCNAMEs is starting.",
        "Completed swapping CNAMEs for environments 'shop-dev' and 'shop-next'.",
    ]
    ran = run("swap", "-n", "shop-next", "--output", "json")
    assert ran.code == 0
    (asked,) = (f for f in aws.asked if f["Action"] == "SwapEnvironmentCNAMEs")
    assert (asked["SourceEnvironmentName"], asked["DestinationEnvironmentName"]) == (
        "shop-dev",
        "shop-next",
    )
    assert ran.document["CNAMEs"]["shop-dev"] == "shop-dev.us-east-1.elasticbeanstalk.com"
    assert run("swap").code != 0
