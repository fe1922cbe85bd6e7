"""Programs that bundles count on and no instance can have as they are, replaced by ones that help.

`systemctl`, `service` and `chkconfig` ask the agent; package managers look whether the machine has
what is wanted; the control program of the CloudWatch agent has log files collected; `sudo` runs
what it is given; `cfn-signal` signals to wait conditions. They are in /usr/local/bin, which comes
first in PATH, or where bundles spell them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jackbean.agent.paths import Paths
from jackbean.agent.services import cloudwatch, reception, sudo
from jackbean.agent.services.keeping import TIME, Outcome
from jackbean.agent.services.provided import advice, present

MARK = "stand-in"
# What bundles take for granted on an instance: they put something into these.
FOLDERS = (
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/init.d",
    "/etc/logrotate.d",
    "/etc/profile.d",
    "/etc/rsyslog.d",
    "/etc/security/limits.d",
    "/etc/sysconfig",
    "/etc/systemd/system",
    "/opt/elasticbeanstalk/tasks/bundlelogs.d",
    "/opt/elasticbeanstalk/tasks/taillogs.d",
)
WITHOUT_NAMES = ("daemon-reload", "daemon-reexec", "list-units", "list-unit-files", "reset-failed")
SWITCHES = {"on": "enable", "off": "disable"}
WORDS_MAX = 200


def systemctl(argv: list[str], paths: Paths) -> Outcome:
    words = [word for word in argv if not word.startswith("-")]
    if not words or words[0] in WITHOUT_NAMES:
        return Outcome()
    verb, *names = words
    verbs = {"enable": ["enable", "start"], "disable": ["disable", "stop"]}
    wanted = verbs.get(verb, [verb]) if "--now" in argv else [verb]
    outcome = reception.ask(paths, wanted, names)
    quiet = "-q" in argv or "--quiet" in argv
    return Outcome(outcome.code, "") if quiet else outcome


def service(argv: list[str], paths: Paths) -> Outcome:
    words = [word for word in argv if not word.startswith("-")]
    if len(words) < 2:
        return Outcome(1, "usage: service NAME start|stop|restart|reload|status")
    return reception.ask(paths, [words[1]], [words[0]])


def chkconfig(argv: list[str], paths: Paths) -> Outcome:
    words = [word for word in argv if not word.startswith("-")]
    verb = SWITCHES.get(words[-1], "") if len(words) > 1 else ""
    return reception.ask(paths, [verb], [words[0]]) if verb else Outcome()


def package_manager(argv: list[str], paths: Paths) -> Outcome:
    """Tell of packages that are to be installed whether the machine has what they bring."""
    words = [word for word in argv if not word.startswith("-")]
    verb, names = (words[0], words[1:WORDS_MAX]) if words else ("", [])
    if verb not in ("install", "localinstall", "reinstall", "group-install", "groupinstall"):
        return Outcome(0, f"{verb}: nothing to do: an instance has the programs of its machine")
    missing = [name for name in names if not present(name.partition("=")[0])]
    if not missing:
        return Outcome(0, f"{' '.join(names)}: on this machine already. Nothing to do.")
    return Outcome(
        1,
        f"{' '.join(missing)}: not found on this machine, whose programs all instances share. "
        f"Nothing is installed into an instance; install it on the machine: {advice(missing)}",
    )


def clock(argv: list[str], paths: Paths) -> Outcome:
    return Outcome(0, TIME)


def super_user(argv: list[str], paths: Paths) -> Outcome:
    return Outcome(1, sudo.run(argv))  # only if it comes back


def signal(argv: list[str], paths: Paths) -> Outcome:
    from jackbean.agent.services import cfnsignal  # noqa: PLC0415 - 3 MB that an agent does without

    return cfnsignal.signal(argv, paths)


Program = Callable[[list[str], Paths], Outcome]
PROGRAMS: dict[str, Program] = {
    "systemctl": systemctl,
    "service": service,
    "chkconfig": chkconfig,
    "ntpdate": clock,
    "sudo": super_user,
    "yum": package_manager,
    "dnf": package_manager,
    "apt": package_manager,
    "apt-get": package_manager,
    "amazon-linux-extras": package_manager,
    "amazon-cloudwatch-agent-ctl": cloudwatch.control,
    "cfn-signal": signal,
}
ELSEWHERE = {
    "amazon-cloudwatch-agent-ctl": "/opt/aws/amazon-cloudwatch-agent/bin",
    "cfn-signal": "/opt/aws/bin",
}


def install(paths: Paths, command: tuple[str, ...]) -> None:
    """Write the programs, and make the folders that bundles count on.

    `command` is what the programs run, with their name and arguments behind.

    What a bundle has put in the place of one stays.
    """
    for folder in FOLDERS:
        paths.at(folder).mkdir(parents=True, exist_ok=True)
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    for name in PROGRAMS:
        path = paths.at(f"{ELSEWHERE.get(name, '/usr/local/bin')}/{name}")
        if not path.is_symlink() and (not path.exists() or _ours(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'#!/bin/sh\n# {MARK}\nexec {quoted} {name} "$@"\n')
            path.chmod(0o755)


def _ours(path: Path) -> bool:
    with path.open("rb") as file:
        return f"\n# {MARK}\n".encode() in file.read(200)


def run(argv: list[str], paths: Paths, say: Callable[[str], object]) -> int:
    """Be the program that is the first argument; return the exit code."""
    program = PROGRAMS.get(argv[0]) if argv else None
    if program is None:
        say(f"there is no such program; there are {', '.join(PROGRAMS)}\n")
        return 2
    outcome = program(argv[1:], paths)
    if outcome.text:
        say(f"{outcome.text}\n")
    return outcome.code
