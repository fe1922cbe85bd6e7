"""`jb deploy`: this folder becomes a version, and the version what an environment runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from jackbean.cli.failures import Failure
from jackbean.cli.outcomes import Goal
from jackbean.cli.verb import Verb
from jackbean.cli.verbs import plan as plans
from jackbean.cli.verbs.open import where
from jackbean.cli.versions import Wanted, exists, publish
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb deploy                          the last commit, or the folder where git does not keep it
jb deploy --staged                 what is staged, before it is committed
jb deploy shop-prod --version v41  a version that is there already
jb deploy -l "$CI_COMMIT" --timeout 20
jb deploy --plan                   what it would do, and nothing more
"""


@click.command("deploy", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.option("--version", "existing", metavar="LABEL", help="Deploy a version that exists.")
@click.option("-l", "--label", default="", help="What to call the version.")
@click.option("-m", "--message", default="", help="What to say of it.")
@click.option("--staged", is_flag=True, help="Take what git has staged, not the last commit.")
@click.option(
    "--archive",
    type=click.Path(exists=True, path_type=Path),
    help="Take this folder or ZIP.",
)
@click.option("--plan", is_flag=True, help="Rehearse it, and change nothing: see `jb plan`.")
@click.option("-p", "--process", is_flag=True, help="Have the version checked before.")
@click.option(
    "-g",
    "--env-group-suffix",
    "group",
    default="",
    help="What + stands for in env.yaml.",
)
@click.option("--timeout", type=float, default=10, show_default=True, help="Minutes to wait.")
@click.option("-nh", "--nohang", is_flag=True, help="Do not wait.")
@click.pass_obj
def command(
    place: Workplace,
    environment: str | None,
    existing: str | None,
    label: str,
    message: str,
    staged: bool,
    archive: Path | None,
    plan: bool,
    process: bool,
    group: str,
    timeout: float,
    nohang: bool,
) -> None:
    """Bring this folder to an environment, and wait until every instance runs it.

    `.ebignore` (in the form of .gitignore) lists what stays out. How instances are updated is a
    setting of the environment: DeploymentPolicy of aws:elasticbeanstalk:command.
    """
    found = place.environment(environment)
    wanted = Wanted(label, message, staged, archive, process)
    if plan:
        rehearse(place, found, existing, wanted)
        return
    version = _version(place, found["ApplicationName"], existing, wanted)
    answer = place.cloud.beanstalk.update_environment(
        EnvironmentName=found["EnvironmentName"],
        VersionLabel=version,
        **({"GroupName": group} if group else {}),
    )
    if not nohang:
        place.await_end(Goal.DEPLOY, answer, timeout, version=version)
        found = place.environment(found["EnvironmentName"])
    told = [] if nohang else where(place.cloud, found)
    place.screen.show({**found, "VersionLabel": version}, told)


def rehearse(
    place: Workplace, found: Mapping[str, Any], existing: str | None, wanted: Wanted
) -> None:
    """Show what the deployment would do."""
    asked = plans.version(place, found["ApplicationName"], existing, wanted)
    plans.show(place, found["EnvironmentName"], asked, plans.Question())


def _version(place: Workplace, application: str, existing: str | None, wanted: Wanted) -> str:
    if existing is None:
        return publish(place, application, wanted)
    if not exists(place, application, existing):
        raise Failure(f"Application {application} has no version {existing}.")
    return existing
