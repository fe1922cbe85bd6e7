"""What bubblewrap is told: sandboxes as data, made into arguments by pure functions.

bubblewrap's own /proc leaves /proc/sys writable to uid 0, so one line could change the machine's
kernel: every sandbox covers what `allowed` lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jackbean.engines.process import allowed, seccomp

HOME = "/opt/jackbean"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
)
PROCESSORS = "/sys/devices/system/cpu"
BASH = "/usr/bin/bash"
LESS_THAN_BASH = frozenset(("dash", "sh"))  # but not busybox, which is all other programs too

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Machine:
    """What of `allowed` this machine has."""

    folders: tuple[str, ...]  # shown read-only at their own place
    links: Pairs  # (path, where it leads): /bin and the like
    proc_read_only: tuple[str, ...]
    proc_hidden_folders: tuple[str, ...]
    proc_hidden_files: tuple[str, ...]
    processors: bool = True
    shell: Pairs = ()  # bash in the place of a lesser /bin/sh, as on Amazon Linux

    @property
    def mounted(self) -> tuple[str, ...]:
        """Every folder of an instance's own that has something mounted on it."""
        return (*self.folders, *allowed.MOUNTED)


def survey(machine: Path = Path("/")) -> Machine:
    """Look at the machine."""

    def at(path: str) -> Path:
        return machine / path.lstrip("/")

    links = tuple((f"/{n}", str(at(n).readlink())) for n in allowed.TOP if at(n).is_symlink())
    linked = {path for path, _ in links}
    wanted = [f"/usr/{name}" for name in allowed.USR]
    wanted += [f"/{name}" for name in allowed.TOP if f"/{name}" not in linked]
    folders = [path for path in wanted if at(path).is_dir() and not at(path).is_symlink()]
    usr_links = ((p, str(at(p).readlink())) for p in wanted if at(p).is_symlink())
    hidden = [name for name in allowed.PROC_HIDDEN if at(f"/proc/{name}").exists()]
    return Machine(
        folders=tuple(folders + [path for path in allowed.SHARED if at(path).is_dir()]),
        links=(*links, *usr_links),
        proc_read_only=tuple(n for n in allowed.PROC_READ_ONLY if at(f"/proc/{n}").exists()),
        proc_hidden_folders=tuple(n for n in hidden if at(f"/proc/{n}").is_dir()),
        proc_hidden_files=tuple(n for n in hidden if not at(f"/proc/{n}").is_dir()),
        processors=at(PROCESSORS).is_dir(),
        shell=_shell(at("/bin/sh"), at(BASH)),
    )


def _shell(sh: Path, bash: Path) -> Pairs:
    """Return what makes /bin/sh bash: scripts of bundles say `source` under `#!/bin/sh`."""
    real = sh.resolve()
    if (
        not (sh.exists() and bash.is_file())
        or real.name not in LESS_THAN_BASH
        or real.parent != bash.parent
    ):
        return ()
    return ((BASH, f"{Path(BASH).parent}/{real.name}"),)


@dataclass(frozen=True)
class Sandbox:
    """One sandbox. `places` and `writable` are (source, place) pairs; `root` is "/" inside."""

    machine: Machine
    root: str
    places: Pairs = ()
    writable: Pairs = ()
    cgroups: Pairs = ()
    hostname: str = ""
    user_namespace: bool = False
    uid: int = 0
    capabilities: tuple[str, ...] = CAPABILITIES
    env: Mapping[str, str] | None = None  # None: that of bubblewrap, as its caller chose it


def arguments(box: Sandbox) -> tuple[str, ...]:
    """Return bubblewrap's arguments but for the command, in the order that they take effect."""
    return (
        *("--bind", box.root, "/"),
        *_pairs("--ro-bind", ((path, path) for path in box.machine.folders)),
        *_pairs("--ro-bind", box.machine.shell),
        *_kernel(box.machine),
        *_own(box),
        *_namespaces(box),
        *("--cap-drop", "ALL"),
        *(word for name in box.capabilities for word in ("--cap-add", name)),
        "--die-with-parent",
        *(() if box.env is None else _environment(box.env)),
        *("--chdir", "/"),
    )


def _environment(env: Mapping[str, str]) -> tuple[str, ...]:
    return ("--clearenv", *(w for name, value in env.items() for w in ("--setenv", name, value)))


def _pairs(flag: str, pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (word for source, place in pairs for word in (flag, source, place))


def _kernel(machine: Machine) -> tuple[str, ...]:
    """Return /proc, /dev and their like."""
    return (
        *("--proc", "/proc"),
        *_pairs("--ro-bind", ((f"/proc/{n}", f"/proc/{n}") for n in machine.proc_read_only)),
        *_pairs("--ro-bind", (("/dev/null", f"/proc/{n}") for n in machine.proc_hidden_files)),
        *(w for n in machine.proc_hidden_folders for w in ("--tmpfs", f"/proc/{n}")),
        *("--dev", "/dev"),
        *("--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108 - the sandbox's own
    )


def _own(box: Sandbox) -> tuple[str, ...]:
    """Return what is made anew at every start: /run, /sys, and our own folder."""
    mounts = (*box.places, *box.writable)
    parents = sorted({str(p) for _, place in mounts for p in Path(place).parents})
    inner = [p for p in parents if p.startswith((HOME + "/", "/run/"))]
    cpus = ((PROCESSORS, PROCESSORS),) if box.machine.processors else ()
    return (
        *("--perms", "0755", "--tmpfs", HOME),
        *("--perms", "0755", "--tmpfs", "/run"),
        *("--perms", "1777", "--dir", "/run/lock"),
        *(word for path in inner for word in ("--dir", path)),
        *_pairs("--ro-bind", box.places),
        *_pairs("--bind", box.writable),
        *("--remount-ro", HOME),
        *("--perms", "0755", "--tmpfs", "/sys"),
        *("--dir", "/sys/fs", "--dir", "/sys/fs/cgroup"),
        *("--dir", "/sys/devices", "--dir", "/sys/devices/system"),
        *_pairs("--ro-bind", (*box.cgroups, *cpus)),
        *("--remount-ro", "/sys"),
    )


def _namespaces(box: Sandbox) -> tuple[str, ...]:
    """Return the namespaces; that of the network is entered before bubblewrap is run."""
    user = ("--unshare-user", "--uid", str(box.uid), "--gid", str(box.uid))
    name = ("--hostname", box.hostname) if box.hostname else ()
    return (
        *(user if box.user_namespace else ()),
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        *name,
    )


def command(bubblewrap: Path, program: tuple[str, ...]) -> tuple[str, ...]:
    """Return the argv for a shim: only the program shows in a list of processes."""
    guard = ("--seccomp", "{filter}") if seccomp.program() else ()
    told = ("--args", "{args}", *guard, "--json-status-fd", "{status}")
    return (str(bubblewrap), *told, "--", *program)
