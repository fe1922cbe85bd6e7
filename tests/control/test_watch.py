"""The watch over environments: what is remembered, what is told, and what the API reads."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.control.watch import CAUSES_S, REST_S, Watch
from jackbean.core.environments import Environment, Status, Tier, Verdict
from jackbean.core.fleet import (
    Assignment,
    Fleet,
    Instance,
    Machine,
    Member,
    Service,
    Sight,
    Work,
    WorkState,
)
from jackbean.core.health.statuses import HealthStatus
from jackbean.core.health.transitions import transition
from jackbean.core.operations import Kind, Operation, Roll
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.protocol import Report
from jackbean.core.rollouts import Rollout

START = 1_700_000_000.0
OK = Verdict("Green", "Ok", (), START - 500)
GOOD = Sight(Machine.RUNNING, heard=True, serial=1, state=WorkState.DONE, running=1, passes=3)
SICK = replace(GOOD, passes=0)
DEAD = replace(GOOD, machine=Machine.EXITED, passes=0)
BASIC = Settings([Setting("aws:elasticbeanstalk:healthreporting:system", "SystemType", "basic")])
CLI_STATUSES = frozenset(
    {"Severe", "Degraded", "Unknown", "Warning", "NoData", "Info", "Pending", "Ok"}
)


class Heard:
    """ports.agents.Reports: what a test says that instances said."""

    def __init__(self) -> None:
        self.reports: dict[str, tuple[Report, float]] = {}

    def latest(self, instance: str) -> tuple[Report, float] | None:
        return self.reports.get(instance)

    def nudge(self, instance: str) -> None:
        raise AssertionError("a watch only listens")

    def forget(self, instance: str) -> None:
        raise AssertionError("a watch only listens")


def member(number: int, **changes: Any) -> Member:
    settings = {"launched_at": START - 5000, "service": Service.IN, **changes}
    return Member(f"i-{number}", "t", **settings).assign(Work.ACTIVATE, 1)


def environment(size: int = 5, **changes: Any) -> Environment:
    made = Environment(
        id="e-abcdefghij",
        name="shop",
        application="app",
        stack="64bit Amazon Linux 2023 v4.0.0 running Python 3.11",
        platform_arn="arn:aws:elasticbeanstalk:us-east-1::platform/Python 3.11/4.0.0",
        cname_prefix="shop",
        slot=1,
        status=Status.READY,
        release=1,
        deployment=1,
        version_label="v1",
        desired=size,
        members=tuple(member(n) for n in range(size)),
        verdict=OK,
    )
    return replace(made, **changes)


def updating(batch: tuple[str, ...] = ("i-0",), kind: Kind = Kind.UPDATE) -> Operation:
    rollout = Rollout("Rolling", 2, 1, 5, "t", batch=batch, batches=1, since=START)
    return Operation(3, kind, "r", START, (Roll(rollout),), 2, 1)


@dataclass
class Ward:
    """An environment under watch: the loop in small. `saves` are the records that were new."""

    environment: Environment
    now: float = START
    heard: Heard = field(default_factory=Heard)
    sights: dict[str, Sight] = field(default_factory=dict)
    settings: Settings | None = None
    saves: list[Environment] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Watch(self.heard)

    def look(self, gap_s: float = 2.0, **changes: Any) -> str:
        """Change the record, look once, save what is new, pass time; return the status."""
        before, now = self.environment, self.now
        after = self.watch.judged(replace(before, **changes), self.fleet(), now, self.settings)
        if after != before:
            self.saves.append(after)
        if news := transition(before.verdict, after.verdict):
            self.told.append(f"{news.severity} {news.message}")
        self.environment = after
        self.now += gap_s
        return after.verdict.status

    def looks(self, count: int, gap_s: float = 2.0) -> list[str]:
        return [self.look(gap_s) for _ in range(count)]

    def fleet(self) -> Fleet:
        return Fleet(
            tuple(Instance(m, self.sights.get(m.id, GOOD), 3) for m in self.environment.members)
        )

    def say(self, number: int, **said: Any) -> None:
        """Let an instance report ten seconds of work."""
        report = Report(f"i-{number}", **{"duration_s": 10.0, "application": "up", **said})
        self.heard.reports[report.instance] = (report, self.now)

    def health(self) -> dict[str, Any]:
        return self.watch.environment_health(self.environment, self.now)

    def instances(self) -> list[dict[str, Any]]:
        answer = self.watch.instances_health(self.environment, self.now)
        return list(answer["InstanceHealthList"])


def test_without_news_the_very_same_record_comes_back() -> None:
    ward = Ward(environment())
    before = ward.environment
    assert ward.watch.judged(before, ward.fleet(), START) is before
    for second in range(1, 3600):
        assert ward.watch.judged(before, ward.fleet(), START + second) is before


def test_a_blip_is_not_told() -> None:
    ward = Ward(environment())
    ward.sights["i-0"] = DEAD
    ward.looks(2)
    ward.sights.clear()
    ward.looks(9)
    assert ward.saves == []


def test_trouble_is_told_with_the_third_look_and_its_end_at_once() -> None:
    ward = Ward(environment())
    ward.looks(3)
    ward.sights["i-0"] = SICK
    assert ward.looks(3) == ["Ok", "Ok", "Warning"]
    ward.sights.clear()
    assert ward.look() == "Ok"
    assert ward.told == [
        "WARN Environment health has transitioned from Ok to Warning. "
        "ELB processes are not healthy on 1 out of 5 instances.",
        "INFO Environment health has transitioned from Warning to Ok.",
    ]


def test_looks_between_pokes_do_not_add_up() -> None:
    ward = Ward(environment())
    ward.sights["i-0"] = SICK
    assert set(ward.looks(20, gap_s=0.15)) == {"Ok"}


def test_trouble_that_stays_is_saved_once() -> None:
    """The seconds in its causes run on; the record does not."""
    ward = Ward(environment())
    ward.sights["i-0"] = replace(SICK, heard=False)
    ward.looks(60)  # out of the load balancer at once, silent after a minute
    assert [len(s.verdict.causes) for s in ward.saves] == [1, 2]
    ward.looks(500)
    assert len(ward.saves) == 2


def test_other_causes_of_the_same_status_are_saved_but_not_told() -> None:
    ward = Ward(environment())
    ward.sights["i-0"] = SICK
    ward.looks(3)
    ward.sights["i-0"] = DEAD
    ward.looks(math.ceil(CAUSES_S / 2) + 1)
    assert [s.verdict.causes for s in ward.saves] == [
        ("ELB processes are not healthy on 1 out of 5 instances.",),
        ("Impaired services on 1 out of 5 instances.",),
    ]
    assert ward.saves[0].verdict.since == ward.saves[1].verdict.since
    assert len(ward.told) == 1


def test_after_a_restart_the_told_verdict_stands_until_three_looks() -> None:
    severe = Verdict("Red", "Severe", ("There are no instances.",), START - 60)
    assert Ward(environment(verdict=severe)).look() == "Ok"
    ward = Ward(environment())
    ward.sights.update({f"i-{n}": SICK for n in range(5)})
    assert ward.looks(3) == ["Ok", "Ok", "Severe"]


def test_a_new_environment_is_pending_at_once() -> None:
    ward = Ward(environment(members=(), verdict=Verdict(), release=None, deployment=None))
    assert ward.look(operation=updating((), Kind.CREATE), status=Status.LAUNCHING) == "Pending"
    assert ward.told == [
        "INFO Environment health has transitioned to Pending. Initialization in progress "
        "(running for 0 seconds). There are no instances."
    ]


def test_the_whole_of_a_creation() -> None:
    ward = Ward(environment(members=(), verdict=Verdict(), release=None, deployment=None))
    creation = updating((), Kind.CREATE)
    ward.look(operation=creation, status=Status.LAUNCHING)
    newborn = member(0, launched_at=START, service=Service.OUT)
    ward.sights["i-0"] = Sight(Machine.RUNNING)
    ward.look(gap_s=150, members=(newborn,))
    ward.sights["i-0"] = GOOD
    ward.look(gap_s=150, members=(newborn.move(Service.IN, ward.now),))
    ward.look(operation=None, status=Status.READY, release=1, deployment=1)
    assert ward.told[1:] == [
        "INFO Environment health has transitioned from Pending to Ok. "
        "Initialization completed 0 seconds ago and took 5 minutes."
    ]
    assert len([s for s in ward.saves if s.verdict.status == "Pending"]) == 3  # none for causes


def test_an_update_is_info_while_it_runs_and_its_end_is_told() -> None:
    ward = Ward(environment())
    ward.look()
    ward.look(operation=updating())
    ward.looks(100, gap_s=0.15)
    ward.look(operation=None, release=2, deployment=2)
    ward.sights.update({f"i-{n}": replace(GOOD, running=2) for n in range(5)})
    assert [s.verdict.status for s in ward.saves][:1] == ["Info"]
    assert ward.told[0] == (
        "INFO Environment health has transitioned from Ok to Info. Application update in progress "
        "on 1 instance. 0 out of 5 instances completed (running for 2 seconds)."
    )


def test_the_result_of_an_operation_is_told_with_its_end_even_when_it_is_bad() -> None:
    ward = Ward(environment())
    ward.look()
    ward.look(operation=updating())
    ward.sights["i-0"] = replace(SICK, running=2)
    ward.looks(9)
    assert ward.environment.verdict.status == "Info"
    assert ward.look(operation=None) == "Warning"
    assert ward.told[-1] == (
        "WARN Environment health has transitioned from Info to Warning. "
        "ELB processes are not healthy on 1 out of 5 instances. "
        "Incorrect application version found on 1 out of 5 instances. "
        'Expected version "v1" (deployment 1).'
    )


def test_a_failed_update_is_not_called_completed() -> None:
    ward = Ward(environment())
    ward.look(operation=updating())
    ward.look(operation=None)
    assert ward.health()["Causes"] == []


def test_a_finished_update_is_mentioned_for_two_minutes_and_costs_no_save() -> None:
    ward = Ward(environment())
    ward.look(gap_s=30, operation=updating())
    ward.sights.update({f"i-{n}": replace(GOOD, running=2) for n in range(5)})
    ward.look(operation=None, release=2, deployment=2)
    saves = len(ward.saves)
    assert ward.health()["Causes"] == [
        "Application update completed 2 seconds ago and took 30 seconds."
    ]
    ward.looks(60)
    assert ward.health()["Causes"] == []
    assert len(ward.saves) == saves


def test_nobody_watches_what_ends() -> None:
    ward = Ward(environment())
    ward.look()
    assert ward.look(operation=updating((), Kind.TERMINATE)) == "Suspended"
    assert ward.look() == "Suspended"
    assert ward.look(operation=None, status=Status.TERMINATED, members=()) == "Suspended"
    assert len([s for s in ward.saves if s.verdict.since == START + 2]) == 2
    assert ward.told == []
    assert ward.watch._charts == {}


def test_a_rebuilt_environment_begins_anew() -> None:
    ended = Verdict("Grey", "Suspended", (), START - 9)
    ward = Ward(environment(members=(), verdict=ended))
    assert ward.look(operation=updating((), Kind.CREATE)) == "Pending"
    assert ward.told[0].startswith("INFO Environment health has transitioned to Pending. ")


def test_leaving_instances_do_not_count() -> None:
    leaving = replace(member(9), leaving=True, service=Service.DRAINING)
    ward = Ward(environment(members=(*environment().members, leaving)))
    ward.sights["i-9"] = DEAD
    assert set(ward.looks(5)) == {"Ok"}
    assert sum(ward.health()["InstancesHealth"].values()) == 5
    assert "i-9" not in {row["InstanceId"] for row in ward.instances()}


def test_memory_of_instances_ends_with_them() -> None:
    ward = Ward(environment())
    ward.look()
    for generation in range(1, 50):
        ward.look(members=tuple(member(10 * generation + n) for n in range(5)))
    assert len(ward.watch._charts[ward.environment.id].tracks) == 5


def test_what_was_decided_since_the_look_counts() -> None:
    """An instance that has just been given work is busy, though it was seen idle."""
    ward = Ward(environment(1))
    fleet = ward.fleet()
    busy = ward.environment.members[0].assign(Work.ACTIVATE, 2)
    after = ward.watch.judged(
        replace(ward.environment, members=(busy,), operation=updating()), fleet, START
    )
    assert after.verdict.causes[0] == "Command is executing on all instances."


def test_requests_are_counted_from_report_to_report() -> None:
    ward = Ward(environment(2))
    ward.say(0, requests={"2xx": 90, "5xx": 10}, latencies_s=[0.1] * 100)
    ward.say(1, requests={"2xx": 45, "3xx": 3, "4xx": 2}, latencies_s=[0.3] * 50)
    ward.look()
    metrics = ward.health()["ApplicationMetrics"]
    assert metrics["Duration"] == 10
    assert metrics["RequestCount"] == 150
    assert metrics["StatusCodes"] == {
        "Status2xx": 135,
        "Status3xx": 3,
        "Status4xx": 2,
        "Status5xx": 10,
    }
    assert metrics["Latency"]["P75"] == 0.3
    assert metrics["Latency"]["P10"] == round((50 * 0.3 + 85 * 0.1) / 135, 3)
    ward.say(1, requests={"2xx": 1})
    ward.look()
    assert ward.health()["ApplicationMetrics"]["RequestCount"] == 101


def test_a_report_counts_once_however_often_it_is_seen() -> None:
    ward = Ward(environment(1))
    ward.say(0, requests={"2xx": 9}, duration_s=1.0)
    ward.looks(3)
    report, at = ward.heard.reports["i-0"]
    ward.heard.reports["i-0"] = (replace(report), at)  # told again, in other words
    ward.looks(2)
    assert ward.health()["ApplicationMetrics"]["RequestCount"] == 9


def test_failing_requests_reach_the_environment() -> None:
    ward = Ward(environment(1))
    for _ in range(6):
        ward.say(0, requests={"2xx": 70, "5xx": 30})
        ward.look()
    assert ward.told == [
        "WARN Environment health has transitioned from Ok to Severe. "
        "30% of the requests are failing with HTTP 5xx. Impaired services on all instances."
    ]
    assert ward.instances()[0]["Causes"] == ["30% of the requests are failing with HTTP 5xx"]


def test_what_was_said_grows_old() -> None:
    ward = Ward(environment(1))
    ward.say(0, requests={"2xx": 70, "5xx": 30}, system={"cpu": {"user": 9.0}, "load": [1, 2, 3]})
    ward.look(gap_s=29.0)
    assert ward.instances()[0]["HealthStatus"] == "Severe"
    ward.now += 2
    row = ward.instances()[0]
    assert (row["HealthStatus"], row["Causes"]) == (
        "Unknown",
        ["No data. Last seen 31 seconds ago."],
    )
    assert row["ApplicationMetrics"]["RequestCount"] == 0
    assert "System" not in row


def test_an_instance_that_was_never_heard_is_given_time() -> None:
    ward = Ward(environment(1))
    ward.sights["i-0"] = replace(GOOD, heard=False)
    statuses = ward.looks(40)
    assert statuses[:15] == ["Ok"] * 15
    assert set(statuses[21:30]) == {"Unknown"}
    assert statuses[-1] == "Severe"
    assert ward.environment.verdict.causes == ("None of the instances are sending data.",)


def test_silence_is_noticed_although_nothing_changes() -> None:
    """Nothing is seen to change, so judgements rest in between; they are only a little late."""
    ward = Ward(environment(1))
    ward.say(0)
    statuses = ward.looks(60, gap_s=1.0)
    first = statuses.index("Unknown")
    assert 30 + 4 <= first <= 30 + 4 + REST_S + 1


def test_cpu_in_use_for_a_minute() -> None:
    ward = Ward(environment(1))
    for _ in range(8):
        ward.say(0, system={"cpu": {"user": 80.0, "system": 16.0, "idle": 4.0}})
        ward.look(gap_s=10.0)
    row = ward.instances()[0]
    assert (row["HealthStatus"], row["Causes"]) == ("Warning", ["96% of CPU is in use"])
    ward.say(0, system={"cpu": {"user": 80.0, "system": 10.0, "idle": 10.0}})
    ward.look()
    assert ward.instances()[0]["HealthStatus"] == "Ok"


def test_seconds_run_in_what_the_api_reads() -> None:
    ward = Ward(environment(1))
    ward.look()
    busy = ward.environment.members[0].assign(Work.ACTIVATE, 2)
    ward.look(members=(busy,), operation=updating())
    ward.now += 29
    assert ward.instances()[0]["Causes"] == [
        "Performing application deployment (running for 31 seconds)"
    ]
    assert ward.health()["Causes"][0] == "Command is executing on all instances."


def test_the_time_at_work_counts_anew_with_each_assignment() -> None:
    ward = Ward(environment(1))
    ward.look()
    ward.look(gap_s=100, members=(ward.environment.members[0].assign(Work.STAGE, 2),))
    ward.look(gap_s=5, members=(ward.environment.members[0].assign(Work.ACTIVATE, 2),))
    assert ward.instances()[0]["Causes"] == [
        "Performing application deployment (running for 5 seconds)"
    ]


def test_the_time_without_a_good_look_leaves_out_the_time_at_work() -> None:
    ward = Ward(environment(1))
    ward.look()
    ward.sights["i-0"] = SICK
    ward.look(gap_s=60, members=(replace(member(0), assignment=Assignment(2, Work.ACTIVATE, 1)),))
    ward.sights["i-0"] = replace(SICK, serial=2)
    ward.looks(6)
    assert ward.instances()[0]["Causes"] == [
        "Instance ELB health has not been available for 12 seconds."
    ]


def test_initialization_runs_from_the_launch() -> None:
    ward = Ward(environment(1, members=(member(0, launched_at=START - 50, service=Service.OUT),)))
    ward.sights["i-0"] = Sight(Machine.RUNNING, heard=True)
    ward.look(gap_s=5)
    assert ward.instances()[0]["Causes"] == ["Performing initialization (running for 55 seconds)"]


def test_a_report_is_taken_in_at_once_though_nothing_else_is_new() -> None:
    ward = Ward(environment(1))
    for count in range(1, 5):
        ward.say(0, requests={"2xx": count})
        ward.look(gap_s=0.15)
        assert ward.health()["ApplicationMetrics"]["RequestCount"] == count


def test_numbers_in_causes_are_no_news() -> None:
    ward = Ward(environment(1))
    for failing in range(30, 90):
        ward.say(0, requests={"2xx": 100 - failing, "5xx": failing})
        ward.look()
    assert len(ward.saves) == 1
    assert ward.health()["Causes"][0] == "89% of the requests are failing with HTTP 5xx."


def test_all_that_describe_environment_health_says() -> None:
    ward = Ward(environment(2))
    ward.look()
    assert ward.health() == {
        "EnvironmentName": "shop",
        "HealthStatus": "Ok",
        "Status": "Ready",
        "Color": "Green",
        "Causes": [],
        "ApplicationMetrics": {
            "Duration": 10,
            "RequestCount": 0,
            "StatusCodes": {"Status2xx": 0, "Status3xx": 0, "Status4xx": 0, "Status5xx": 0},
        },
        "InstancesHealth": {
            "Ok": 2, "Info": 0, "Pending": 0, "Unknown": 0, "Warning": 0, "Degraded": 0,
            "NoData": 0, "Severe": 0,
        },
        "RefreshedAt": START,
    }  # fmt: skip


def test_all_that_describe_instances_health_says() -> None:
    ward = Ward(environment(1))
    ward.say(
        0,
        requests={"2xx": 5},
        latencies_s=[0.01] * 5,
        system={"cpu": {"user": 1.5, "idle": 98.5}, "load": [0.1, 0.2, 0.3]},
        deployed={
            "release": 1, "label": "v1", "status": "Deployed", "at": START - 900, "seconds": 26.0,
        },
    )  # fmt: skip
    ward.look()
    metrics = {
        "Duration": 10,
        "RequestCount": 5,
        "StatusCodes": {"Status2xx": 5, "Status3xx": 0, "Status4xx": 0, "Status5xx": 0},
        "Latency": dict.fromkeys(("P999", "P99", "P95", "P90", "P85", "P75", "P50", "P10"), 0.01),
    }
    assert ward.watch.instances_health(ward.environment, ward.now) == {
        "InstanceHealthList": [
            {
                "InstanceId": "i-0",
                "HealthStatus": "Ok",
                "Color": "Green",
                "Causes": [],
                "LaunchedAt": START - 5000,
                "ApplicationMetrics": metrics,
                "InstanceType": "t3.micro",
                "System": {
                    "CPUUtilization": {"User": 1.5, "Idle": 98.5},
                    "LoadAverage": [0.1, 0.2, 0.3],
                },
                "Deployment": {
                    "VersionLabel": "v1",
                    "DeploymentId": 1,
                    "Status": "Deployed",
                    "DeploymentTime": START - 900,
                },
                "AvailabilityZone": "us-east-1a",
            }
        ],
        "RefreshedAt": START,
    }


def test_an_instance_that_says_nothing_of_itself_is_listed_with_what_is_known() -> None:
    ward = Ward(environment(1))
    ward.look()
    row = ward.instances()[0]
    assert row["Deployment"] == {"VersionLabel": "v1", "DeploymentId": 1, "Status": "Deployed"}
    assert "System" not in row
    assert "Latency" not in row["ApplicationMetrics"]


def test_before_the_first_look_everything_is_unknown_but_listed() -> None:
    ward = Ward(environment(3))
    assert {row["HealthStatus"] for row in ward.instances()} == {"Unknown"}
    assert all(row["LaunchedAt"] == START - 5000 for row in ward.instances())
    health = ward.health()
    assert (health["HealthStatus"], health["RefreshedAt"]) == ("Ok", START)
    assert health["InstancesHealth"]["Unknown"] == 3


def test_an_instance_launched_since_the_last_look_is_listed() -> None:
    ward = Ward(environment(1))
    ward.look()
    newcomer = replace(member(7), launched_at=ward.now, service=Service.OUT)
    ward.environment = replace(ward.environment, members=(*ward.environment.members, newcomer))
    assert {r["InstanceId"]: r["HealthStatus"] for r in ward.instances()} == {
        "i-0": "Ok",
        "i-7": "Pending",
    }


def test_what_was_refreshed_is_never_to_come() -> None:
    ward = Ward(environment(1))
    ward.look()
    earlier = START - 60
    assert ward.watch.environment_health(ward.environment, earlier)["RefreshedAt"] == earlier
    assert ward.watch.instances_health(ward.environment, START + 9)["RefreshedAt"] == START


def test_settings_count_as_soon_as_they_are_given() -> None:
    ward = Ward(environment(2), settings=Settings([Setting("aws:autoscaling:asg", "MinSize", "2")]))
    ward.look()
    ward.sights["i-1"] = replace(GOOD, machine=Machine.STOPPED)
    ward.settings = Settings([Setting("aws:autoscaling:asg", "MinSize", "3")])
    ward.looks(4)
    assert "1 active instances is below Auto Scaling group minimum size 3." in (
        ward.environment.verdict.causes
    )


def test_a_workers_queue_reaches_its_health() -> None:
    ward = Ward(environment(1, tier=Tier("Worker", "SQS/HTTP")))
    ward.look()
    ward.watch.queued(ward.environment.id, 0, 5, ward.now)
    assert ward.looks(3) == ["Ok", "Ok", "Warning"]
    assert ward.health()["Causes"] == ["5 messages in Dead Letter Queue (6 seconds ago)"]


def test_a_queue_that_nobody_polls_is_told_after_three_minutes() -> None:
    ward = Ward(environment(1, tier=Tier("Worker", "SQS/HTTP")))
    ward.look()
    for _ in range(9):
        ward.say(0, polled_s=2.0)
        assert ward.look(10.0) == "Ok"
    for _ in range(17):
        ward.say(0, polled_s=None)
        assert ward.look(10.0) == "Ok"
    for _ in range(6):
        ward.say(0, polled_s=None)
        ward.look(10.0)
    assert ward.environment.verdict.status == "Severe"
    assert ward.environment.verdict.causes == ("The queue is not polled by any instance.",)
    ward.say(0, in_flight=50, polled_s=500.0)
    assert ward.look() == "Ok", "with all hands full it need not ask for more"


def test_nobody_need_poll_who_may_not() -> None:
    ward = Ward(environment(1, tier=Tier("Worker", "SQS/HTTP")))
    draining = member(0, service=Service.DRAINING)
    for _ in range(40):
        ward.say(0, polled_s=None)
        assert ward.look(10.0, members=(draining,)) == "Ok"


def test_basic_health_of_a_worker() -> None:
    tier = Tier("Worker", "SQS/HTTP")
    green = Verdict("Green", "", (), START)
    ward = Ward(environment(1, tier=tier, verdict=green), settings=BASIC)
    for _ in range(17):
        ward.say(0, polled_s=None)
        ward.look(10.0)
        assert ward.environment.verdict.color == "Green"
    ward.looks(3, gap_s=10.0)
    assert ward.environment.verdict.color == "Red"
    ward.say(0, polled_s=1.0)
    ward.look()
    assert ward.environment.verdict.color == "Green"
    ward.look(desired=0, members=())
    assert ward.environment.verdict.color == "Green", "it waits for messages"


def test_basic_health() -> None:
    ward = Ward(environment(2, verdict=Verdict()), settings=BASIC)
    ward.look(operation=updating((), Kind.CREATE))
    ward.look(operation=None)
    ward.sights.update({"i-0": SICK})
    ward.looks(5)
    assert ward.environment.verdict.color == "Green"  # one still serves
    ward.sights.update({"i-1": SICK})
    ward.looks(5)
    ward.sights.clear()
    ward.look()
    assert ward.told == [
        "INFO Environment health has been set to GREEN",
        "WARN Environment health has transitioned from GREEN to YELLOW",
        "WARN Environment health has transitioned from YELLOW to RED",
        "INFO Environment health has transitioned from RED to GREEN",
    ]
    assert ward.environment.verdict.status == ""


def test_basic_health_rests_during_an_update() -> None:
    ward = Ward(environment(1, verdict=Verdict("Green", "", (), START)), settings=BASIC)
    ward.sights["i-0"] = SICK
    ward.look(operation=updating())
    ward.looks(9)
    assert ward.environment.verdict.color == "Grey"
    ward.sights.clear()
    ward.look(operation=None)
    assert ward.told == ["INFO Environment health has been set to GREEN"]


def test_basic_health_without_instances_is_red_at_once() -> None:
    ward = Ward(environment(0, verdict=Verdict("Green", "", (), START)), settings=BASIC)
    ward.look()
    assert ward.told == ["WARN Environment health has transitioned from GREEN to RED"]
    ward.look(operation=updating((), Kind.TERMINATE))
    assert (ward.environment.verdict.color, ward.environment.verdict.status) == ("Grey", "")


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    requests=st.dictionaries(st.sampled_from(["2xx", "5xx", "", "9", "4"]), st.integers()),
    latencies=st.lists(st.floats(), max_size=5),
    duration=st.floats(),
    system=st.fixed_dictionaries({}, optional={"cpu": WILD, "load": WILD, "cpus": WILD}),
    deployed=st.fixed_dictionaries(
        {},
        optional={"release": WILD, "label": WILD, "status": st.just("Deployed") | WILD,
                  "at": WILD, "seconds": WILD},
    ),
    causes=st.lists(st.text(max_size=999), max_size=20),
)  # fmt: skip
def test_whatever_an_instance_says_health_stays_readable(
    requests: dict[str, int],
    latencies: list[float],
    duration: float,
    system: dict[str, Any],
    deployed: dict[str, Any],
    **rest: Any,
) -> None:
    ward = Ward(environment(2))
    ward.say(0, requests=requests, latencies_s=latencies, duration_s=duration, system=system,
             deployed=deployed, **rest)  # fmt: skip
    ward.looks(3)
    (row, _), health = ward.instances(), ward.health()
    assert row["HealthStatus"] in CLI_STATUSES
    assert sum(health["InstancesHealth"].values()) == 2
    assert all(0 < len(cause) <= 255 for cause in (*row["Causes"], *health["Causes"]))
    load = row.get("System", {}).get("LoadAverage")
    assert load is None or (len(load) >= 2 and all(math.isfinite(x) for x in load))
    if deployment := row.get("Deployment"):
        assert isinstance(deployment["DeploymentId"], int)


SIGHTS = st.builds(
    Sight,
    machine=st.sampled_from(Machine),
    heard=st.booleans(),
    serial=st.sampled_from([0, 1, 2]),
    state=st.sampled_from([None, *WorkState]),
    running=st.sampled_from([None, 1, 2]),
    passes=st.sampled_from([0, 1, 3]),
)
OPERATIONS = st.sampled_from([None, *(updating(("i-0", "i-1"), kind) for kind in Kind)])


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(SIGHTS, min_size=3, max_size=3), OPERATIONS), max_size=12))
def test_looking_again_without_news_changes_nothing(
    story: list[tuple[list[Sight], Operation | None]],
) -> None:
    ward = Ward(environment(3))
    for sights, operation in story:
        ward.sights = {f"i-{n}": sight for n, sight in enumerate(sights)}
        ward.look(operation=operation)
        judged = ward.environment
        assert ward.watch.judged(judged, ward.fleet(), ward.now - 2) == judged
        health = ward.health()
        assert sum(health["InstancesHealth"].values()) == 3 == len(ward.instances())
        assert {row["HealthStatus"] for row in ward.instances()} <= CLI_STATUSES
        assert health["HealthStatus"] in {str(s) for s in HealthStatus}
        assert health["Color"] in {"Green", "Yellow", "Red", "Grey"}


@settings(deadline=None, max_examples=20)
@given(st.lists(SIGHTS, min_size=3, max_size=3), st.floats(0.1, 3.0))
def test_a_steady_sight_soon_needs_no_more_saves(sights: list[Sight], gap_s: float) -> None:
    """Statuses may still fall with time (silence, timeouts); each is saved once or twice."""
    ward = Ward(environment(3))
    ward.sights = {f"i-{n}": sight for n, sight in enumerate(sights)}
    ward.looks(300, gap_s)
    assert len(ward.saves) <= 8


def fastest(function: Callable[[], object], times: int = 200) -> float:
    """Return the processor time of one call in seconds, the best of several rounds."""

    def round_s() -> float:
        began = time.process_time()
        for _ in range(times):
            function()
        return (time.process_time() - began) / times

    return min(round_s() for _ in range(10))


@pytest.mark.parametrize(("gap_s", "at_most_us"), [(2.0, 100), (REST_S, 300)])
def test_a_look_is_cheap(gap_s: float, at_most_us: float) -> None:
    """Guard against a slow path by mistake; the limits leave a factor of four or more."""
    ward = Ward(environment())
    fleet = ward.fleet()

    def look() -> None:
        ward.now += gap_s
        ward.watch.judged(ward.environment, fleet, ward.now)

    look()
    assert fastest(look) * 1e6 < at_most_us


def unfit(ward: Ward, worst: HealthStatus = HealthStatus.INFO) -> frozenset[str]:
    return ward.watch.unfit(ward.environment, worst, ward.now)


def test_whose_application_fails_is_unfit_also_while_it_is_deployed() -> None:
    ward = Ward(environment(2, operation=updating()))
    ward.say(0, requests={"2xx": 90, "5xx": 10})
    ward.say(1, requests={"2xx": 100})
    ward.look()
    assert unfit(ward) == {"i-0"}
    assert unfit(ward, HealthStatus.WARNING) == frozenset()


def test_what_another_release_answered_says_nothing() -> None:
    ward = Ward(environment(1, operation=updating()))
    ward.say(0, requests={"2xx": 50, "5xx": 50})
    ward.look()
    assert unfit(ward) == {"i-0"}
    ward.sights["i-0"] = replace(GOOD, running=2)
    ward.look()
    assert unfit(ward) == frozenset()


def test_basic_health_knows_nothing_of_applications() -> None:
    ward = Ward(environment(1, operation=updating()), settings=BASIC)
    ward.say(0, requests={"5xx": 100})
    ward.look()
    assert unfit(ward) == frozenset()
