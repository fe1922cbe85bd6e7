from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.fleet import Assignment, Failure, Machine, Service, Work, WorkState
from jackbean.core.health.causes import CAUSE_MAX
from jackbean.core.health.instances import Reason, application_health, instance_health
from jackbean.core.health.metrics import Tally, Vitals
from jackbean.core.health.options import HealthOptions
from jackbean.core.health.scene import Deployed
from jackbean.core.health.statuses import HealthStatus
from jackbean.core.operations import Kind

Make = Any
SECOND = Assignment(2, Work.ACTIVATE, 2)


def test_an_instance_that_passes_is_ok_without_causes(make: Make) -> None:
    health = instance_health(make.facts(), make.scene())
    assert (health.status, health.color, health.causes) == (HealthStatus.OK, "Green", ())


@pytest.mark.parametrize(
    ("failing", "status"),
    [(0, "Ok"), (1, "Info"), (4, "Info"), (5, "Warning"), (14, "Warning"), (15, "Degraded"),
     (29, "Degraded"), (30, "Severe"), (100, "Severe")],
)  # fmt: skip
def test_5xx_answers_by_share(make: Make, failing: int, status: str) -> None:
    health = instance_health(make.facts(tally=make.tally(failing=failing)), make.scene())
    assert health.status == status
    if failing:
        assert health.causes == (f"{failing}% of the requests are failing with HTTP 5xx",)


@pytest.mark.parametrize(
    ("erring", "status"),
    [(5, "Ok"), (14, "Ok"), (15, "Warning"), (29, "Warning"), (30, "Degraded"), (49, "Degraded"),
     (50, "Severe")],
)  # fmt: skip
def test_4xx_answers_by_share(make: Make, erring: int, status: str) -> None:
    """Five percent of requests with 4xx is still Ok, as the guide has it."""
    health = instance_health(make.facts(tally=make.tally(erring=erring)), make.scene())
    assert health.status == status
    if status != "Ok":
        assert health.causes == (f"{erring}% of requests are erroring with HTTP 4xx",)


def test_4xx_answers_do_not_count_where_the_rule_is_off(make: Make) -> None:
    one = make.facts(tally=make.tally(erring=100))
    assert instance_health(one, make.scene(options=HealthOptions(erring=False))).status == "Ok"


def test_a_share_is_exact_where_binary_fractions_are_not(make: Make) -> None:
    one = make.facts(tally=make.tally(total=700, failing=7))
    assert instance_health(one, make.scene()).status == "Info"


def test_few_requests_are_not_judged(make: Make) -> None:
    assert (
        instance_health(make.facts(tally=make.tally(total=9, failing=9)), make.scene()).status
        == "Ok"
    )
    assert (
        instance_health(make.facts(tally=make.tally(total=10, failing=10)), make.scene()).status
        == "Severe"
    )


@pytest.mark.parametrize(
    ("silent_s", "status", "cause"),
    [
        (30.0, "Ok", None),
        (31.0, "Unknown", "No data. Last seen 31 seconds ago."),
        (60.0, "Unknown", "No data. Last seen 60 seconds ago."),
        (61.0, "NoData", "No data. Last seen 61 seconds ago."),
        (37 * 60.0, "NoData", "No data. Last seen 37 minutes ago."),
    ],
)
def test_silence(make: Make, silent_s: float, status: str, cause: str | None) -> None:
    health = instance_health(make.facts(silent_s=silent_s), make.scene())
    assert health.status == status
    assert health.causes == ((cause,) if cause else ())


def test_silence_since_the_start_does_not_claim_a_last_sight(make: Make) -> None:
    health = instance_health(make.facts(make.instance(heard=False), silent_s=61.0), make.scene())
    assert health.causes == ("No data. Not seen for 61 seconds.",)


def test_no_good_look_in_the_load_balancer_is_severe(make: Make) -> None:
    health = instance_health(make.facts(make.instance(passes=0), failing_s=37 * 60), make.scene())
    assert health.status == "Severe"
    assert health.causes == ("Instance ELB health has not been available for 37 minutes.",)


def test_a_silent_instance_out_of_the_load_balancer_says_both(make: Make) -> None:
    one = make.facts(make.instance(passes=0), failing_s=37 * 60, silent_s=37 * 60)
    assert instance_health(one, make.scene()).causes == (
        "Instance ELB health has not been available for 37 minutes.",
        "No data. Last seen 37 minutes ago.",
    )


def test_a_worker_has_no_load_balancer(make: Make) -> None:
    assert (
        instance_health(make.facts(make.instance(passes=0)), make.scene(worker=True)).status == "Ok"
    )


def test_an_instance_just_launched_has_time_to_begin_passing(make: Make) -> None:
    young = make.facts(make.instance(passes=0, launched_at=9_990.0), proven=False)
    health = instance_health(young, make.scene())
    assert (health.status, health.reasons) == (HealthStatus.PENDING, (Reason.WORKING,))
    assert instance_health(young, make.scene(now=9_990.0 + 601)).status == "Severe"


@pytest.mark.parametrize(
    ("work", "status", "cause"),
    [
        (Assignment(1, Work.ACTIVATE, 1), "Pending", "Performing initialization"),
        (Assignment(2, Work.STAGE, 2), "Info", "Performing application deployment"),
        (Assignment(2, Work.ACTIVATE, 2), "Pending", "Performing application deployment"),
        (Assignment(2, Work.RESTART, 1), "Pending", "Performing application restart"),
    ],
)
def test_a_busy_instance(make: Make, work: Assignment, status: str, cause: str) -> None:
    one = make.facts(make.instance(assignment=work, serial=0, state=WorkState.WORKING), busy_s=31.0)
    health = instance_health(one, make.scene())
    assert health.status == status
    assert health.causes == (f"{cause} (running for 31 seconds)",)


def test_failing_checks_do_not_count_while_an_instance_is_busy(make: Make) -> None:
    busy = make.instance(assignment=SECOND, passes=0)
    one = make.facts(busy, busy_s=600.0, tally=make.tally(failing=100), application="down")
    assert instance_health(one, make.scene()).status == "Pending"


def test_an_operation_past_its_timeout_is_a_warning_and_checks_count_again(make: Make) -> None:
    busy = make.instance(assignment=SECOND)
    slow = instance_health(make.facts(busy, busy_s=601.0), make.scene())
    assert slow.status == "Warning"
    assert slow.causes == ("Performing application deployment (running for 10 minutes)",)
    failing = make.facts(busy, busy_s=601.0, tally=make.tally(failing=100))
    assert instance_health(failing, make.scene()).status == "Severe"


def test_an_instance_of_the_batch_is_pending_until_the_rollout_is_overdue(make: Make) -> None:
    one = make.facts(make.instance(passes=0), failing_s=5.0)
    within, late = make.operation(began=9_500.0), make.operation(began=9_000.0)
    assert instance_health(one, make.scene(within)).status == "Pending"
    assert instance_health(one, make.scene(late)).status == "Severe"
    assert instance_health(one, make.scene(make.operation(batch=("i-2",)))).status == "Severe"


def test_what_an_operation_launched_is_its_business_too(make: Make) -> None:
    launched = make.facts(make.instance(passes=0, launched_by=7))
    assert instance_health(launched, make.scene(make.operation(batch=()))).status == "Pending"


def test_the_wrong_version(make: Make) -> None:
    one = make.facts(make.instance(running=2), deployed=Deployed(2, "v2", "Deployed", 1.0, 1.0))
    health = instance_health(one, make.scene())
    assert health.status == "Degraded"
    assert health.causes == (
        'Incorrect application version "v2" (deployment 2). Expected version "v1" (deployment 1).',
    )


def test_the_wrong_version_of_an_instance_that_did_not_name_it(make: Make) -> None:
    one = make.facts(make.instance(running=2), deployed=Deployed(3, "v3", "Failed", 1.0, 1.0))
    assert instance_health(one, make.scene()).causes == (
        'Incorrect application version (deployment 2). Expected version "v1" (deployment 1).',
    )


def test_versions_may_differ_while_an_operation_runs(make: Make) -> None:
    assert (
        instance_health(make.facts(make.instance(running=2)), make.scene(make.operation())).status
        == "Ok"
    )


def test_failed_work_counts_even_within_an_operation(make: Make) -> None:
    failed = make.instance(
        assignment=SECOND,
        serial=2,
        state=WorkState.FAILED,
        running=None,
        passes=0,
        failure=Failure("predeploy", "Hook 01_migrate.sh\n  failed with exit status 1."),
    )
    health = instance_health(make.facts(failed), make.scene(make.operation()))
    assert (health.status, health.reasons[0]) == (HealthStatus.DEGRADED, Reason.FAILED)
    assert health.causes[0] == (
        "Application deployment failed: Hook 01_migrate.sh failed with exit status 1."
    )


def test_failed_work_that_left_the_expected_release_in_place_is_forgiven(make: Make) -> None:
    stayed = make.instance(assignment=SECOND, serial=2, state=WorkState.FAILED, running=1)
    assert instance_health(make.facts(stayed), make.scene()).status == "Ok"
    assert instance_health(make.facts(stayed), make.scene(deployment=2)).status == "Degraded"


def test_a_failed_restart_counts_although_the_release_is_right(make: Make) -> None:
    restart = Assignment(2, Work.RESTART, 1)
    failed = make.instance(assignment=restart, serial=2, state=WorkState.FAILED, running=1)
    health = instance_health(make.facts(failed), make.scene())
    assert (health.status, health.causes) == (
        "Degraded",
        ("Application deployment failed: no reason was given",),
    )


def test_a_dead_machine_is_severe_even_while_it_is_worked_on(make: Make) -> None:
    dead = make.facts(make.instance(machine=Machine.EXITED))
    health = instance_health(dead, make.scene(make.operation()))
    assert health.status == "Severe"
    assert health.causes[0] == "The instance has exited by itself."
    known = make.facts(make.instance(machine=Machine.EXITED, exit="killed by signal 9"))
    assert instance_health(known, make.scene()).causes == (
        "The instance has exited by itself: killed by signal 9.",
    )


def test_an_application_that_keeps_dying_is_severe(make: Make) -> None:
    down = make.facts(application="down", complaints=("Process web keeps exiting: status 3.",))
    health = instance_health(down, make.scene())
    assert health.status == "Severe"
    assert health.causes == (
        "Following services are not running: application.",
        "Process web keeps exiting: status 3.",
    )


def test_a_complaint_alone_is_a_warning(make: Make) -> None:
    health = instance_health(make.facts(complaints=("The disk is nearly full.",)), make.scene())
    assert (health.status, health.causes) == ("Warning", ("The disk is nearly full.",))


def test_cpu_counts_once_it_has_been_in_use_for_a_minute(make: Make) -> None:
    vitals = Vitals({"User": 90.0, "System": 5.8, "Idle": 4.2}, (9.0, 9.0, 9.0), cpus=2)
    assert (
        instance_health(make.facts(vitals=vitals, hot_since=9_941.0), make.scene()).status == "Ok"
    )
    health = instance_health(make.facts(vitals=vitals, hot_since=9_940.0), make.scene())
    assert (health.status, health.causes) == ("Degraded", ("95% of CPU is in use",))


def test_a_busy_machine_says_nothing_of_the_application(make: Make) -> None:
    """A deployment's gate asks for that: it would else wait until the whole machine is idle."""
    hot = make.facts(vitals=Vitals({"User": 100.0}, (99.0,) * 3, cpus=2), hot_since=0.0)
    assert instance_health(hot, make.scene()).status == "Degraded"
    assert application_health(hot, make.scene()) == "Ok"
    failing = make.facts(tally=make.tally(failing=5))
    assert application_health(failing, make.scene()) == "Warning"


@pytest.mark.parametrize(
    ("load", "cpus", "status"),
    [((8.0, 1.0), 2, "Warning"), ((8.1, 1.0), 2, "Degraded"), ((99.0, 1.0), 0, "Warning"),
     ((), 2, "Warning")],
)  # fmt: skip
def test_load_makes_busy_cpus_worse(
    make: Make, load: tuple[float, ...], cpus: int, status: str
) -> None:
    one = make.facts(vitals=Vitals({"User": 100.0}, load, cpus), hot_since=0.0)
    assert instance_health(one, make.scene()).status == status


@pytest.mark.parametrize(
    ("serial", "cause"),
    [
        (1, "Initialization completed 26 seconds ago and took 5 minutes."),
        (2, "Application deployment completed 26 seconds ago and took 5 minutes"),
    ],
)
def test_a_finished_deployment_is_mentioned_for_a_while(
    make: Make, serial: int, cause: str
) -> None:
    one = make.instance(assignment=Assignment(serial, Work.ACTIVATE, 1), serial=serial)
    done = make.facts(one, deployed=Deployed(1, "v1", "Deployed", 9_974.0, 300.0))
    health = instance_health(done, make.scene())
    assert (health.status, health.causes) == ("Ok", (cause,))
    assert instance_health(done, make.scene(now=9_974.0 + 120)).causes == ()


def test_the_worst_comes_first_and_causes_are_cut(make: Make) -> None:
    one = make.facts(make.instance(passes=0), complaints=("x" * 999,), tally=make.tally(failing=5))
    health = instance_health(one, make.scene())
    assert health.status == "Severe"
    assert health.causes[0].startswith("Instance ELB health")
    assert max(map(len, health.causes)) == CAUSE_MAX


def test_instances_are_never_suspended(make: Make) -> None:
    for kind in Kind:
        for service in Service:
            one = make.facts(silent_s=1e9, failing_s=1e9)
            assert instance_health(one, make.scene(make.operation(kind))).status != "Suspended", (
                service
            )


RANKED = st.fixed_dictionaries(
    {
        "failing": st.integers(0, 100),
        "silent_s": st.sampled_from([0.0, 31.0, 61.0]),
        "passing": st.booleans(),
        "down": st.booleans(),
        "dead": st.booleans(),
        "complaint": st.booleans(),
        "hot": st.booleans(),
        "wrong": st.booleans(),
        "busy_s": st.sampled_from([None, 1.0, 601.0]),
    }
)
# Not silence: what is no longer heard of is not worse than what was bad, only less certain.
WORSE: dict[str, Any] = {
    "passing": False, "down": True, "dead": True, "complaint": True, "hot": True, "wrong": True,
    "failing": 100,
}  # fmt: skip


@given(state=RANKED, change=st.sampled_from(sorted(WORSE)), running=st.booleans())
def test_one_more_failure_never_gives_a_better_status(
    make: Make,
    state: Any,
    change: str,
    running: bool,
) -> None:
    here = make.scene(make.operation() if running else None)

    def rank(of: dict[str, Any]) -> int:
        seen: dict[str, Any] = {
            "machine": Machine.EXITED if of["dead"] else Machine.RUNNING,
            "passes": 3 if of["passing"] else 0,
            "running": 9 if of["wrong"] else 1,
        }
        if of["busy_s"] is not None:
            seen["assignment"] = SECOND
        heard = of["silent_s"] <= 30
        said: dict[str, Any] = {
            "application": "down" if of["down"] else "up",
            "complaints": ("It hurts.",) if of["complaint"] else (),
            "hot_since": 0.0 if of["hot"] else None,
            "tally": Tally(10.0, 100 - of["failing"], 0, 0, of["failing"]),
        }
        one = make.facts(
            make.instance(**seen),
            silent_s=of["silent_s"],
            busy_s=of["busy_s"] or 0.0,
            **(said if heard else {}),
        )
        return instance_health(one, here).status.rank

    assert rank({**state, change: WORSE[change]}) >= rank(state)
