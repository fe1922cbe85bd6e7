from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.fleet import Assignment, Machine, Service, Work, WorkState
from jackbean.core.health.census import Patient, environment_health, share_status
from jackbean.core.health.instances import InstanceHealth, Reason
from jackbean.core.health.options import HealthOptions
from jackbean.core.health.scene import Facts, Finished, Queue, Scene
from jackbean.core.health.statuses import COUNTED, HealthStatus
from jackbean.core.health.thresholds import DEFAULTS
from jackbean.core.operations import Kind, Operation, Provision

Make = Any
SEVERE = InstanceHealth(HealthStatus.SEVERE, ("It hurts.",), (Reason.IMPAIRED,))
BUSY = Assignment(2, Work.ACTIVATE, 2)


def judge(make: Make, scene: Scene, *facts: Facts) -> tuple[str, tuple[str, ...]]:
    health = environment_health(make.patients(scene, *facts), scene)
    return str(health.status), health.causes


def mixed(make: Make, *healths: InstanceHealth) -> tuple[Patient, ...]:
    return tuple(Patient(make.facts(), health) for health in healths)


def of_status(status: HealthStatus) -> InstanceHealth:
    reasons = {
        HealthStatus.OK: Reason.FINE,
        HealthStatus.INFO: Reason.WORKING,
        HealthStatus.PENDING: Reason.WORKING,
        HealthStatus.UNKNOWN: Reason.SILENT,
        HealthStatus.NO_DATA: Reason.SILENT,
    }
    return InstanceHealth(status, (), (reasons.get(status, Reason.IMPAIRED),))


def test_all_well(make: Make) -> None:
    assert judge(make, make.scene(), *[make.facts()] * 5) == ("Ok", ())


def test_one_severe_of_five_is_a_warning(make: Make) -> None:
    well = InstanceHealth(HealthStatus.OK)
    health = environment_health(mixed(make, SEVERE, well, well, well, well), make.scene())
    assert (health.status, health.color) == ("Warning", "Yellow")
    assert health.causes == ("Impaired services on 1 out of 5 instances.",)
    assert health.counts == {
        "Ok": 4, "Info": 0, "Pending": 0, "Unknown": 0, "Warning": 0, "Degraded": 0, "NoData": 0,
        "Severe": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ("Severe Ok Ok Ok", "Warning"),
        ("Severe Ok Ok", "Degraded"),
        ("Severe Severe Ok", "Severe"),
        ("Severe", "Severe"),
        ("Degraded Ok Ok Ok", "Warning"),
        ("Degraded Degraded Degraded", "Degraded"),
        ("Warning Ok Ok Ok", "Info"),
        ("Warning Ok Ok", "Warning"),
        ("Warning Warning", "Warning"),
        ("Unknown Ok", "Info"),
        ("Unknown Unknown", "Unknown"),
        ("NoData NoData", "Severe"),
        ("NoData Ok Ok Ok Ok", "Warning"),
        ("NoData Severe", "Severe"),
        ("Info Ok", "Ok"),
    ],
)
def test_shares(statuses: str, expected: str) -> None:
    ranks = [HealthStatus(s).rank for s in statuses.split()]  # type: ignore[call-arg]  # by value
    assert share_status(ranks, DEFAULTS) == expected


@given(st.lists(st.sampled_from(COUNTED), min_size=1, max_size=12), st.data())
def test_a_worse_instance_never_makes_a_better_environment(
    make: Make, statuses: list[HealthStatus], data: Any
) -> None:
    scene = make.scene()
    index = data.draw(st.integers(0, len(statuses) - 1))
    worse = data.draw(st.sampled_from([s for s in COUNTED if s.rank >= statuses[index].rank]))
    changed = [*statuses[:index], worse, *statuses[index + 1 :]]
    before, after = (
        environment_health(mixed(make, *map(of_status, each)), scene)
        for each in (statuses, changed)
    )
    assert after.status.rank >= before.status.rank


@given(st.lists(st.sampled_from(COUNTED), max_size=12))
def test_counts_sum_to_the_number_of_instances(make: Make, statuses: list[HealthStatus]) -> None:
    health = environment_health(mixed(make, *map(of_status, statuses)), make.scene())
    assert sum(health.counts.values()) == len(statuses)
    assert health.counts == {str(s): statuses.count(s) for s in COUNTED}
    assert health.status is not HealthStatus.SUSPENDED


@pytest.mark.parametrize(
    ("seconds", "spelled"), [(3, "3 seconds"), (0, "0 seconds"), (1, "1 second")]
)
def test_creation_begins_without_instances(make: Make, seconds: int, spelled: str) -> None:
    operation = make.operation(Kind.CREATE, began=make.now - seconds)
    assert judge(make, make.scene(operation)) == (
        "Pending",
        (f"Initialization in progress (running for {spelled}).", "There are no instances."),
    )


def test_creation_stays_pending_while_instances_initialize(make: Make) -> None:
    busy = make.instance(assignment=Assignment(1, Work.ACTIVATE, 1), serial=0)
    scene = make.scene(make.operation(Kind.CREATE))
    status, causes = judge(make, scene, make.facts(busy), make.facts(busy))
    assert status == "Pending"
    assert causes == ("Initialization in progress (running for 0 seconds).",)


@pytest.mark.parametrize(
    ("busy", "text"),
    [
        (3, "Command is executing on 3 out of 5 instances."),
        (5, "Command is executing on all instances."),
    ],
)
def test_commands_of_an_update(make: Make, busy: int, text: str) -> None:
    working = make.facts(make.instance(assignment=BUSY))
    scene = make.scene(make.operation(began=make.now - 21))
    status, causes = judge(make, scene, *[working] * busy, *[make.facts()] * (5 - busy))
    assert (status, causes[0]) == ("Info", text)
    assert causes[1] == (
        "Application update in progress on 1 instance. 0 out of 5 instances completed "
        "(running for 21 seconds)."
    )


def test_an_update_before_its_first_batch(make: Make) -> None:
    operation = make.operation(began=make.now - 7, batch=(), configuration_only=True)
    assert judge(make, make.scene(operation), make.facts()) == (
        "Info",
        ("Configuration update in progress (running for 7 seconds).",),
    )


def test_an_update_counts_those_that_are_done(make: Make) -> None:
    operation = make.operation(batch=("i-1", "i-2"))
    done = make.facts(make.instance(id="i-3", running=2))
    _, causes = judge(make, make.scene(operation), make.facts(), make.facts(), done)
    assert causes == (
        "Application update in progress on 2 instances. 1 out of 3 instances completed "
        "(running for 0 seconds).",
    )


def test_scaling_out_shows_commands_without_an_operation(make: Make) -> None:
    newcomer = make.instance(
        assignment=Assignment(1, Work.ACTIVATE, 1), serial=0, service=Service.OUT, passes=0
    )
    status, causes = judge(make, make.scene(), make.facts(newcomer), *[make.facts()] * 4)
    assert (status, causes) == ("Info", ("Command is executing on 1 out of 5 instances.",))


def test_no_instances_left(make: Make) -> None:
    assert judge(make, make.scene(desired=1)) == (
        "Severe",
        ("There are no instances.", "Auto Scaling group desired capacity is set to 1."),
    )


def test_below_the_minimum(make: Make) -> None:
    scene = make.scene(options=HealthOptions(minimum=5))
    assert judge(make, scene, *[make.facts()] * 4) == (
        "Degraded",
        ("4 active instances is below Auto Scaling group minimum size 5.",),
    )
    assert judge(make, scene, *[make.facts()] * 5) == ("Ok", ())


@pytest.mark.parametrize("change", [{"service": Service.OUT}, {"machine": Machine.STOPPED}])
def test_an_instance_that_does_not_serve_is_not_active(make: Make, change: Any) -> None:
    scene = make.scene(options=HealthOptions(minimum=2))
    _, causes = judge(make, scene, make.facts(), make.facts(make.instance(**change)))
    assert "1 active instances is below Auto Scaling group minimum size 2." in causes


def test_the_minimum_is_the_operations_business_while_it_runs(make: Make) -> None:
    scene = make.scene(make.operation(), options=HealthOptions(minimum=5))
    assert judge(make, scene, make.facts())[0] == "Info"


def test_nobody_serves(make: Make) -> None:
    out = make.facts(make.instance(passes=0), failing_s=60.0)
    assert judge(make, make.scene(), out, out) == (
        "Severe",
        ("ELB health is failing or not available for all instances.",),
    )


def test_an_outage_is_severe_even_while_newcomers_are_pending(make: Make) -> None:
    newcomer = make.instance(assignment=Assignment(1, Work.ACTIVATE, 1), serial=0, passes=0)
    status, causes = judge(make, make.scene(), make.facts(newcomer))
    assert status == "Severe"
    assert causes == (
        "ELB health is failing or not available for all instances.",
        "Command is executing on all instances.",
    )


def test_a_worker_environment_needs_no_load_balancer(make: Make) -> None:
    scene = make.scene(worker=True, options=HealthOptions(minimum=1))
    idle = make.facts(make.instance(passes=0, service=Service.OUT))
    assert judge(make, scene, idle) == ("Ok", ())


@pytest.mark.parametrize(
    ("sick", "total", "status", "text"),
    [
        (1, 2, "Degraded", "ELB processes are not healthy on 1 out of 2 instances."),
        (1, 5, "Warning", "ELB processes are not healthy on 1 out of 5 instances."),
    ],
)
def test_some_are_out_of_the_load_balancer(
    make: Make, sick: int, total: int, status: str, text: str
) -> None:
    out = make.facts(make.instance(passes=0), failing_s=60.0)
    facts = [out] * sick + [make.facts()] * (total - sick)
    assert judge(make, make.scene(), *facts) == (status, (text,))


@pytest.mark.parametrize(
    ("silent", "total", "status", "text"),
    [
        (3, 3, "Severe", "None of the instances are sending data."),
        (1, 4, "Warning", "No data from 1 out of 4 instances."),
    ],
)
def test_silence(make: Make, silent: int, total: int, status: str, text: str) -> None:
    facts = [make.facts(silent_s=99.0)] * silent + [make.facts()] * (total - silent)
    assert judge(make, make.scene(), *facts) == (status, (text,))


@pytest.mark.parametrize(
    ("wrong", "status", "text"),
    [
        (2, "Degraded", "Incorrect application version found on 2 out of 5 instances. "),
        (1, "Warning", "Incorrect application version found on 1 out of 5 instances. "),
        (5, "Degraded", "Incorrect application version on environment instances. "),
    ],
)
def test_wrong_versions(make: Make, wrong: int, status: str, text: str) -> None:
    other = make.facts(make.instance(running=2))
    facts = [other] * wrong + [make.facts()] * (5 - wrong)
    assert judge(make, make.scene(), *facts) == (
        status,
        (text + 'Expected version "v1" (deployment 1).',),
    )


@pytest.mark.parametrize(
    ("failed", "text"),
    [(1, "Command failed on 1 out of 2 instances."), (2, "Command failed on all instances.")],
)
def test_failed_commands(make: Make, failed: int, text: str) -> None:
    one = make.facts(make.instance(assignment=BUSY, serial=2, state=WorkState.FAILED, running=None))
    facts = [one] * failed + [make.facts()] * (2 - failed)
    assert judge(make, make.scene(), *facts) == ("Degraded", (text,))


@pytest.mark.parametrize(
    ("failing", "erring", "status", "texts"),
    [
        (3, 0, "Info", ["3% of the requests are failing with HTTP 5xx."]),
        (0, 20, "Warning", ["20% of requests are erroring with HTTP 4xx."]),
        (30, 50, "Severe", ["30% of the requests are failing with HTTP 5xx.",
                            "50% of requests are erroring with HTTP 4xx."]),
    ],
)  # fmt: skip
def test_requests_of_all_instances_count_together(
    make: Make, failing: int, erring: int, status: str, texts: list[str]
) -> None:
    """Spread so that no instance is judged alone: each has fewer than ten requests."""
    tallies = [make.tally(5, failing=min(5, max(0, failing - 5 * n))) for n in range(10)]
    rest = 100 - 50 - 9
    tallies += [make.tally(9, erring=min(9, erring)), make.tally(rest, erring=max(0, erring - 9))]
    scene = make.scene()
    patients = tuple(
        Patient(make.facts(tally=tally), InstanceHealth(HealthStatus.OK)) for tally in tallies
    )
    health = environment_health(patients, scene)
    assert sum(t.total for t in tallies) == 100
    assert (health.status, list(health.causes)) == (status, texts)


def test_requests_of_instances_that_are_worked_on_do_not_count(make: Make) -> None:
    working = make.facts(make.instance(assignment=BUSY), tally=make.tally(failing=100))
    served = make.facts(tally=make.tally())
    assert judge(make, make.scene(make.operation()), working, served)[0] == "Info"


def test_a_workers_queue(make: Make) -> None:
    scene = make.scene(worker=True, queue=Queue(waiting=120, dead=5, at=make.now - 15))
    assert judge(make, scene, make.facts()) == (
        "Warning",
        (
            "5 messages in Dead Letter Queue (15 seconds ago)",
            "120 messages waiting in the queue (15 seconds ago)",
        ),
    )
    calm = make.scene(worker=True, queue=Queue(waiting=20, dead=0, at=make.now))
    assert judge(make, calm, make.facts()) == ("Ok", ())


def test_a_queue_that_nobody_asks(make: Make) -> None:
    asking, idle = make.facts(unpolled_s=20.0), make.facts(unpolled_s=240.0)
    scene = make.scene(worker=True)
    assert judge(make, scene, asking) == ("Ok", ())
    assert judge(make, scene, idle) == ("Severe", ("The queue is not polled by any instance.",))
    assert judge(make, scene, asking, asking, asking, idle)[1] == (
        "The queue is not polled by 1 out of 4 instances.",
    )
    assert judge(make, make.scene(), idle) == ("Ok", ()), "others have no queue"
    (patient,) = make.patients(scene, idle)
    assert patient.health.causes == ("The queue has not been polled for 4 minutes.",)


def test_no_instances_are_no_fault_where_none_are_wanted(make: Make) -> None:
    """A worker of no instances waits for messages."""
    assert judge(make, make.scene(worker=True, desired=0)) == ("Ok", ())
    assert judge(make, make.scene(desired=0))[0] == "Severe"
    assert judge(make, make.scene(worker=True, desired=1))[0] == "Severe"


def test_a_finished_operation_is_mentioned_for_a_while(make: Make) -> None:
    done = Finished("Initialization", make.now - 26, 300.0)
    assert judge(make, make.scene(finished=done), make.facts()) == (
        "Ok",
        ("Initialization completed 26 seconds ago and took 5 minutes.",),
    )
    assert judge(make, make.scene(finished=done, now=make.now + 94), make.facts()) == ("Ok", ())
    _, causes = judge(make, make.scene(make.operation(), finished=done), make.facts())
    assert not any("completed 26" in cause for cause in causes)


def test_what_fails_outside_the_batch_shows_during_an_operation(make: Make) -> None:
    dead = make.facts(make.instance(id="i-9", machine=Machine.EXITED))
    status, causes = judge(make, make.scene(make.operation()), dead, make.facts())
    assert status == "Degraded"
    assert causes[0] == "Impaired services on 1 out of 2 instances."


def test_an_operation_without_a_rollout_yet(make: Make) -> None:
    operation = Operation(1, Kind.UPDATE, "r", make.now, (Provision(2),), 2, 1)
    assert judge(make, make.scene(operation), make.facts()) == (
        "Info",
        ("Application update in progress (running for 0 seconds).",),
    )


def test_all_that_is_wrong_is_told(make: Make) -> None:
    """As after a rolling deployment that gave up: one runs the new version and does not serve."""
    left = make.facts(make.instance(running=2, passes=0), failing_s=31.0)
    assert judge(make, make.scene(), left, make.facts(), make.facts()) == (
        "Degraded",
        (
            "ELB processes are not healthy on 1 out of 3 instances.",
            "Incorrect application version found on 1 out of 3 instances. "
            'Expected version "v1" (deployment 1).',
        ),
    )


def test_causes_are_bounded_and_worst_first(make: Make) -> None:
    scene = make.scene(queue=Queue(10**6, 10**6, make.now), options=HealthOptions(minimum=9))
    facts = make.facts(
        make.instance(passes=0, running=2), tally=make.tally(failing=60, erring=40), failing_s=1e9
    )
    health = environment_health(make.patients(scene, facts), scene)
    assert health.status == "Severe"
    assert len(health.causes) <= 10
    assert all(len(cause) <= 255 for cause in health.causes)
    assert len(set(health.causes)) == len(health.causes)
    assert health.causes[0].startswith("60% of the requests are failing")
