"""The environment record and what environments may be called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jackbean.core.environments import (
    ID,
    Environment,
    Resource,
    Status,
    check_cname_prefix,
    check_environment_name,
)
from jackbean.core.errors import Fault
from jackbean.core.operations import Kind, Operation

ENVIRONMENT = Environment(
    id="e-abcdefghij",
    name="web",
    application="app",
    stack="stack",
    platform_arn="arn",
    cname_prefix="web",
    slot=1,
)


@pytest.mark.parametrize("name", ["web1", "My-Env", "a" * 40, "0-0-"[:3] + "9"])
def test_names(name: str) -> None:
    check_environment_name(name)


@pytest.mark.parametrize(
    "name", ["", "abc", "a" * 41, "-web", "web-", "my_env", "my env", "wéb1", "web1\n", "٣٣٣٣"]
)
def test_bad_names(name: str) -> None:
    with pytest.raises(Fault, match="EnvironmentName"):
        check_environment_name(name)


@pytest.mark.parametrize("prefix", ["web1", "a" * 63, "a--b"])
def test_prefixes(prefix: str) -> None:
    check_cname_prefix(prefix)


@pytest.mark.parametrize("prefix", ["", "abc", "a" * 64, "-web", "web-", "Web1", "a.bc", "web1\n"])
def test_bad_prefixes(prefix: str) -> None:
    with pytest.raises(Fault, match="CNAMEPrefix"):
        check_cname_prefix(prefix)


def test_ready_is_ready_without_an_operation() -> None:
    ready = replace(ENVIRONMENT, status=Status.READY)
    assert ready.ready
    assert not ENVIRONMENT.ready
    under_way = Operation(1, Kind.UPDATE, "r", 0.0, ())
    assert not replace(ready, operation=under_way).ready
    assert replace(ready, status=Status.TERMINATED).terminated


def test_resources_are_found_by_their_logical_id() -> None:
    group = Resource("Group", "AWS::AutoScaling::AutoScalingGroup", "awseb-1")
    has = replace(ENVIRONMENT, resources=(group,))
    assert has.resource("Group") is group
    assert has.resource("Other") is None


def test_ids() -> None:
    assert ID.fullmatch(ENVIRONMENT.id)
    assert not ID.fullmatch("e-ABCDEFGHIJ")


def test_statuses_are_spelled_as_clients_compare_them() -> None:
    assert [s.value for s in Status] == [
        "Launching",
        "Updating",
        "Ready",
        "LinkingFrom",
        "LinkingTo",
        "Terminating",
        "Terminated",
        "Aborting",
    ]
