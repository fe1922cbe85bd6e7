"""`jb plan`: what a deployment or a change of settings would do, before it is done."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from jackbean.cli import planview
from jackbean.cli.failures import Failure
from jackbean.cli.lines import Line
from jackbean.cli.verb import Verb
from jackbean.cli.verbs.printenv import NAMESPACE
from jackbean.cli.versions import Wanted, exists, label_of, source
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb plan                                   the deployment of this folder
jb plan shop-prod --version v41           of a version that is there already
jb plan --policy Immutable                by another policy
jb plan --policy Rolling --batch-size 25%
jb plan aws:autoscaling:launchconfiguration:InstanceType=t3.large
jb plan COLOUR=green OLD=                 environment variables, as `jb setenv` takes them
jb plan --compare                         every policy side by side
jb plan --recommend --no-extra-cost       which one, and why
jb plan --rollback-within 5 --output json
"""
COMMAND = "aws:elasticbeanstalk:command"
POLICIES = (
    "AllAtOnce",
    "Rolling",
    "RollingWithAdditionalBatch",
    "Immutable",
    "TrafficSplitting",
)
BATCH = re.compile(r"([1-9][0-9]{0,4})(%?)")

Setting = dict[str, str]


@dataclass(frozen=True)
class Question:
    """What is asked beside the plan itself."""

    compare: bool = False
    recommend: bool = False
    needs: tuple[tuple[str, Any], ...] = ()

    @property
    def members(self) -> dict[str, Any]:
        if self.recommend or self.needs:
            return {"Needs": dict(self.needs)}
        return {"Compare": True} if self.compare else {}


@click.command("plan", cls=Verb, examples=EXAMPLES)
@click.argument("words", nargs=-1, metavar="[ENVIRONMENT] [[NAMESPACE:]OPTION=VALUE]...")
@click.option("--version", "existing", metavar="LABEL", help="Plan a version that exists.")
@click.option("--staged", is_flag=True, help="Take what git has staged, not the last commit.")
@click.option(
    "--archive",
    type=click.Path(exists=True, path_type=Path),
    help="Take this folder or ZIP.",
)
@click.option("--policy", type=click.Choice(POLICIES), help="Deploy by this policy.")
@click.option("--batch-size", metavar="N|N%", help="So many instances at a time, or this share.")
@click.option("--compare", is_flag=True, help="Put every way to do it side by side.")
@click.option("--recommend", is_flag=True, help="Say which way to choose, and why.")
@click.option("--downtime-ok", is_flag=True, help="It may take the site down for a moment.")
@click.option("--no-extra-cost", is_flag=True, help="There may be no more instances than now.")
@click.option("--max-extra", type=click.IntRange(min=0), help="So many more there may be.")
@click.option("--fastest", is_flag=True, help="Nothing matters more than how long it takes.")
@click.option(
    "--rollback-within",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="A bad version must be gone again within this time.",
)
@click.option("--no-two-versions", is_flag=True, help="Old and new must never answer together.")
@click.pass_obj
def command(
    place: Workplace,
    /,
    words: tuple[str, ...],
    existing: str | None,
    staged: bool,
    archive: Path | None,
    policy: str | None,
    batch_size: str | None,
    compare: bool,
    recommend: bool,
    **needs: Any,
) -> None:
    """Rehearse a deployment: what happens when, and what if something goes wrong.

    The server runs the code that would do it, over instances that it makes up: nothing is changed
    and nothing is uploaded. Of this folder's bundle it is sent the config files in .ebextensions,
    for their settings may decide what happens, and cron.yaml and env.yaml.

    Without settings it is the deployment of this folder; with settings alone it is their change,
    and OPTION= removes one. --policy and --batch-size are settings of the deployment that is
    planned.

    What you need of it (--downtime-ok and those after it) asks for a recommendation: of the ways
    that meet all needs the one that goes back by itself comes first, then the one that keeps more
    in service, then the faster one.
    """
    environment, changes = _parted(words)
    bundle = Wanted(staged=staged, archive=archive)
    question = Question(compare, recommend, _needed(**needs))
    found = place.environment(environment)
    asked: dict[str, Any] = {
        "OptionSettings": [*filter(_given, changes), *_deploying(policy, batch_size)],
        "OptionsToRemove": [_named(one) for one in changes if not _given(one)],
    }
    if existing or staged or archive or not changes:
        asked |= version(place, found["ApplicationName"], existing, bundle)
    show(place, found["EnvironmentName"], asked, question)


def _needed(
    *, no_extra_cost: bool, max_extra: int | None, **others: Any
) -> tuple[tuple[str, Any], ...]:
    """Return what is needed, by the names that the server knows."""
    if no_extra_cost and max_extra:
        raise click.UsageError(f"--no-extra-cost and --max-extra {max_extra} exclude one another.")
    needs = {
        "DowntimeOk": others["downtime_ok"],
        "MaxExtraInstances": 0 if no_extra_cost else max_extra,
        "Fastest": others["fastest"],
        "RollbackWithin": others["rollback_within"],
        "OneVersion": others["no_two_versions"],
    }
    return tuple((n, v) for n, v in needs.items() if v is not None and v is not False)


def show(place: Workplace, name: str, asked: dict[str, Any], question: Question) -> None:
    """Ask for a rehearsal, and draw it."""
    answer = place.cloud.extension(
        "RehearseUpdate", EnvironmentName=name, **asked, **question.members
    )
    place.screen.show(answer, _lines(answer))


def version(
    place: Workplace, application: str, existing: str | None, bundle: Wanted
) -> dict[str, Any]:
    """Return what is to be planned: a version that is there, or the bundle that would be made."""
    if existing is not None:
        if not exists(place, application, existing):
            raise Failure(f"Application {application} has no version {existing}.")
        return {"VersionLabel": existing}
    label = label_of(place, bundle)
    if exists(place, application, label):
        return {"VersionLabel": label}
    return {"Bundle": {"Label": label, "ConfigFiles": _config_files(place, bundle)}}


def _config_files(place: Workplace, bundle: Wanted) -> dict[str, str]:
    from jackbean.sources.bundles import config_files

    with tempfile.TemporaryDirectory(prefix="jb-") as scratch:
        path = source(place, Path(scratch) / "bundle.zip", bundle)
        return {name: text.decode(errors="replace") for name, text in config_files(path).items()}


def _lines(answer: dict[str, Any]) -> Iterator[Line]:
    columns = planview.width()
    if "Recommendation" in answer:
        yield from planview.recommendation(answer, columns)
        yield ""
    if "Ways" in answer:
        yield from planview.comparison(answer, columns)
    else:
        yield from planview.lines(answer, columns, planview.marks())


def _parted(words: Sequence[str]) -> tuple[str | None, list[Setting]]:
    """Return the environment and the settings of a command line."""
    names = [word for word in words if "=" not in word]
    if len(names) > 1:
        text = f"{names[1]} is not NAMESPACE:OPTION=VALUE, and {names[0]} is the environment."
        raise click.UsageError(text)
    changes = [_setting(word) for word in words if "=" in word]
    return (names[0] if names else None), changes


def _setting(word: str) -> Setting:
    option, _, value = word.partition("=")
    namespace, _, name = option.rpartition(":")
    if not name.strip():
        raise click.UsageError(f"{word} names no option.")
    return {"Namespace": namespace or NAMESPACE, "OptionName": name, "Value": value}


def _given(setting: Setting) -> bool:
    """Say whether a setting has a value; without one it is removed, as by `jb setenv`."""
    return setting["Value"] != ""


def _named(setting: Setting) -> Setting:
    return {name: setting[name] for name in ("Namespace", "OptionName")}


def _deploying(policy: str | None, batch_size: str | None) -> Iterator[Setting]:
    if policy:
        yield {"Namespace": COMMAND, "OptionName": "DeploymentPolicy", "Value": policy}
    if batch_size is None:
        return
    found = BATCH.fullmatch(batch_size)
    if not found:
        raise click.UsageError(f"--batch-size {batch_size} is not a number like 2 or 25%.")
    kind = "Percentage" if found[2] else "Fixed"
    yield {"Namespace": COMMAND, "OptionName": "BatchSizeType", "Value": kind}
    yield {"Namespace": COMMAND, "OptionName": "BatchSize", "Value": found[1]}
