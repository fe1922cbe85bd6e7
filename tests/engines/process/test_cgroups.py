"""Limits as files: version 1 as this machine has it, version 2 in a tree that looks like one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jackbean.core.errors import PortError
from jackbean.engines.process import cgroups, limits
from jackbean.engines.process.cgroups import Cgroups
from jackbean.engines.process.limits import GIB, Limits
from jackbean.engines.process.paths import tag

SOME = Limits(GIB, 1.5, 300)


def test_types_have_their_limits() -> None:
    assert limits.of("t3.micro") == Limits(GIB, 2, 1024)
    assert limits.of("t2.nano") == Limits(GIB // 2, 1, 512)
    assert limits.of("m5.large") == Limits(8 * GIB, 2, 8192)
    assert limits.of("c5.xlarge") == Limits(8 * GIB, 4, 8192)
    assert limits.of("r6i.2xlarge") == Limits(64 * GIB, 8, 65536)
    for odd in ("", "huge", "x1.32xlarge", "t3.", ".micro", "t3.micro.metal"):
        assert limits.of(odd) == limits.DEFAULT


def test_settings_of_both_versions() -> None:
    assert cgroups.settings(1, "memory", SOME) == [
        ("memory.limit_in_bytes", "1073741824"),
        ("memory.memsw.limit_in_bytes", "1073741824"),
    ]
    assert cgroups.settings(1, "cpu", SOME) == [
        ("cpu.cfs_period_us", "100000"),
        ("cpu.cfs_quota_us", "150000"),
    ]
    assert cgroups.settings(1, "pids", SOME) == [("pids.max", "300")]
    assert cgroups.settings(1, "cpuacct", SOME) == []
    assert cgroups.settings(2, "", SOME) == [
        ("memory.max", "1073741824"),
        ("memory.swap.max", "0"),
        ("memory.oom.group", "0"),
        ("cpu.max", "150000 100000"),
        ("pids.max", "300"),
    ]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return what looks like the top of a version 2 hierarchy."""
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("pids\n")
    (tmp_path / "cgroup.procs").touch()
    group = tmp_path / "jackbean-abcdef"
    group.mkdir()
    (group / "cgroup.subtree_control").touch()
    return tmp_path


def test_version_2_hands_controllers_down_and_sets_limits(tree: Path) -> None:
    groups = Cgroups("abcdef", 2, {"": tree})
    made = groups.make("i-1", SOME)
    assert made == (str(tree / "jackbean-abcdef/i-1"),)
    assert (tree / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert (tree / "jackbean-abcdef/cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    written = {file.name: file.read_text() for file in Path(made[0]).iterdir()}
    assert written == {"memory.max": "1073741824", "cpu.max": "150000 100000", "pids.max": "300"}
    assert groups.visible("i-1") == ((made[0], "/sys/fs/cgroup"),)
    assert groups.groups() == {"i-1"}


def test_shims_live_beside_the_instances(tree: Path) -> None:
    groups = Cgroups("abcdef", 2, {"": tree})
    assert groups.home() == (str(tree / "jackbean-abcdef/shims"),)
    assert groups.groups() == set()


def test_where_there_are_no_controllers_the_reason_is_told(tmp_path: Path) -> None:
    reason = cgroups.find("abcdef", tmp_path)
    assert reason == f"{tmp_path} has no controllers for memory, processors and processes"
    (tmp_path / "cgroup.controllers").write_text("hugetlb\n")
    assert cgroups.find("abcdef", tmp_path) == reason


def test_a_group_that_cannot_be_made_names_itself(tmp_path: Path) -> None:
    (tmp_path / "jackbean-abcdef").touch()
    groups = Cgroups("abcdef", 1, {"memory": tmp_path})
    with pytest.raises(PortError, match="jackbean-abcdef/i-1"):
        groups.make("i-1", SOME)
    assert "jackbean-abcdef/probe-" in groups.possible()


@pytest.mark.parametrize("root", [True] if os.geteuid() == 0 else [])
def test_a_real_group_takes_its_limits_and_is_removed_with_what_runs_in_it(
    root: bool, tmp_path: Path
) -> None:
    name = tag(tmp_path)
    found = cgroups.find(name)
    assert isinstance(found, Cgroups)
    made = found.make("i-1", SOME)
    try:
        process = subprocess.Popen(["/bin/sleep", "600"])
        for directory in made:
            Path(directory, "cgroup.procs").write_text(str(process.pid))
        found.make("i-1", SOME)  # again
        limit = "memory.limit_in_bytes" if found.version == 1 else "memory.max"
        assert int(Path(made[0], limit).read_text()) == SOME.memory_bytes
        found.sweep(["i-1"])
        assert found.groups() == {"i-1"}
        found.sweep([])
        assert process.wait(10) == -9
        assert found.groups() == set()
    finally:
        found.down()
    assert list(Path("/sys/fs/cgroup").glob(f"**/jackbean-{name}")) == []
