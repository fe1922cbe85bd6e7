"""Which mode is possible here, found by trying it, and why a better one is not.

root    bubblewrap as root; each instance has a network of its own, limits and its own users
user    bubblewrap in a user namespace; the network is the machine's
plain   a folder and a process group; nothing is isolated
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.engines.process import cgroups, firewall, links, namespaces, network, tools
from jackbean.engines.process.cgroups import Cgroups

MODES = ("root", "user", "plain")  # best first
TRY_S = 5.0
SHARED_USR = (
    "Programs in /usr (except /usr/local) are the machine's and read-only in instances: "
    "nothing can be installed there."
)
DISK = (
    "Disk is looked after, not divided: an instance that holds more than RootVolumeSize is ended "
    "within seconds, and many that hold less can fill the machine's together."
)
SHARED_NETWORK = (
    "Instances share the machine's network: they reach one another and whatever listens here, and "
    "security groups neither open nor close their ports."
)
LACKS = {
    "root": (
        SHARED_USR,
        DISK,
        "Root in an instance is the machine's root without most of its powers, not a user of its "
        "own: this keeps applications apart, not attackers who have a hole in the kernel.",
    ),
    "user": (
        SHARED_USR,
        DISK,
        SHARED_NETWORK,
        "An application runs as the same user as its instance's agent and can read its token.",
    ),
    "plain": (
        "Nothing is isolated: applications run as the user that runs Jackbean, and can read and "
        "change what that user can.",
        "Elastic Beanstalk's paths are in a folder of each instance: what spells /var/app/current "
        "does not find it.",
        SHARED_NETWORK,
        DISK,
    ),
}


@dataclass(frozen=True)
class Possible:
    """What can be used here. `others` are the better modes and why each is not possible."""

    mode: str
    bubblewrap: Path | None = None
    groups: Cgroups | None = None
    firewall: bool = False
    lacks: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)


def probe(tag: str, mode: str = "auto") -> Possible:
    """Try the modes, best first, or the one that is asked for.

    Raises PortError where the asked one is not possible, saying why.
    """
    if mode not in (*MODES, "auto"):
        raise PortError(f"engine mode {mode!r} is unknown; use auto, {', '.join(MODES)}")
    others: dict[str, str] = {}
    for name in MODES if mode == "auto" else (mode,):
        found = TRIES[name](tag)
        if isinstance(found, Possible):
            return Possible(
                name, found.bubblewrap, found.groups, found.firewall, found.lacks, others
            )
        others[name] = found
    raise PortError(f"engine mode {mode} is not possible here: {others[mode]}")


def _root(tag: str) -> Possible | str:
    if os.geteuid() != 0:
        return "it needs root; start Jackbean as root for it."
    bubblewrap = _bubblewrap(())
    if isinstance(bubblewrap, str):
        return bubblewrap
    trouble = _network()
    if trouble:
        return f"network namespaces cannot be used: {trouble}."
    groups, no_groups = _groups(tag)
    rules, no_rules = _firewall()
    lacks = [*LACKS["root"], *no_groups, *no_rules, *_other_firewalls(tag)]
    return Possible("root", bubblewrap, groups, rules, tuple(lacks))


def _user(tag: str) -> Possible | str:
    bubblewrap = _bubblewrap(("--unshare-user", "--uid", "0", "--gid", "0"))
    if isinstance(bubblewrap, str):
        return bubblewrap
    groups, no_groups = _groups(tag)
    return Possible("user", bubblewrap, groups, lacks=(*LACKS["user"], *no_groups))


def _plain(tag: str) -> Possible | str:
    groups, no_groups = _groups(tag)
    return Possible("plain", None, groups, lacks=(*LACKS["plain"], *no_groups))


TRIES: Mapping[str, Callable[[str], Possible | str]] = {
    "root": _root,
    "user": _user,
    "plain": _plain,
}


def _bubblewrap(extra: Iterable[str]) -> Path | str:
    """Return the first bubblewrap that runs a program in a sandbox, or why none does."""
    reason = "no bubblewrap is installed; install the package bubblewrap."
    for candidate in tools.bubblewraps():
        trouble = _run(candidate, extra)
        if not trouble:
            return candidate
        reason = f"{candidate} cannot make a sandbox: {trouble}"
    return reason


def _run(bubblewrap: Path, extra: Iterable[str]) -> str:
    sandbox = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run")
    names = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent")
    program = shutil.which("true", path="/usr/bin:/bin") or "/bin/true"
    try:
        done = subprocess.run(
            [bubblewrap, *sandbox, *extra, *names, "--cap-drop", "ALL", "--", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRY_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return (lines[-1] if lines else f"status {done.returncode}") if done.returncode else ""


def _network() -> str:
    """Return why bridges and veth pairs cannot be made, after making them out of the way."""

    def make() -> None:
        links.change(links.bridge("try0"))
        links.change(links.up(links.index("try0")))
        links.change(links.address(links.index("try0"), IPv4Interface("10.64.0.1/20")))
        other = namespaces.create()
        try:
            links.change(links.veth("try1", "eth0", other, links.index("try0")))
            links.change(links.isolate(links.index("try1")))
        finally:
            os.close(other)

    return _elsewhere(make)


def _firewall() -> tuple[bool, list[str]]:
    wanted = firewall.rules("try0", IPv4Network("10.64.0.0/20"), ())
    trouble = _elsewhere(lambda: firewall.install("jackbean-try", wanted))
    if not trouble:
        return True, []
    return False, [
        "Instances reach every port of the machine, and not the internet, and security groups are "
        f"not enforced: nf_tables cannot be used ({trouble})."
    ]


def _other_firewalls(tag: str) -> list[str]:
    """Tell of rules of others that drop what ours let pass."""
    if not firewall.exists("filter", "DOCKER-USER", firewall.NFPROTO_IPV4):
        return []
    bridge = network.PREFIX + tag
    return [
        "Docker's firewall drops what instances send to the internet; allow it with "
        f"`iptables -I DOCKER-USER -i {bridge} -j ACCEPT` and the same with `-o`."
    ]


def _elsewhere(work: Callable[[], None]) -> str:
    """Return why `work` fails in a network namespace of its own, empty if it does not."""
    try:
        netns = namespaces.create()
        try:
            namespaces.within(netns, work)
        finally:
            os.close(netns)
    except OSError as error:
        return str(error)
    return ""


def _groups(tag: str) -> tuple[Cgroups | None, list[str]]:
    found = cgroups.find(tag)
    if isinstance(found, Cgroups):
        return found, []
    return None, [f"Memory, processors and processes of an instance are not limited: {found}."]
