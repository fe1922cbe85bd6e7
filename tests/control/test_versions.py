"""Versions: recorded once, kept while somebody runs them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.control.rig import Rig
from tests.control.rig import bundle as packed

from jackbean.control import versions
from jackbean.control.environments import Update, update
from jackbean.core.applications import Location, Version, VersionStatus
from jackbean.core.errors import Fault
from jackbean.core.events import Severity


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def create(rig: Rig, label: str, bundle: versions.Bundle | None = None) -> Version:
    return rig.run(versions.create_version(rig.world, Version("app", label), bundle, "r"))


def test_a_new_version_and_its_story(rig: Rig) -> None:
    bundle = versions.Bundle(Location("bucket", "key"), "d" * 64)
    made = create(rig, "v3", bundle)
    assert (made.location, made.digest) == (Location("bucket", "key"), "d" * 64)
    assert made.status is VersionStatus.UNPROCESSED
    assert made.created == made.updated == rig.world.clock.now()
    events = rig.events(request_id="r")
    assert [e.message for e in events] == [
        "createApplicationVersion is starting.",
        "Created new Application Version: v3",
        "createApplicationVersion completed successfully.",
    ]
    assert {(e.application, e.version_label, e.environment) for e in events} == {("app", "v3", "")}


def test_a_label_is_taken_once_even_by_two_at_once(rig: Rig) -> None:
    made, fault = rig.at_once(
        *(
            partial(
                versions.create_version,
                wanted=Version("app", "v3"),
                bundle=versions.Bundle(Location("b", x), x * 64),
                request_id="r",
            )
            for x in "ab"
        )
    )
    assert isinstance(made, Version)
    assert isinstance(fault, Fault)
    assert fault.message == "Application Version v3 already exists."
    assert rig.run(versions.find_version(rig.world, "app", "v3")).digest == "a" * 64


def test_at_most_a_thousand_of_all_applications(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "VERSIONS_MAX", 3)
    create(rig, "v3")
    fault = rig.fault(versions.create_version(rig.world, Version("app", "v4"), None, "r4"))
    assert fault.code == "TooManyApplicationVersionsException"
    assert rig.told(request_id="r4") == []


def test_who_is_not_there(rig: Rig) -> None:
    asked = versions.create_version(rig.world, Version("nobody", "v1"), None, "r")
    assert rig.fault(asked).message == "No Application named 'nobody' found."
    for asked in (
        versions.find_version(rig.world, "app", "v9"),
        versions.describe_anew(rig.world, "app", "v9", "x"),
    ):
        assert rig.fault(asked).message == "No Application Version named 'v9' found."
    assert rig.run(versions.delete_version(rig.world, "app", "v9")) is None


def test_descriptions(rig: Rig) -> None:
    async def describe(text: str | None) -> str:
        return (await versions.describe_anew(rig.world, "app", "v1", text)).description

    assert rig.run(describe("new")) == "new"
    assert rig.run(describe(None)) == "new"
    assert rig.run(describe("")) == ""
    assert "201 characters" in rig.fault(describe("d" * 201)).message


def test_a_version_is_deleted_once(rig: Rig) -> None:
    gone = rig.run(versions.delete_version(rig.world, "app", "v1"))
    assert gone is not None
    assert gone.label == "v1"
    assert rig.run(versions.delete_version(rig.world, "app", "v1")) is None


def test_not_while_an_environment_runs_it(rig: Rig) -> None:
    made = rig.running()
    fault = rig.fault(versions.delete_version(rig.world, "app", "v1"))
    assert fault.message.startswith("Application Version v1 is deployed to environment(s) web1.")
    rig.terminate()
    rig.settle(made.id)
    assert rig.run(versions.delete_version(rig.world, "app", "v1")) is not None


def test_not_while_an_environment_is_on_its_way_to_it(rig: Rig) -> None:
    rig.running()
    rig.update(label="v2")
    assert "web1" in rig.fault(versions.delete_version(rig.world, "app", "v2")).message
    assert "web1" in rig.fault(versions.delete_version(rig.world, "app", "v1")).message
    rig.settle()
    assert rig.run(versions.delete_version(rig.world, "app", "v1")) is not None


BAD = {".ebextensions/a.config": "commands: [", "application.py": ""}


def processed(rig: Rig, label: str, files: dict[str, str]) -> Version:
    bundle = versions.Bundle(Location("b", label), rig.keep(packed(files)))
    wanted = Version("app", label, status=VersionStatus.PROCESSED)
    return rig.run(versions.create_version(rig.world, wanted, bundle, label))


def test_processing_a_bundle_reads_its_files(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        assert processed(rig, "good", {"application.py": ""}).status is VersionStatus.PROCESSED
        assert rig.told(request_id="good")[2].endswith("application version good: PROCESSED.")
        assert processed(rig, "bad", BAD).status is VersionStatus.FAILED
        _, _, why, end, _ = rig.events(request_id="bad")
        assert why.severity is Severity.ERROR
        assert why.message.startswith("The configuration file .ebextensions/a.config contains")
        assert end.message.endswith("application version bad: FAILED.")


def test_a_failed_version_is_not_deployed(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.running()
        processed(rig, "bad", BAD)
        fault = rig.fault(update(rig.world, "web1", Update("r", label="bad")))
        assert fault.message.startswith("Application Version bad cannot be deployed")
        assert rig.environment().ready
