"""Applications: made once, described anew, and deleted with all that is in them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from tests.control.rig import Rig

from jackbean.control import applications, versions
from jackbean.control.applications import DELETED
from jackbean.control.story import narration
from jackbean.control.versions import DELETION
from jackbean.core.applications import Application, Version
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault
from jackbean.ports.store import EnvironmentQuery, PutDocument
from jackbean.simulator.faults import Crash, Faults


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def delete(rig: Rig, force: bool = True, request_id: str = "delete") -> None:
    asked = applications.delete_application(rig.world, "app", request_id, force=force)
    rig.run(asked)


def gone(rig: Rig) -> bool:
    return rig.run(rig.world.store.applications(["app"])) == []


def until_gone(rig: Rig) -> None:
    for _ in range(200):
        if gone(rig):
            return
        rig.step()
    raise AssertionError("the application was never deleted")


def environments(rig: Rig) -> list[Environment]:
    return rig.run(rig.world.store.environments(EnvironmentQuery(application="app")))


def test_a_new_application_and_its_story(rig: Rig) -> None:
    wanted = Application("other", "ours", tags=(("a", "b"),))
    made = rig.run(applications.create_application(rig.world, wanted, "r"))
    assert (made.description, made.tags) == ("ours", (("a", "b"),))
    assert made.created == made.updated == rig.world.clock.now()
    assert rig.run(applications.find_application(rig.world, "other")) == made
    assert rig.told(request_id="r") == [
        "createApplication is starting.",
        "Created new Application: other",
        "createApplication completed successfully.",
    ]


def test_a_name_is_taken_once_even_by_two_at_once(rig: Rig) -> None:
    made, fault = rig.at_once(
        *(
            partial(
                applications.create_application,
                wanted=Application("other", text),
                request_id=text,
            )
            for text in ("first", "second")
        )
    )
    assert isinstance(made, Application)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.message) == (
        "InvalidParameterValue",
        "Application other already exists.",
    )
    assert rig.run(applications.find_application(rig.world, "other")).description == "first"
    assert rig.told(request_id="second") == []


def test_who_is_not_there(rig: Rig) -> None:
    for asked in (
        applications.find_application(rig.world, "nobody"),
        applications.describe_anew(rig.world, "nobody", "x"),
        applications.delete_application(rig.world, "nobody", "r", force=True),
    ):
        assert rig.fault(asked).message == "No Application named 'nobody' found."


def test_descriptions(rig: Rig) -> None:
    async def describe(text: str | None) -> str:
        return (await applications.describe_anew(rig.world, "app", text)).description

    assert rig.run(describe("new")) == "new"
    assert rig.run(describe(None)) == "new"
    assert rig.run(describe("")) == ""
    assert "201 characters" in rig.fault(describe("d" * 201)).message


def test_without_environments_it_is_deleted_at_once(rig: Rig) -> None:
    delete(rig, force=False)
    assert gone(rig)
    assert rig.told(request_id="delete") == ["deleteApplication is starting.", DELETED]
    assert rig.run(rig.world.store.versions("app")) == []


def test_with_environments_it_is_refused_unless_forced(rig: Rig) -> None:
    rig.running()
    asked = applications.delete_application(rig.world, "app", "r", force=False)
    assert "running environments: web1. Terminate them first" in rig.fault(asked).message
    assert rig.told(request_id="r") == []
    assert not gone(rig)


def test_forced_it_waits_for_its_environments(rig: Rig) -> None:
    rig.running()
    rig.create("web2")
    delete(rig)
    assert not gone(rig)
    until_gone(rig)
    told = rig.told(request_id="delete")
    assert told[0] == "deleteApplication is starting."
    assert (told.count(narration.TERMINATED), told[-1]) == (2, DELETED)
    assert told.count(DELETED) == 1
    assert rig.universe.engine.nodes == {}
    assert rig.run(rig.world.store.documents(DELETION)) == {}


def test_also_for_one_that_is_ending_already(rig: Rig) -> None:
    rig.running()
    rig.terminate(request_id="end")
    delete(rig)
    until_gone(rig)
    assert rig.told(request_id="delete") == ["deleteApplication is starting.", DELETED]
    assert rig.told(request_id="end")[-1] == narration.TERMINATED


def test_deleting_twice_does_not_take_the_first_ones_end_away(rig: Rig) -> None:
    rig.running()
    delete(rig)
    again = applications.delete_application(rig.world, "app", "again", force=True)
    assert rig.fault(again).code == "OperationInProgressFailure"
    until_gone(rig)
    assert rig.told(request_id="delete")[-1] == DELETED
    assert rig.told(request_id="again") == []


def test_nothing_new_is_made_in_what_is_being_deleted(rig: Rig) -> None:
    rig.running()
    delete(rig)
    with pytest.raises(Fault, match="Application app is being deleted"):
        rig.create("web2")
    until_gone(rig)


def test_several_ends_at_once_tell_of_one_deletion(rig: Rig) -> None:
    rig.run(rig.world.store.commit([PutDocument(DELETION, "app", "delete")]))

    rig.at_once(*[partial(applications.finish_deletion, name="app")] * 3)
    assert rig.told(request_id="delete") == [DELETED]


def test_a_control_plane_that_starts_goes_on_with_it(rig: Rig) -> None:
    """It may have died at any point since the request was written down."""
    rig.running()
    rig.create("web2")
    rig.run(rig.world.store.commit([PutDocument(DELETION, "app", "delete")]))
    rig.run(applications.finish_deletions(rig.world))
    until_gone(rig)
    assert rig.told(request_id="delete")[-1] == DELETED


@pytest.mark.parametrize("effect", range(1, 12))
def test_wherever_it_dies_it_is_deleted_in_the_end(effect: int) -> None:
    faults = Faults()
    with Rig(faults=faults) as rig:
        rig.running()
        faults.crash_at = faults.effects + effect
        try:
            delete(rig)
        except Crash:
            rig.universe.crash()
        for _ in range(100):
            rig.step()
            rig.run(applications.finish_deletions(rig.world))
            if rig.run(rig.world.store.document(DELETION, "app")) is None:
                break
        told = rig.told(request_id="delete")
        asked = told[:1] == ["deleteApplication is starting."]
        assert gone(rig) is asked
        assert told.count(DELETED) == asked


def test_an_application_that_is_being_deleted_takes_no_version(rig: Rig) -> None:
    rig.running()
    delete(rig)
    late = versions.create_version(rig.world, Version("app", "late"), None, "late")
    assert rig.fault(late).message == "Application app is being deleted."
