"""Creating, updating and terminating: what is written down, and what is refused and how."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.control.rig import (
    ASG,
    COMMAND,
    ENVIRONMENT,
    LAUNCH,
    MUST_BE_READY,
    PROPERTIES,
    Rig,
    sized,
)

from jackbean.control import environments
from jackbean.control.environments import Creation, Update
from jackbean.control.story import narration
from jackbean.core.environments import Status, Tier
from jackbean.core.errors import Conflict, Fault
from jackbean.core.events import Severity
from jackbean.core.operations import Kind
from jackbean.core.options.settings import Setting, key
from jackbean.simulator.universe import BRANCH


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def creation(rig: Rig, **wanted: object) -> Creation:
    platform = rig.world.platforms.catalogue.find(BRANCH)
    base = {"application": "app", "name": "web1", "platform": platform, "request_id": "r"}
    return Creation(**{**base, **wanted})


# Creating


def test_a_new_environment_is_launching(rig: Rig) -> None:
    made = rig.create(
        label="v1",
        cname_prefix="My-Site",
        description="ours",
        tags=(("Team", "web"),),
        settings=sized(3),
        request_id="create-1",
    )
    assert (made.status, made.revision, made.version_label) == (Status.LAUNCHING, 0, "v1")
    assert (made.cname_prefix, made.description, made.tags) == (
        "my-site",
        "ours",
        (("Team", "web"),),
    )
    assert made.desired == 3
    assert made.operation is not None
    assert (made.operation.kind, made.operation.request_id) == (Kind.CREATE, "create-1")
    assert not made.operation.abortable
    assert rig.told(request_id="create-1") == [
        "createEnvironment is starting.",
        "Using elasticbeanstalk-us-east-1-123456789012 as Amazon S3 storage bucket for "
        "environment data.",
    ]


def test_without_a_prefix_one_is_made_up(rig: Rig) -> None:
    prefix = rig.create().cname_prefix
    name, _, suffix = prefix.partition(".")
    assert (name, len(suffix), prefix) == ("web1", 10, prefix.lower())


def test_without_a_version_it_is_the_sample(rig: Rig) -> None:
    assert rig.create().version_label == "Sample Application"
    assert rig.release(1).digest is None


def test_it_begins_with_the_least_it_may_have(rig: Rig) -> None:
    assert rig.create(settings=(Setting(ASG, "MinSize", "0"),)).desired == 0
    assert rig.settle().status is Status.READY
    assert rig.told()[-1] == "Successfully launched environment: web1"


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"name": "x"}, "Value 'x' at 'EnvironmentName' failed to satisfy constraint: "),
        ({"application": "no app"}, "No Application named 'no app' found."),
        ({"cname_prefix": "a.b.c"}, "Value 'a.b.c' at 'CNAMEPrefix' failed to satisfy "),
        ({"description": "d" * 201}, "Description has 201 characters; at most 200 fit."),
        ({"label": "v9"}, "No Application Version named 'v9' found."),
        ({"settings": (Setting(ASG, "MinSize", "many"),)}, "MinSize"),
    ],
)
def test_what_cannot_be_made(rig: Rig, wanted: dict[str, object], text: str) -> None:
    fault = rig.fault(environments.create(rig.world, creation(rig, **wanted)))
    assert (fault.code, fault.status) == ("InvalidParameterValue", 400)
    assert text in fault.message
    assert rig.run(rig.universe.environments()) == []


def test_names_and_prefixes_are_taken_until_their_environment_has_ended(rig: Rig) -> None:
    first = rig.running(cname_prefix="site")
    twin = creation(rig)
    assert rig.fault(environments.create(rig.world, twin)).message == (
        "Environment web1 already exists."
    )
    other = creation(rig, name="web2", cname_prefix="SITE")
    assert rig.fault(environments.create(rig.world, other)).message == (
        "DNS name (site.us-east-1.elasticbeanstalk.localhost) is not available."
    )
    rig.terminate()
    rig.settle(first.id)
    again = rig.create(cname_prefix="site")
    assert again.id != first.id


def test_two_at_once_with_one_name(rig: Rig) -> None:
    made, fault = rig.at_once(*[partial(environments.create, wanted=creation(rig))] * 2)
    assert isinstance(fault, Fault)
    assert fault.message == "Environment web1 already exists."
    assert rig.environment() == rig.environment(made.id)


def test_two_at_once_with_two_names_get_two_slots(rig: Rig) -> None:
    wanted = [creation(rig, name=name) for name in ("web1", "web2")]
    made = rig.at_once(*(partial(environments.create, wanted=w) for w in wanted))
    assert sorted(e.slot for e in made) == [1, 2]


def test_a_platform_without_a_sample_needs_a_version(rig: Rig) -> None:
    rig.world.platforms._samples.clear()
    fault = rig.fault(environments.create(rig.world, creation(rig)))
    assert fault.message == "There is no sample application for Python; give a VersionLabel."


def test_what_a_bundle_says_is_warned_of_in_the_story(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.version("v3", {".ebextensions/a.config": "packages: {msi: {}}"})
        rig.create(label="v3", request_id="r3")
        warnings = [e for e in rig.events(request_id="r3") if e.severity is Severity.WARN]
        assert [w.message.split(":")[0] for w in warnings] == [".ebextensions/a.config"]


def test_a_bundle_that_is_wrong_is_refused_with_file_and_line(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.version("v3", {".ebextensions/a.config": "option_settings: yes"})
        fault = rig.fault(environments.create(rig.world, creation(rig, label="v3")))
        assert ".ebextensions/a.config: line 1" in fault.message


# Finding


def test_environments_are_found_by_name_and_by_id(rig: Rig) -> None:
    made = rig.create()
    assert rig.run(environments.find(rig.world, "web1")).id == made.id
    assert rig.run(environments.find(rig.world, made.id)).id == made.id
    fault = rig.fault(environments.find(rig.world, "web2"))
    assert fault.message == "No Environment found for EnvironmentName = 'web2'."


# Updating


def test_only_who_is_ready_can_be_updated(rig: Rig) -> None:
    rig.create()
    asked = environments.update(rig.world, "web1", Update("r2", label="v2"))
    assert rig.fault(asked).message == MUST_BE_READY.format("web1")
    rig.settle()
    rig.update(label="v2")
    asked = environments.update(rig.world, "web1", Update("r4", label="v1"))
    assert rig.fault(asked).message == MUST_BE_READY.format("web1")


def test_of_two_updates_at_once_one_wins_and_the_other_is_told_why(rig: Rig) -> None:
    rig.running()

    won, fault = rig.at_once(
        *(
            partial(environments.update, name_or_id="web1", wanted=wanted)
            for wanted in (Update("one", label="v2"), Update("two", label="v1"))
        )
    )
    assert isinstance(fault, Fault)
    assert fault.message == MUST_BE_READY.format("web1")
    winner = won.operation.request_id
    loser = ({"one", "two"} - {winner}).pop()
    assert rig.told(request_id=loser) == []
    rig.settle()
    assert rig.told(request_id=winner)[-1] == narration.UPDATED
    assert rig.environment().releases == 2


def test_a_save_lost_to_the_loop_is_tried_again(rig: Rig) -> None:
    rig.running()
    tries = 0

    async def attempt() -> str:
        nonlocal tries
        tries += 1
        if tries < 8:
            raise Conflict("somebody was faster")
        return "done"

    assert rig.run(environments.retried(attempt)) == "done"
    with pytest.raises(Conflict):
        rig.run(environments.retried(lost))


async def lost() -> str:
    raise Conflict("always")


def test_version_and_settings_in_one_update(rig: Rig) -> None:
    rig.running()
    rig.update(label="v2", settings=(Setting(PROPERTIES, "COLOUR", "red"),), request_id="r9")
    after = rig.settle()
    assert (after.version_label, after.release, after.deployment) == ("v2", 2, 2)
    assert rig.release(2).settings.text(PROPERTIES, "COLOUR") == "red"
    assert rig.told(request_id="r9").count(narration.UPDATED) == 1


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Update("r", label="v9"), "No Application Version named 'v9' found."),
        (Update("r", tier=Tier("Worker", "SQS/HTTP", "2.3")), "The tier of an environment cannot"),
        (Update("r", description="d" * 201), "Description has 201 characters"),
        (Update("r", settings=(Setting(ASG, "MinSize", "x"),)), "MinSize"),
        (
            Update(
                "r",
                settings=(Setting(PROPERTIES, "A", "b"),),
                remove=(key(PROPERTIES, "A"),),
            ),
            "A",
        ),
        (Update("r", settings=(Setting(ENVIRONMENT, "LoadBalancerType", "network"),)), "LoadBal"),
    ],
)
def test_what_cannot_be_updated(rig: Rig, wanted: Update, text: str) -> None:
    before = rig.running()
    fault = rig.fault(environments.update(rig.world, "web1", wanted))
    assert fault.code == "InvalidParameterValue"
    assert text in fault.message
    assert rig.environment().releases == before.releases


def test_the_same_tier_is_no_change(rig: Rig) -> None:
    rig.running()
    rig.update(tier=Tier("WebServer", "Standard", "3.0"), description="new")
    assert rig.settle().description == "new"


def test_a_description_alone_touches_no_instance(rig: Rig) -> None:
    before = rig.running()
    rig.update(description="new", request_id="r9")
    after = rig.settle()
    assert after.members == before.members
    assert (after.release, after.deployment) == (2, 1)
    assert rig.told(request_id="r9") == [
        "Environment update is starting.",
        narration.CONFIGURED,
        narration.UPDATED,
    ]


def test_properties_are_set_and_removed(rig: Rig) -> None:
    rig.running()
    rig.update(settings=(Setting(PROPERTIES, "A", "1"), Setting(PROPERTIES, "B", "2")))
    rig.settle()
    rig.update(remove=(key(PROPERTIES, "A"),), settings=(Setting(PROPERTIES, "C", "3"),))
    rig.settle()
    assert rig.release(3).settings.namespace(PROPERTIES).keys() >= {"B", "C"}
    assert "A" not in rig.release(3).settings.namespace(PROPERTIES)


def test_a_change_of_settings_keeps_the_bundle_even_of_a_version_called_sample(
    tmp_path: Path,
) -> None:
    with Rig(tmp_path) as rig:
        rig.version("Sample Application", {"application.py": ""})
        rig.running(label="Sample Application")
        rig.update(settings=(Setting(PROPERTIES, "A", "1"),))
        rig.settle()
        assert rig.release(2).digest == rig.release(1).digest is not None
        assert rig.release(2).version_label == "Sample Application"


def test_settings_of_a_bundle_go_with_it(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        text = f"option_settings: {{'{PROPERTIES}': {{FROM: bundle}}}}"
        rig.version("v3", {".ebextensions/a.config": text})
        rig.running(label="v3")
        rig.update(settings=(Setting(PROPERTIES, "A", "1"),))
        rig.settle()
        assert rig.release(2).settings.text(PROPERTIES, "FROM") == "bundle"
        rig.update(label="v2")
        rig.settle()
        assert rig.release(3).settings.text(PROPERTIES, "FROM") is None
        assert rig.release(3).settings.text(PROPERTIES, "A") == "1"


def test_another_platform_holds_when_its_release_does(rig: Rig) -> None:
    before = rig.running()
    versions = rig.world.platforms.catalogue.platform_versions()
    branch = rig.world.platforms.of(before).branch
    older = next(v for v in versions if v.branch == branch and v.arn != before.platform_arn)
    updating = rig.update(platform=older)
    assert updating.platform_arn == before.platform_arn
    after = rig.settle()
    assert (after.platform_arn, after.stack) == (older.arn, older.solution_stack)
    assert {m.id for m in after.members}.isdisjoint({m.id for m in before.members})


# Terminating


@pytest.mark.parametrize("steps", [0, 2, 6])
def test_ending_a_launch_ends_its_story_with_a_failure(rig: Rig, steps: int) -> None:
    made = rig.create(request_id="launch")
    rig.step(steps * 0.5 + 0.1)
    rig.terminate(request_id="end")
    assert rig.settle(made.id).status is Status.TERMINATED
    assert rig.told(request_id="launch")[-1] == narration.LAUNCH_FAILED
    assert rig.told(request_id="end")[0] == "terminateEnvironment is starting."
    assert rig.told(request_id="end")[-1] == narration.TERMINATED
    assert rig.universe.engine.nodes == {}


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"label": "v2"}, narration.DEPLOY_FAILED),
        ({"settings": (Setting(PROPERTIES, "A", "1"),)}, narration.CONFIGURE_FAILED),
        ({"settings": (Setting(LAUNCH, "InstanceType", "t3.large"),)}, narration.CONFIGURE_FAILED),
    ],
)
def test_ending_an_update_ends_its_story_with_a_failure(
    rig: Rig, wanted: dict[str, object], text: str
) -> None:
    rig.running()
    rig.update(request_id="update", **wanted)
    rig.step(1.5)
    made = rig.terminate(request_id="end")
    assert rig.settle(made.id).status is Status.TERMINATED
    endings = [e for e in rig.events(request_id="update") if e.severity is Severity.ERROR]
    assert [e.message for e in endings] == [text]
    assert rig.told(request_id="update")[-1] == text
    assert rig.told(request_id="end")[-1] == narration.TERMINATED


def test_ending_twice(rig: Rig) -> None:
    made = rig.running()
    rig.terminate()
    again = rig.run(environments.terminate(rig.world, "web1", "again"))
    assert again == rig.environment()
    rig.settle(made.id)
    asked = environments.terminate(rig.world, "web1", "again")
    assert "No Environment found" in rig.fault(asked).message
    assert rig.told(request_id="again") == []


def test_a_policy_that_an_environment_cannot_have_is_refused(rig: Rig) -> None:
    rig.running()
    wanted = Update("r", settings=(Setting(COMMAND, "DeploymentPolicy", "Sometimes"),))
    assert "DeploymentPolicy" in rig.fault(environments.update(rig.world, "web1", wanted)).message
