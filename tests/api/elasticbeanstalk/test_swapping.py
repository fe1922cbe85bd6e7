"""Abort and swap, by AWS's own client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.rig import PlantRig

from jackbean.core.environments import Status


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PlantRig]:
    with PlantRig(tmp_path) as found:
        yield found


def test_an_update_is_aborted(rig: PlantRig) -> None:
    id_ = rig.launch()
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v2")
    rig.step(1.0)
    (before,) = rig.eb.describe_environments()["Environments"]
    assert before["AbortableOperationInProgress"] is True
    rig.eb.abort_environment_update(EnvironmentName="web1")
    (after,) = rig.eb.describe_environments()["Environments"]
    assert after["Status"] in {"Aborting", "Ready"}
    assert after["AbortableOperationInProgress"] is False
    assert rig.settle(id_).status is Status.READY
    status, code, message = rig.refusal(rig.eb.abort_environment_update, EnvironmentId=id_)
    assert (status, code) == (400, "InvalidParameterValue")
    assert "invalid state" in message


def cnames(rig: PlantRig) -> dict[str, str]:
    found = rig.eb.describe_environments()["Environments"]
    return {e["EnvironmentName"]: e["CNAME"] for e in found}


def test_names_are_swapped(rig: PlantRig) -> None:
    ids = [rig.launch(), rig.launch("web2")]
    before = cnames(rig)
    rig.eb.swap_environment_cnames(SourceEnvironmentName="web1", DestinationEnvironmentId=ids[1])
    for id_ in ids:
        rig.settle(id_)
    after = cnames(rig)
    assert after == {"web1": before["web2"], "web2": before["web1"]}


def test_both_must_be_named_and_there(rig: PlantRig) -> None:
    rig.launch()
    _, code, _ = rig.refusal(rig.eb.swap_environment_cnames, SourceEnvironmentName="web1")
    assert code == "MissingRequiredParameter"
    _, code, message = rig.refusal(
        rig.eb.swap_environment_cnames,
        SourceEnvironmentName="web1",
        DestinationEnvironmentName="nobody",
    )
    assert code == "InvalidParameterValue"
    assert "nobody" in message
