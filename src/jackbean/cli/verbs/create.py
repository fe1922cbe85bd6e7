"""`jb create`: an environment, and whatever it needs: application, version, a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click

from jackbean.cli import labels, launching, versions
from jackbean.cli.failures import Failure
from jackbean.cli.outcomes import Goal
from jackbean.cli.platforms import Platform, choose, newest
from jackbean.cli.verb import Verb
from jackbean.cli.verbs.init import set_up
from jackbean.cli.verbs.open import where
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb create                               named after the folder, the platform by what is in it
jb create --sample                      without an application of your own
jb create shop-prod --scale 3 --cname shop --envvars COLOUR=green,DEBUG=0
jb create shop-jobs --tier worker       messages of a queue instead of requests
jb create shop-test --single --version v41 --timeout 20
"""
TIERS: Mapping[str, Mapping[str, str]] = {
    "webserver": {"Name": "WebServer", "Type": "Standard", "Version": "1.0"},
    "webserver/standard": {"Name": "WebServer", "Type": "Standard", "Version": "1.0"},
    "worker": {"Name": "Worker", "Type": "SQS/HTTP"},
    "worker/sqs/http": {"Name": "Worker", "Type": "SQS/HTTP"},
}
CNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]")
SAMPLE_FAMILY = "Python"


@click.command("create", cls=Verb, examples=EXAMPLES, table=launching.flags())
@click.argument("environment", required=False)
@click.option("-p", "--platform", default="", help="What it runs on: python-3.13, a stack, an ARN.")
@click.option("-c", "--cname", default="", help="What its URL begins with.")
@click.option("-t", "--tier", type=click.Choice(list(TIERS)), default="webserver", help="Its tier.")
@click.option("-s", "--single", is_flag=True, help="One instance, without a load balancer.")
@click.option(
    "--elb-type",
    type=click.Choice(launching.BALANCERS),
    default="application",
    show_default=True,
    help="The kind of load balancer.",
)
@click.option("--sample", is_flag=True, help="Run the sample application.")
@click.option("--version", "existing", metavar="LABEL", help="Run a version that exists.")
@click.option("--cfg", default="", help="Take the settings of a saved configuration.")
@click.option("--envvars", default="", metavar="KEY=VALUE,...", help="Environment variables.")
@click.option("--tags", default="", metavar="KEY=VALUE,...", help="Tags.")
@click.option(
    "-g",
    "--env-group-suffix",
    "group",
    default="",
    help="What + stands for in env.yaml.",
)
@click.option("-d", "--branch_default", is_flag=True, help="Let this branch mean it from now on.")
@click.option("-pr", "--process", is_flag=True, help="Have the version checked before.")
@click.option("--timeout", type=float, default=10, show_default=True, help="Minutes to wait.")
@click.option("-nh", "--nohang", is_flag=True, help="Do not wait.")
@click.pass_obj
def command(place: Workplace, /, environment: str | None, **flags: Any) -> None:
    """Make an environment, and whatever it needs, and wait until it runs.

    In a folder that has not been set up, the application is made and named after the folder. The
    folder becomes its version; with nothing in it, the sample application runs.
    """
    request = _request(place, environment, flags)
    answer = place.cloud.beanstalk.create_environment(**request)
    name = answer["EnvironmentName"]
    if flags["branch_default"] or not place.project.environment:
        place.project.choose(name)
    place.screen.say(f"Environment {name} of application {request['ApplicationName']} is coming.")
    found: Mapping[str, Any] = answer
    if not flags["nohang"]:
        place.await_end(Goal.LAUNCH, answer, flags["timeout"])
        found = place.environment(name)
    shown = {k: v for k, v in found.items() if k != "ResponseMetadata"}
    place.screen.show(shown, [] if flags["nohang"] else where(place.cloud, found))


def _worker(flags: Mapping[str, Any]) -> bool:
    return TIERS[flags["tier"]]["Name"] == "Worker"


def _request(place: Workplace, environment: str | None, flags: Mapping[str, Any]) -> dict[str, Any]:
    settings, tags = _read(flags)
    sampled = flags["sample"] or (not flags["existing"] and _is_empty(place))
    platform = _platform(place, flags, sampled=sampled)
    application = set_up(place, "", place.project.get("default_platform") or platform.kept)
    name = environment or labels.environment_name(application)
    _refuse_taken(place, name)
    tier = TIERS[flags["tier"]]
    request = {
        "ApplicationName": application,
        "EnvironmentName": name,
        "Description": 'Environment created with "jb create"',
        "VersionLabel": _version(place, application, flags, sampled=sampled),
        "GroupName": flags["group"],
        "CNAMEPrefix": "" if _worker(flags) else _prefix(place, flags["cname"], name),
        "Tier": tier,
        "TemplateName": flags["cfg"],
        "OptionSettings": settings,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        **platform.members(),
    }
    return {member: value for member, value in request.items() if value}


def _refuse_taken(place: Workplace, name: str) -> None:
    """Raise Failure, before anything is uploaded, if there is an environment of that name."""
    found = place.cloud.beanstalk.describe_environments(
        EnvironmentNames=[name], IncludeDeleted=False
    )["Environments"]
    if found:
        raise Failure(
            f"Environment {name} exists already. Bring this folder to it with `jb deploy {name}`, "
            "or name another one: `jb create NAME`."
        )


def _read(flags: Mapping[str, Any]) -> tuple[list[dict[str, str]], dict[str, str]]:
    if flags["instance_type"] and flags["instance_types"]:
        raise click.UsageError("--instance_type and --instance-types exclude one another.")
    if flags["single"] and (flags["scale"] not in ("", "1")):
        raise click.UsageError("--single is one instance; leave out --scale.")
    if _worker(flags) and flags["cname"]:
        raise click.UsageError("A worker has no URL; leave out --cname.")
    try:
        settings = launching.settings(
            flags,
            single=flags["single"],
            balancer="" if _worker(flags) else flags["elb_type"],
            variables=flags["envvars"],
        )
        return settings, labels.pairs(flags["tags"], "--tags")
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _is_empty(place: Workplace) -> bool:
    project = place.project
    visible = (child for child in project.root.iterdir() if not child.name.startswith("."))
    return not project.artifact and not any(visible)


def _platform(place: Workplace, flags: Mapping[str, Any], *, sampled: bool) -> Platform:
    """Return the platform; none where a saved configuration has one."""
    typed = flags["platform"] or place.project.get("default_platform")
    if flags["cfg"] and not flags["platform"]:
        return Platform()
    if not typed and sampled:
        return newest(place.cloud, SAMPLE_FAMILY)
    return choose(place.cloud, typed, place.project.root)


def _version(place: Workplace, application: str, flags: Mapping[str, Any], *, sampled: bool) -> str:
    if flags["existing"]:
        if not versions.exists(place, application, flags["existing"]):
            raise Failure(f"Application {application} has no version {flags['existing']}.")
        return str(flags["existing"])
    if sampled:
        return versions.sample(place, application)
    return versions.publish(place, application, versions.Wanted(process=flags["process"]))


def _prefix(place: Workplace, asked: str, name: str) -> str:
    """Return what the URL begins with: as asked, else the environment's name if that is free."""
    check = place.cloud.beanstalk.check_dns_availability
    if asked:
        if not check(CNAMEPrefix=asked)["Available"]:
            raise Failure(f"The name {asked} is taken; choose another --cname.")
        return asked
    free = CNAME.fullmatch(name) and check(CNAMEPrefix=name)["Available"]
    return name if free else ""
