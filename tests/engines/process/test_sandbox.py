"""What bubblewrap and shims are told, compared whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackbean.core.protocol import AgentConfig
from jackbean.engines.process import launch, sandbox, seccomp
from jackbean.engines.process.interpreters import Interpreter
from jackbean.engines.process.launch import Ground
from jackbean.engines.process.paths import InstancePaths
from jackbean.engines.process.records import Record
from jackbean.engines.process.sandbox import Machine, Sandbox
from jackbean.engines.process.supervise import ShimSpec
from jackbean.ports.engine import LaunchSpec

MACHINE = Machine(
    folders=("/usr/bin", "/etc/ssl/certs"),
    links=(("/bin", "usr/bin"),),
    proc_read_only=("sys",),
    proc_hidden_folders=("acpi",),
    proc_hidden_files=("keys",),
)
ELSEWHERE = Interpreter("3.12", Path("/none/python"))
SYSTEM = Interpreter("3.11", Path("/usr"))
SPEC = LaunchSpec("i-1", "e-1", "Python 3.11 running on 64bit Amazon Linux 2023", "t3.micro", "tok")
PATHS = InstancePaths(Path("/data/instances/i-1"))


def ground(mode: str) -> Ground:
    return Ground(
        mode=mode,
        machine=MACHINE,
        own=SYSTEM,
        interpreters={"3.11": SYSTEM, "3.12": ELSEWHERE},
        tools={"nginx": Path("/usr/sbin/nginx"), "uv": Path("/venv/bin/uv")},
        agent_dir=Path("/data/run/agent"),
        dependencies=Path("/data/cache/dependencies"),
        runtimes=Path("/data/runtimes"),
        bubblewrap=None if mode == "plain" else Path("/bwrap"),
        env={"HTTP_PROXY": "http://proxy"},
        home=("/cg/shims",),
    )


@pytest.mark.parametrize(
    ("sh", "shown"),
    [("dash", (("/usr/bin/bash", "/usr/bin/dash"),)), ("bash", ()), ("busybox", ()), ("", ())],
)
def test_bash_takes_the_place_of_a_lesser_shell(
    tmp_path: Path, sh: str, shown: tuple[tuple[str, str], ...]
) -> None:
    programs = tmp_path / "usr/bin"
    programs.mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    for name in ("bash", "dash", "busybox"):
        (programs / name).touch()
    if sh:
        (programs / "sh").symlink_to(sh)
    assert sandbox.survey(tmp_path).shell == shown
    (programs / "bash").unlink()
    assert sandbox.survey(tmp_path).shell == ()


def test_a_sandbox_in_arguments() -> None:
    box = Sandbox(
        MACHINE,
        root="/tree",
        places=(
            ("/data/agent.pyz", "/opt/jackbean/agent.pyz"),
            ("/data/uv", "/opt/jackbean/bin/uv"),
        ),
        writable=(("/data/out", "/opt/jackbean/dependencies/x"),),
        cgroups=(("/cg/i-1", "/sys/fs/cgroup/memory"),),
        hostname="ip-10-0-0-1",
        capabilities=("CAP_KILL",),
        env={"A": "b"},
    )
    told = """
        --bind /tree /
        --ro-bind /usr/bin /usr/bin
        --ro-bind /etc/ssl/certs /etc/ssl/certs
        --proc /proc
        --ro-bind /proc/sys /proc/sys
        --ro-bind /dev/null /proc/keys
        --tmpfs /proc/acpi
        --dev /dev
        --perms 1777 --tmpfs /dev/shm
        --perms 0755 --tmpfs /opt/jackbean
        --perms 0755 --tmpfs /run
        --perms 1777 --dir /run/lock
        --dir /opt/jackbean/bin
        --dir /opt/jackbean/dependencies
        --ro-bind /data/agent.pyz /opt/jackbean/agent.pyz
        --ro-bind /data/uv /opt/jackbean/bin/uv
        --bind /data/out /opt/jackbean/dependencies/x
        --remount-ro /opt/jackbean
        --perms 0755 --tmpfs /sys
        --dir /sys/fs --dir /sys/fs/cgroup
        --dir /sys/devices --dir /sys/devices/system
        --ro-bind /cg/i-1 /sys/fs/cgroup/memory
        --ro-bind /sys/devices/system/cpu /sys/devices/system/cpu
        --remount-ro /sys
        --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try
        --hostname ip-10-0-0-1
        --cap-drop ALL --cap-add CAP_KILL
        --die-with-parent
        --clearenv --setenv A b
        --chdir /
    """
    assert list(sandbox.arguments(box)) == told.split()


def test_a_user_namespace_has_one_user() -> None:
    told = " ".join(sandbox.arguments(Sandbox(MACHINE, "/tree", user_namespace=True, uid=7)))
    assert " --unshare-user --uid 7 --gid 7 --unshare-pid " in told
    assert "--clearenv" not in told


def test_the_token_never_shows_in_a_list_of_processes() -> None:
    record = Record(SPEC, "root", 10, "10.64.0.10", 80)
    told = launch.shim_spec(record, PATHS, ground("root"), (("/cg/i-1", "/sys/fs/cgroup"),))
    agent = (
        "/usr/bin/python3.11",
        "-I",
        "-S",
        "/opt/jackbean/agent.pyz",
        "/opt/jackbean/agent.json",
    )
    assert told == ShimSpec(
        argv=(
            *("/bwrap", "--args", "{args}", "--seccomp", "{filter}"),
            *("--json-status-fd", "{status}", "--", *agent),
        ),
        args=told.args,
        filter=told.filter,
        env={},
        cwd="/data/instances/i-1/root",
        grace_s=60.0,
        cgroups=("/cg/i-1",),
        home=("/cg/shims",),
        limits={"NOFILE": (65536, 65536), "CORE": (0, 0)},
        disk_bytes_max=8 << 30,
    )
    assert "tok" not in told.args
    assert told.filter == seccomp.program() != b""
    shown = [told.args[n + 1 : n + 3] for n, word in enumerate(told.args) if word == "--ro-bind"]
    assert ("/venv/bin/uv", "/opt/jackbean/bin/uv") in shown
    assert ("/data/run/agent", "/run/jackbean") in shown
    assert not any("nginx" in place for _, place in shown)  # in /usr, which is shown already


def test_without_a_sandbox_the_agent_runs_in_its_folder() -> None:
    record = Record(SPEC, "plain", 10, "127.64.0.10", 8080, 10000)
    told = launch.shim_spec(record, PATHS, ground("plain"))
    home = "/data/instances/i-1"
    assert told == ShimSpec(
        argv=("/usr/bin/python3.11", "-I", "-S", f"{home}/agent.pyz", f"{home}/agent.json"),
        env={
            "HOME": f"{home}/root/root",
            "HTTP_PROXY": "http://proxy",
            "JACKBEAN_INSTANCE": home,
            "LANG": "C.UTF-8",
            "PATH": sandbox.PATH,
        },
        cwd=f"{home}/root",
        grace_s=60.0,
        home=("/cg/shims",),
        limits={"NOFILE": (65536, 65536), "CORE": (0, 0), "NPROC": (4096, 4096)},
        disk_bytes_max=8 << 30,
    )


def test_agents_are_told_paths_as_they_see_them() -> None:
    root = launch.agent_config(Record(SPEC, "root", 10, "10.64.0.10", 80), PATHS, ground("root"))
    plain = launch.agent_config(
        Record(SPEC, "plain", 10, "127.64.0.10", 8080, 10000), PATHS, ground("plain")
    )
    assert root == AgentConfig(
        instance="i-1",
        token="tok",
        socket="/run/jackbean/agent.sock",
        address="10.64.0.10",
        port=80,
        user="webapp",
        mode="root",
        tools={"nginx": "/usr/sbin/nginx", "uv": "/opt/jackbean/bin/uv"},
        pythons={
            "3.11": "/usr/bin/python3.11",
            "3.12": "/opt/jackbean/python-3.12/bin/python3.12",
        },
        instance_type="t3.micro",
        metadata_port=61254,
    )
    assert plain == AgentConfig(
        instance="i-1",
        token="tok",
        socket="/data/run/agent/agent.sock",
        address="127.64.0.10",
        port=8080,
        prefix="/data/instances/i-1/root",
        app_port=10000,
        mode="plain",
        tools={"nginx": "/usr/sbin/nginx", "uv": "/venv/bin/uv"},
        pythons={"3.11": "/usr/bin/python3.11", "3.12": "/none/python/bin/python3.12"},
        instance_type="t3.micro",
    )


def test_a_survey_names_what_a_machine_has(tmp_path: Path) -> None:
    for folder in ("usr/bin", "usr/lib", "usr/libexec", "sbin", "etc/ssl/certs", "proc/sys"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "usr/lib64").symlink_to("lib")
    (tmp_path / "proc/keys").touch()
    (tmp_path / "proc/acpi").mkdir()
    assert sandbox.survey(tmp_path) == Machine(
        folders=("/usr/bin", "/usr/lib", "/usr/libexec", "/sbin", "/etc/ssl/certs"),
        links=(("/bin", "usr/bin"), ("/usr/lib64", "lib")),
        proc_read_only=("sys",),
        proc_hidden_folders=("acpi",),
        proc_hidden_files=("keys",),
        processors=False,
    )
