"""What of Elastic Beanstalk's behaviour on instances is the same here, different, or absent.

The page's rows are judgements, written here; what they are about are the tables that the code works
by. A step, a key, an attribute, a command or a platform that a table has and no row speaks of (or
the other way round) is an error, so the page cannot fall behind unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from parity_rules import ABSENT, LOGS, OTHERS, TWENTY, Rule

from jackbean.agent import deployment, getconfig, hooks
from jackbean.agent.extensions.executing import AFTER, BEFORE
from jackbean.agent.platforms import ALL
from jackbean.agent.services import standins
from jackbean.core.platforms.branch import Branch
from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.runtimes import LANGUAGES
from jackbean.engines.process import shelf, wheels
from jackbean.sources import instance_keys
from jackbean.sources.extensions import INSTANCE_KEYS
from jackbean.stacks.intrinsics import FUNCTIONS

SAME, DIFFERENT, LEFT_OUT = "same", "different", "absent"

HEAD = """\
# What is the same as on AWS, and what is not

<!-- Made from docs/parity.py and the code's own tables by `./dev docs`. Change those. -->

Instances of Elastic Beanstalk's Linux platforms on Amazon Linux 2 and 2023, beside ours. *Same* is
what a bundle cannot tell apart; *different* is done in another way, which the row tells; *absent*
is not done, and says so in an event where a bundle asks for it. How instances are held apart is on
the page about [engine modes](engine-modes.md), what they do step by step on that about
[instances](instance.md).
"""


@dataclass(frozen=True)
class Row:
    """`names` are those of the code's tables that the row speaks of."""

    thing: str
    verdict: str
    note: str = ""
    names: tuple[str, ...] = ()


class Gap(ValueError):
    """What a table has and no row speaks of, or the other way round."""


def covered(about: str, rows: Sequence[Row], names: Iterable[str]) -> Sequence[Row]:
    """Return the rows if they speak of these names, of each once. Raises Gap."""
    said = [name for row in rows for name in row.names]
    wrong = set(said) ^ set(names)
    if wrong or len(said) != len(set(said)):
        raise Gap(f"{about}: rows and tables differ in {sorted(wrong) or sorted(said)}")
    return rows


STEPS = (
    Row("download of the bundle", SAME, "", ("download",)),
    Row("`ElectLeader`", DIFFERENT, "the control plane names the leader: one of an operation"),
    Row(
        "`stopSqsd`, `startSqsd`",
        DIFFERENT,
        "it is stopped when the new release takes over, not for the whole deployment",
        ("stopSqsd", "startSqsd"),
    ),
    Row("`PreBuildEbExtension`", SAME, "", ("PreBuildEbExtension",)),
    Row(
        "`StageApplication`",
        SAME,
        "bombs and names that lead out are refused",
        ("StageApplication",),
    ),
    Row("`RunAppDeployPreBuildHooks`", SAME, "", ("RunAppDeployPreBuildHooks",)),
    Row(
        "platform build: runtime, `Buildfile`, dependencies, default `Procfile`",
        SAME,
        "what each platform does is [told apart](running-platforms.md); equal dependencies are "
        "resolved once for all instances",
        tuple(dict.fromkeys(step.name for platform in ALL for step in platform.steps)),
    ),
    Row("`configure X-Ray`, start and stop of its daemon", LEFT_OUT, "there is no X-Ray"),
    Row("`configure proxy server`, healthd's log", SAME, "", ("configure proxy server",)),
    Row("log streaming, rsyslog", DIFFERENT, "the agent writes, rotates and streams logs itself"),
    Row("`PostBuildEbExtension`", SAME, "", ("PostBuildEbExtension",)),
    Row("`CleanEbExtensions`", SAME, "", ("CleanEbExtensions",)),
    Row("`RunAppDeployPreDeployHooks`", SAME, "", ("RunAppDeployPreDeployHooks",)),
    Row(
        "check of nginx's configuration",
        DIFFERENT,
        "here, while the old release serves; on AWS after it was deleted",
        ("check proxy configuration",),
    ),
    Row("stop of the proxy", DIFFERENT, "it is never stopped: requests wait for the new release"),
    Row("`FlipApplication`", SAME, "", ("FlipApplication",)),
    Row(
        "`start proxy with new configuration`",
        SAME,
        "left alone where nothing has changed",
        ("start proxy with new configuration",),
    ),
    Row(
        "the application takes connections",
        DIFFERENT,
        "waited for; on AWS a deployment succeeds without",
        (deployment.AWAIT,),
    ),
    Row("`Track pids in healthd`", SAME, "", ("Track pids in healthd",)),
    Row("`RunAppDeployPostDeployHooks`", SAME, "", ("RunAppDeployPostDeployHooks",)),
)

KEYS = (
    Row("`packages`", DIFFERENT, "nothing is installed into an instance: it is looked whether the "
        "machine has it, and an event says which command brings it; `rubygems` and `python` "
        "install", ("packages",)),
    Row("`groups`, `users`", SAME, "one account only in user and plain mode", ("groups", "users")),
    Row("`sources`", SAME, "also xz", ("sources",)),
    Row("`files`", SAME, "not into the machine's programs: `/usr` without `/usr/local`",
        ("files",)),
    Row("`commands`", SAME, "", ("commands",)),
    Row("`services`", DIFFERENT, "without systemd: units are read and kept running by the agent",
        ("services",)),
    Row("`container_commands`", SAME, "`leader_only`: once in an operation, also over batches",
        ("container_commands",)),
)  # fmt: skip

ATTRIBUTES = (
    Row("`command`, `env`, `cwd`, `test`, `ignoreErrors`", SAME, "",
        ("command", "env", "cwd", "test", "ignoreErrors")),
    Row("`waitAfterCompletion`", LEFT_OUT, "it is for Windows; taken and passed over",
        ("waitAfterCompletion",)),
    Row("`content`, `source`, `encoding`, `authentication`, `context` of files", SAME,
        "content may be an object; buckets of the installation need no keys",
        ("content", "source", "encoding", "authentication", "context")),
    Row("`mode`, `owner`, `group` of files; `.bak`", SAME, "4 to 6 digits, and links",
        ("mode", "owner", "group")),
    Row("`enabled`, `ensureRunning`, and what services watch", SAME, "",
        ("enabled", "ensureRunning", "files", "sources", "packages", "commands")),
)  # fmt: skip

MANAGERS = (
    Row("`yum`, `apt`, `zypper`", DIFFERENT, "names of Amazon Linux are mapped to the machine's",
        ("yum", "apt", "zypper")),
    Row("`rubygems`", SAME, "", ("rubygems",)),
    Row("`python`", DIFFERENT, "each program in an environment of its own", ("python",)),
    Row("`rpm`", LEFT_OUT, "passed over with a warning", ("rpm",)),
)  # fmt: skip

POINTS = ("prebuild", "predeploy", "postdeploy")


def page() -> str:
    """Return the page."""
    built = chain.from_iterable(platform.steps for platform in ALL)
    own = (*deployment.BEFORE_BUILD, *deployment.AFTER_BUILD, *deployment.ACTIVATE)
    steps = {step.name for step in (*own, *built)}
    attributes = {*instance_keys.COMMAND, *instance_keys.FILE, *instance_keys.SERVICE}
    executed = [name for name, _ in (*BEFORE, *AFTER)]
    if set(executed) != set(INSTANCE_KEYS):
        raise Gap(f"keys that are read and keys that are carried out: {executed}")
    sections = (
        HEAD,
        _table("The steps of a deployment", covered("steps", STEPS, steps)),
        _table("`.ebextensions`: keys", covered("keys", KEYS, executed), _key_notes()),
        _table("`.ebextensions`: attributes", covered("attributes", ATTRIBUTES, attributes)),
        _table("`packages`: managers", covered("managers", MANAGERS, instance_keys.MANAGERS)),
        _functions(),
        _hooks(),
        _get_config(),
        _programs(),
        _platforms(),
        _rules("Twenty rules that are easily got wrong", TWENTY, numbered=True),
        _rules("Processes, variables, paths", OTHERS),
        _rules("Logs", LOGS),
        _rules("Not here", ABSENT),
    )
    return "\n".join(sections)


def _table(title: str, rows: Sequence[Row], before: str = "") -> str:
    lines = (f"| {row.thing} | {row.verdict} | {row.note} |" for row in rows)
    return "\n".join((f"## {title}\n", *([before] if before else []), HEADER, *lines, ""))


HEADER = "| | | |\n|---|---|---|"


def _key_notes() -> str:
    return (
        "Files in the order of their names, the keys of each in this order; all faults of all "
        "files are told at once, before anything begins. See [`.ebextensions`](ebextensions.md).\n"
    )


def _functions() -> str:
    names = ", ".join(f"`{name}`" for name in sorted(FUNCTIONS))
    return (
        f"## Functions\n\n{names} are evaluated, also in backticks inside of any text. Elastic "
        "Beanstalk tells of "
        "`Ref`, `Fn::GetAtt`, `Fn::Join` and `Fn::GetOptionSetting`. Short forms (`!Ref`) are "
        "none, as there.\n"
    )


def _hooks() -> str:
    kinds = ", ".join(f"`.platform/{kind}`" for kind in sorted(hooks.KINDS))
    rows = (
        Row(f"{kinds}: {', '.join(f'`{p}`' for p in POINTS)}", SAME),
        Row("order, user, directory, variables, effect of a failure", SAME),
        Row("rights", SAME, "made executable, as since 2022; told in `eb-engine.log`"),
        Row("`EB_IS_COMMAND_LEADER`", SAME, "also for container commands"),
        Row("line ends of Windows, no `#!`", SAME, "they fail; the event says why"),
        Row("time", SAME, "bounded by the command timeout only"),
    )
    return _table("Hooks", rows)


def _get_config() -> str:
    commands = ", ".join(f"`{name}`" for name in getconfig.COMMANDS)
    rows = (
        Row(f"commands {commands}", SAME, "with `--output JSON` and `YAML`, and bare values"),
        Row("a bundle's own `get-config` over ours", SAME, "as of some samples"),
        Row("`pkg-repo`", DIFFERENT, "there is nothing to lock; it succeeds"),
    )
    return _table("`get-config`", rows)


def _programs() -> str:
    names = ", ".join(f"`{name}`" for name in standins.PROGRAMS)
    return (
        "## Programs that stand in\n\nAn instance has the machine's programs, no systemd, and "
        f"nothing is installed into it. In `/usr/local/bin` these stand in for Amazon Linux's: "
        f"{names}. What each does is told [here](ebextensions.md#services-without-systemd).\n"
    )


def _platforms() -> str:
    rows = [_platform(name, list(found)) for name, found in groupby(_sorted(), _family)]
    return _table("Platforms", rows, "Branches on Amazon Linux 2023 that are not retired.\n")


def _sorted() -> list[Branch]:
    return sorted(BRANCHES, key=lambda branch: (_family(branch), branch.order))


def _family(branch: Branch) -> str:
    return branch.platform_name


def _platform(name: str, branches: list[Branch]) -> Row:
    if name not in LANGUAGES:
        return Row(name, LEFT_OUT, "can be listed, not launched")
    versions = ", ".join(branch.name.partition(" running")[0] for branch in branches)
    return Row(name, DIFFERENT, f"{versions}: {_source(LANGUAGES[name])}")


def _source(language: str) -> str:
    fetched = [n.version for n in wheels.RECIPES if n.language == language]
    where = "the machine's"
    if fetched:
        where += f", else fetched ({', '.join(fetched)})"
    if language in shelf.STAND_INS:
        where += "; a version of the same major number stands in"
    return where


def _rules(title: str, rules: Sequence[Rule], *, numbered: bool = False) -> str:
    lines = []
    for number, rule in enumerate(rules, 1):
        mark = f"{number}. " if numbered else ""
        lines.append(f"| {mark}{rule.thing} | {rule.verdict} | {rule.note} |")
    return "\n".join((f"## {title}\n", HEADER, *lines, ""))
