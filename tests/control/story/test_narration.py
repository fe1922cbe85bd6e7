"""Stories: each text, in its order, once, under the right request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from tests.control.rig import ASG, LAUNCH, PROPERTIES, Rig, sized
from tests.control.scenes import NOW, environment, operation, release, rollout, scene
from tests.core.fleets import NEW, dead, failed, fleet, fresh, instance, many, updated

from jackbean.control.story import narration
from jackbean.control.story.beside import beside
from jackbean.control.story.narration import ending, narrate, opening, superseded
from jackbean.core.environments import Environment, Verdict
from jackbean.core.events import Event, Severity
from jackbean.core.fleet import PARKED, TEMPORARY, Failure, Fleet
from jackbean.core.operations import (
    Deprovision,
    Empty,
    Kind,
    Operation,
    Provision,
    Roll,
    Settle,
)
from jackbean.core.options.settings import Setting
from jackbean.core.resources import Resource
from jackbean.core.rollouts import Rollout, Stage
from jackbean.simulator.engine import Behaviour
from jackbean.simulator.invariants import FAILURES, SUCCESSES

SECOND = frozenset({2})


def told(
    before: Environment, after: Environment, whole: Fleet, ended: Operation | None = None
) -> list[str]:
    return [e.message for e in events(before, after, whole, ended)]


def events(
    before: Environment, after: Environment, whole: Fleet, ended: Operation | None = None
) -> list[Event]:
    return narrate(before, after, ended, scene(before, whole, release(NEW), NOW + 90))


def between(was: Rollout, now: Rollout, whole: Fleet) -> list[str]:
    """Return what is told when a rollout goes from `was` to `now`."""
    before = environment(whole, operation=operation(Roll(was)))
    after = replace(before, operation=operation(Roll(now)))
    return told(before, after, whole)


# Openings and ends


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.CREATE, "createEnvironment is starting."),
        (Kind.UPDATE, "Environment update is starting."),
        (Kind.TERMINATE, "terminateEnvironment is starting."),
    ],
)
def test_openings(kind: Kind, text: str) -> None:
    event = opening(environment(operation=operation(kind=kind)))
    assert event == Event(
        text,
        application="app",
        environment="web1",
        environment_id="e-abcdefghij",
        request_id="r-2",
    )


def test_a_termination_says_what_it_waits_for() -> None:
    event = ending(environment(operation=operation(kind=Kind.TERMINATE)))
    assert event.message == "Waiting for EC2 instances to terminate. This may take a few minutes."
    assert event.request_id == "r-2"


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"kind": Kind.CREATE}, narration.LAUNCH_FAILED),
        ({}, narration.DEPLOY_FAILED),
        ({"configuration_only": True}, narration.CONFIGURE_FAILED),
    ],
)
def test_who_is_superseded_is_told_so(facts: dict[str, Any], text: str) -> None:
    (event,) = superseded(environment(operation=operation(**facts)))
    assert (event.message, event.severity, event.request_id) == (text, Severity.ERROR, "r-2")
    assert superseded(environment()) == []


ROLLED = {stage: Roll(rollout(stage=stage)) for stage in Stage}
REPLACED = {stage: Roll(rollout(stage=stage, template="t-new")) for stage in Stage}
ENDS: dict[str, tuple[Operation, list[str]]] = {
    "launched": (
        operation(ROLLED[Stage.SUCCEEDED], kind=Kind.CREATE),
        ["Successfully launched environment: web1"],
    ),
    "not launched": (
        operation(ROLLED[Stage.FAILED], kind=Kind.CREATE),
        [narration.LAUNCH_FAILED],
    ),
    "deployed": (
        operation(ROLLED[Stage.SUCCEEDED]),
        [narration.DEPLOYED, narration.UPDATED],
    ),
    "not deployed": (operation(ROLLED[Stage.FAILED]), [narration.DEPLOY_FAILED]),
    "a version taken back": (operation(ROLLED[Stage.REVERTED]), [narration.DEPLOY_FAILED]),
    "a replacement taken back": (operation(REPLACED[Stage.REVERTED]), [narration.REVERTED]),
    "configured": (
        operation(ROLLED[Stage.SUCCEEDED], configuration_only=True),
        [narration.CONFIGURED, narration.UPDATED],
    ),
    "configured without a rollout": (
        operation(Provision(NEW), configuration_only=True),
        [narration.CONFIGURED, narration.UPDATED],
    ),
    "not configured": (
        operation(ROLLED[Stage.FAILED], configuration_only=True),
        [narration.CONFIGURE_FAILED],
    ),
    "a configuration taken back": (
        operation(ROLLED[Stage.REVERTED], configuration_only=True),
        [narration.REVERTED],
    ),
    "terminated": (
        operation(Empty(), Deprovision(), kind=Kind.TERMINATE),
        ["Deleting SNS topic for environment web1.", narration.TERMINATED],
    ),
}


@pytest.mark.parametrize(("ended", "texts"), ENDS.values(), ids=ENDS.keys())
def test_ends(ended: Operation, texts: list[str]) -> None:
    before = environment(many(2), operation=ended)
    summed_up = "Deployment 2: its requests could not be counted; 90 s."
    found = events(before, replace(before, operation=None), many(2), ended)
    if ended.rollout:
        assert found.pop(0).message == summed_up
    assert [e.message for e in found] == texts
    assert {e.request_id for e in found} == {"r-2"}
    wrong = texts[0].startswith(FAILURES)
    assert all((e.severity is Severity.ERROR) is wrong for e in found)


@pytest.mark.parametrize(("aborted", "told"), [(False, True), (True, False)])
def test_a_failure_says_how_many_it_has_changed(aborted: bool, told: bool) -> None:
    ended = operation(ROLLED[Stage.FAILED], aborted=aborted)
    whole = fleet(updated("i-1"), instance("i-2"), instance("i-3"))
    before = environment(whole, operation=ended)
    found = events(before, replace(before, operation=None), whole, ended)
    left = narration.LEFT.format(1, 3)
    assert (left in [e.message for e in found]) is told
    assert found[-1].message == narration.DEPLOY_FAILED


def test_an_additional_batch_is_not_left_behind() -> None:
    ended = operation(Roll(rollout(stage=Stage.FAILED, policy="RollingWithAdditionalBatch")))
    whole = fleet(instance("i-1"), instance("i-2"), updated("i-3", group=TEMPORARY))
    before = environment(whole, operation=ended)
    found = events(before, replace(before, operation=None), whole, ended)
    assert [e.message for e in found[1:]] == [narration.DEPLOY_FAILED]


@pytest.mark.parametrize(
    ("park_s", "told"),
    [
        (0.0, "Deployment succeeded. Terminating old instances and temporary Auto Scaling group."),
        (600.0, "Deployment succeeded."),
    ],
)
def test_what_becomes_of_the_old_instances(park_s: float, told: str) -> None:
    was = rollout(policy="Immutable", park_s=park_s)
    now = replace(was, stage=Stage.COMMITTED)
    assert list(beside(environment(), environment(), was, now)) == [told]


@pytest.mark.parametrize(("park_s", "told"), [(60.0, "1 minute:"), (600.0, "10 minutes:")])
def test_that_they_are_parked_is_told_when_they_are(park_s: float, told: str) -> None:
    """Those that are not well are not parked: nothing may promise that they can be had again."""
    now = rollout(policy="Immutable", park_s=park_s, stage=Stage.COMMITTED)
    parked = environment(fleet(instance("i-1", group=PARKED)))
    (said,) = beside(environment(many(1)), parked, now, now)
    assert said.startswith(f"The old instances are kept at hand for {told}")
    assert list(beside(parked, parked, now, now)) == []


def test_texts_are_those_that_clients_match() -> None:
    assert narration.UPDATED == "Environment update completed successfully."
    assert narration.CONFIGURED == "Successfully deployed new configuration to environment."
    assert narration.TERMINATED == "terminateEnvironment completed successfully."
    assert narration.DEPLOY_FAILED == "Failed to deploy application."
    assert narration.CONFIGURE_FAILED == "Failed to deploy configuration."
    assert narration.REVERTED == (
        "The environment was reverted to the previous configuration setting."
    )
    assert narration.LAUNCHED.startswith("Successfully launched environment:")
    assert narration.LAUNCH_FAILED.startswith(
        "Create environment operation is complete, but with errors."
    )


# Nothing happens


def test_no_change_no_story() -> None:
    record = environment(many(2), operation=operation(Roll(rollout())))
    assert told(record, record, many(2)) == []
    assert told(environment(), environment(), fleet()) == []


# Resources and members


def test_resources_come_and_go() -> None:
    group = Resource("Group", "AWS::AutoScaling::AutoScalingGroup", "awseb-1")
    strange = Resource("Other", "AWS::Something::Else", "x")
    bare = environment(operation=operation(Provision(NEW), Settle(NOW)))
    full = replace(bare, resources=(group, strange))
    assert told(bare, full, fleet()) == ["Created Auto Scaling group named: awseb-1"]
    assert told(full, bare, fleet()) == ["Deleted Auto Scaling group named: awseb-1"]


def test_members_come_and_go_and_no_request_caused_it() -> None:
    before = environment(many(2), operation=operation(Roll(rollout())))
    after = replace(before, members=(before.members[1], instance("i-8").member))
    found = events(before, after, many(2))
    assert [e.message for e in found] == [
        "Added instance [i-8] to your environment.",
        "Removed instance [i-1] from your environment.",
    ]
    assert {e.request_id for e in found} == {""}


def test_health_is_told_without_a_request() -> None:
    before = environment(many(1), verdict=Verdict("Green", "Ok"))
    after = replace(before, verdict=Verdict("Red", "Severe", ("all is lost",)))
    (event,) = events(before, after, many(1))
    assert "Environment health has transitioned from Ok to Severe. all is lost" in event.message
    assert event.request_id == ""


# The beginning


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            {"kind": Kind.CREATE},
            "Waiting for EC2 instances to launch. This may take a few minutes.",
        ),
        ({}, "Deploying new version to instance(s)."),
        ({"configuration_only": True}, "Updating environment web1's configuration settings."),
    ],
)
def test_what_begins_once_resources_are_there(facts: dict[str, Any], text: str) -> None:
    made = operation(Provision(NEW), Roll(rollout()), **facts)
    before = environment(many(1), operation=made)
    assert told(before, replace(before, operation=made.next()), many(1)) == [text]
    on = replace(before, operation=made.next())
    assert told(on, on, many(1)) == []


# Batches


def test_batches_begin_and_end() -> None:
    idle, first = rollout(), rollout(batch=("i-1",), batches=1)
    second = rollout(batch=("i-2",), batches=2)
    assert between(idle, first, many(2)) == [
        "Batch 1: Starting application deployment on instance(s) [i-1]."
    ]
    assert between(first, first, many(2)) == []
    assert between(first, second, fleet(updated("i-1"), instance("i-2"))) == [
        "[Instance: i-1] Instance deployment completed successfully.",
        "Batch 1: Completed application deployment.",
        "Batch 2: Starting application deployment on instance(s) [i-2].",
    ]


def test_who_is_waited_for_again_is_told_once() -> None:
    second = rollout(batch=("i-2",), batches=2, done=("i-1",))
    again = rollout(batch=("i-1",), batches=2, done=("i-1", "i-2"))
    whole = fleet(updated("i-1", passes=0), updated("i-2"), instance("i-3"))
    assert between(second, again, whole) == [
        "[Instance: i-2] Instance deployment completed successfully.",
        "Batch 2: Completed application deployment.",
    ]
    both = rollout(batch=("i-1", "i-3"), batches=3, done=("i-1", "i-2"))
    whole = fleet(updated("i-1"), updated("i-2"), instance("i-3"))
    assert between(again, both, whole) == [
        "Batch 3: Starting application deployment on instance(s) [i-3]."
    ]


def test_a_single_batch_is_not_numbered() -> None:
    idle = rollout(policy="AllAtOnce")
    begun = replace(idle, batch=("i-1", "i-2"), batches=1)
    assert between(idle, begun, many(2)) == []
    done = begun.finish(NOW)
    assert between(begun, done, fleet(updated("i-1"), updated("i-2"))) == [
        "[Instance: i-1] Instance deployment completed successfully.",
        "[Instance: i-2] Instance deployment completed successfully.",
    ]


def test_batches_of_a_replacement_say_what_happens_to_them() -> None:
    idle = rollout(policy="Replacement", template="t-new")
    first = replace(idle, batch=("i-1",), batches=1)
    assert between(idle, first, many(2)) == ["Batch 1: Replacing instance(s) [i-1]."]
    second = replace(first, batch=("i-2",), batches=2)
    assert between(first, second, fleet(instance("i-2"), updated("i-8", template="t-new"))) == [
        "Batch 1: Replaced all instances.",
        "Batch 2: Replacing instance(s) [i-2].",
    ]


# Giving up: the reasons, before anything that ends the story


def give_up(was: Rollout, whole: Fleet) -> list[str]:
    return between(was, was.give_up(NOW), whole)


def test_failures_are_told_with_their_words() -> None:
    failure = Failure("Prebuild", "exit 1", "/var/log/eb-engine.log", "one\ntwo")
    batch = rollout(batch=("i-1",), batches=1)
    assert give_up(batch, fleet(failed("i-1", failure=failure), instance("i-2"))) == [
        "[Instance: i-1] Command failed on instance. Return code: 1 Output: exit 1 "
        "(step Prebuild)\nThe end of /var/log/eb-engine.log:\none\ntwo",
        "Unsuccessful command execution on instance id(s) 'i-1'. Aborting the operation.",
    ]


@pytest.mark.parametrize(
    ("failure", "end"),
    [
        (None, "Output: No reason was given."),
        (Failure("", "bad"), "Output: bad"),
        (Failure("", "bad", "/log"), "Output: bad See /log."),
        (Failure("", "bad", "", "x"), "Output: bad\nThe end of its log:\nx"),
    ],
)
def test_as_far_as_they_are_known(failure: Failure | None, end: str) -> None:
    first, _ = give_up(rollout(batch=("i-1",)), fleet(failed("i-1", failure=failure)))
    assert first.endswith(end)


def test_only_the_end_of_a_log_is_told() -> None:
    failure = Failure("", "bad", "/log", "\n".join(map(str, range(100))))
    first, _ = give_up(rollout(batch=("i-1",)), fleet(failed("i-1", failure=failure)))
    assert first.splitlines()[2:] == [str(n) for n in range(50, 100)]


def test_the_dead_are_told_with_how_they_died() -> None:
    batch = rollout(batch=("i-1", "i-2"), batches=1, losses=9, since=NOW + 80)
    whole = fleet(dead("i-1", exit="killed by signal 9"), updated("i-2", passes=0))
    assert give_up(batch, whole) == [
        "[Instance: i-1] The instance ended by itself: killed by signal 9.",
    ]


def test_new_instances_that_do_not_stand_the_test_are_told() -> None:
    judged = rollout(policy="TrafficSplitting", reverts=True, evaluating=True, since=NOW + 80)
    texts = give_up(judged, fleet(*many(2), updated("i-8", group=TEMPORARY, passes=0)))
    assert texts == [
        "The following new instances are not healthy: [i-8].",
        "Terminating the new instances. The old ones were not touched.",
    ]


def test_silence_and_sickness_are_told_apart() -> None:
    batch = rollout(batch=("i-1", "i-2"), batches=1)
    whole = fleet(fresh("i-1"), updated("i-2", passes=0), instance("i-3"))
    silent, sick = give_up(batch, whole)
    assert silent == (
        "The following instances have not responded in the allowed command timeout time "
        "(they might still finish eventually on their own): [i-1]."
    )
    assert sick.startswith(
        "The following instances did not become healthy within 60 seconds: [i-2]."
    )


def test_sickness_is_told_with_what_the_instance_says_of_it() -> None:
    ill = updated("i-1", passes=0, trouble="Process worker keeps ending: it exited with code 3.")
    why, sick = give_up(rollout(batch=("i-1",), batches=1), fleet(ill, instance("i-2")))
    assert why == "[Instance: i-1] Process worker keeps ending: it exited with code 3."
    assert sick.startswith("The following instances did not become healthy")


def test_who_was_late_in_a_replacement_is_a_new_one() -> None:
    """Its batch are old instances that have gone."""
    batch = rollout(policy="Replacement", template="t-new", batch=("i-1",), batches=1, reverts=True)
    whole = fleet(
        instance("i-1", leaving=True), instance("i-2"), updated("i-8", template="t-new", passes=0)
    )
    (sick,) = give_up(batch, whole)
    assert "[i-8]" in sick


def test_who_was_late_beside_the_old_is_a_new_one() -> None:
    late = rollout(policy="Immutable", reverts=True)
    texts = give_up(late, fleet(*many(2), fresh("i-8", group=TEMPORARY)))
    assert "[i-8]" in texts[0]
    assert texts[-1] == "Terminating the new instances. The old ones were not touched."


def test_reasons_are_told_once() -> None:
    back = rollout(reverts=True).give_up(NOW)
    assert between(back, replace(back, batch=("i-1",), batches=1), fleet(failed("i-1"))) == [
        "Batch 1: Starting application deployment on instance(s) [i-1]."
    ]


def test_what_did_not_settle_in_time_is_a_warning() -> None:
    whole = fleet(instance("i-1"), fresh("i-2"))
    made = operation(Settle(NOW, 60.0), configuration_only=True)
    before = environment(whole, operation=made, desired=2)
    found = events(before, replace(before, operation=None), whole, made.next())
    assert [(e.message, e.severity) for e in found] == [
        (
            "After 90 seconds 1 of 2 instances are in service. The others are still worked on.",
            Severity.WARN,
        ),
        (narration.CONFIGURED, Severity.INFO),
        (narration.UPDATED, Severity.INFO),
    ]
    parked = fleet(*many(2), instance("i-9", group=PARKED))
    full = environment(parked, operation=made, desired=2)
    texts = told(full, replace(full, operation=None), parked, made.next())
    assert texts == [narration.CONFIGURED, narration.UPDATED]


# Whole stories, as clients read them


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    behaviour = getattr(request, "param", None)
    with Rig(behaviour=behaviour) as rig:
        yield rig


def story(rig: Rig, request_id: str) -> list[str]:
    """Return what was told under a request, with the ids of instances numbered."""
    launched = rig.universe.engine.launched
    whole = "\0".join(rig.told(request_id=request_id))
    for number, name in enumerate(launched, 1):
        whole = whole.replace(name, f"i-{number}")
    return whole.split("\0")


def test_the_story_of_a_launch(rig: Rig) -> None:
    rig.running(request_id="r")
    texts = story(rig, "r")
    assert texts[:2] == [
        "createEnvironment is starting.",
        "Using elasticbeanstalk-us-east-1-123456789012 as Amazon S3 storage bucket for "
        "environment data.",
    ]
    assert [t.partition(" named")[0] for t in texts[2:6]] == [
        "Created security group",
        "Created Auto Scaling launch template",
        "Created load balancer",
        "Created Auto Scaling group",
    ]
    assert texts[6:] == [
        "Waiting for EC2 instances to launch. This may take a few minutes.",
        "[Instance: i-1] Instance deployment completed successfully.",
        "[Instance: i-2] Instance deployment completed successfully.",
        "Deployment 1: 0 requests served, 0 failed, 0 retried; 6 s.",
        "Successfully launched environment: web1",
    ]


def test_the_story_of_a_rolling_deployment(rig: Rig) -> None:
    rig.running()
    rig.update(label="v2", request_id="r")
    rig.settle()
    assert story(rig, "r") == [
        "Environment update is starting.",
        "Deploying new version to instance(s).",
        "Batch 1: Starting application deployment on instance(s) [i-1].",
        "[Instance: i-1] Instance deployment completed successfully.",
        "Batch 1: Completed application deployment.",
        "Batch 2: Starting application deployment on instance(s) [i-2].",
        "[Instance: i-2] Instance deployment completed successfully.",
        "Batch 2: Completed application deployment.",
        "Deployment 2: 0 requests served, 0 failed, 0 retried; never below 1 of 2 instances; 12 s.",
        "New application version was deployed to running EC2 instances.",
        "Environment update completed successfully.",
    ]


@pytest.mark.parametrize("rig", [Behaviour(fails_activating=SECOND)], indirect=True)
def test_the_story_of_a_configuration_that_is_taken_back(rig: Rig) -> None:
    rig.running()
    rig.update(settings=(Setting(PROPERTIES, "A", "1"),), request_id="r")
    after = rig.settle()
    texts = story(rig, "r")
    assert texts[:4] == [
        "Environment update is starting.",
        "Updating environment web1's configuration settings.",
        "Batch 1: Starting application deployment on instance(s) [i-1].",
        "[Instance: i-1] Command failed on instance. Return code: 1 Output: it is bad",
    ]
    assert texts[-1] == narration.REVERTED
    assert (after.release, after.deployment, after.draft) == (1, 1, 2)


@pytest.mark.parametrize("rig", [Behaviour(sick=SECOND)], indirect=True)
def test_the_story_of_a_replacement_that_is_taken_back(rig: Rig) -> None:
    rig.running(
        settings=(
            *sized(2),
            Setting("aws:autoscaling:updatepolicy:rollingupdate", "Timeout", "PT5M"),
        )
    )
    rig.update(settings=(Setting(LAUNCH, "InstanceType", "t3.large"),), request_id="r")
    deadline = rig.world.clock.now() + 600
    while rig.environment().operation and rig.world.clock.now() < deadline:
        rig.step()
    rig.step(60)
    texts = story(rig, "r")
    assert any("did not become healthy within 300 seconds: [i-3, i-4]" in t for t in texts)
    assert texts[-1] == narration.REVERTED
    assert all(n.spec.instance_type == "t3.micro" for n in rig.universe.engine.nodes.values())


def test_the_story_of_an_end(rig: Rig) -> None:
    made = rig.running()
    rig.terminate(request_id="r")
    rig.settle(made.id)
    texts = story(rig, "r")
    assert texts[:2] == [
        "terminateEnvironment is starting.",
        "Waiting for EC2 instances to terminate. This may take a few minutes.",
    ]
    assert all(t.startswith("Deleted ") for t in texts[2:-2])
    assert texts[-2:] == ["Deleting SNS topic for environment web1.", narration.TERMINATED]


STORIES: dict[str, dict[str, Any]] = {
    "deploy": {"label": "v2"},
    "configure": {"settings": (Setting(PROPERTIES, "A", "1"),)},
    "scale": {"settings": (Setting(ASG, "MinSize", "4"), Setting(ASG, "MaxSize", "6"))},
    "replace": {"settings": (Setting(LAUNCH, "InstanceType", "t3.large"),)},
    "describe": {"description": "new"},
}


@pytest.mark.parametrize("wanted", STORIES.values(), ids=STORIES.keys())
@pytest.mark.parametrize(
    "rig", [None, Behaviour(fails_staging=SECOND), Behaviour(hangs=SECOND)], indirect=True
)
def test_every_story_ends_once_and_nothing_reads_like_its_end_before(
    rig: Rig, wanted: dict[str, Any]
) -> None:
    rig.running(
        settings=(
            *sized(2),
            Setting("aws:autoscaling:updatepolicy:rollingupdate", "Timeout", "PT5M"),
        )
    )
    rig.update(request_id="r", **wanted)
    deadline = rig.world.clock.now() + 900
    while rig.environment().operation and rig.world.clock.now() < deadline:
        rig.step()
    found = rig.events(request_id="r")
    ends = [n for n, e in enumerate(found) if e.message.startswith((*SUCCESSES, *FAILURES))]
    assert ends
    assert ends == list(range(ends[0], len(found))), "something was told after the end began"
    assert len({found[n].message for n in ends}) == len(ends)
    dates = [e.date_ms for e in rig.events(environment="web1")]
    assert all(later > sooner for sooner, later in pairwise(dates))
    assert all(e.request_id == "" for e in rig.events() if "Environment health has" in e.message)


def test_a_health_event_never_carries_the_request_that_it_falls_into(rig: Rig) -> None:
    rig.running()
    rig.update(label="v2", request_id="r")
    rig.settle()
    rig.step(60)
    health = [e for e in rig.events() if "health" in e.message]
    assert health
    assert not any(e.request_id for e in health)
