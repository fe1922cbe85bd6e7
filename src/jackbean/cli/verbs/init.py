"""`jb init`: a folder learns its application and its platform."""

from __future__ import annotations

import click

from jackbean.cli.failures import Failure, refused
from jackbean.cli.labels import application_name, pairs
from jackbean.cli.platforms import choose, detect
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb init                        named after the folder, the platform by what is in it
jb init shop -p python-3.13
jb init shop -r eu-central-1 -p "Docker running on 64bit Amazon Linux 2023"
"""


@click.command("init", cls=Verb, examples=EXAMPLES)
@click.argument("application", required=False)
@click.option("-p", "--platform", default="", help="The platform of its environments.")
@click.option("-k", "--keyname", default="", help="The EC2 key pair of its environments.")
@click.option("-e", "--environment-name", default="", help="The environment to mean.")
@click.option("--tags", default="", metavar="KEY=VALUE,...", help="Tags of the application.")
@click.pass_obj
def command(
    place: Workplace,
    application: str | None,
    platform: str,
    keyname: str,
    environment_name: str,
    tags: str,
) -> None:
    """Set up this folder: make the application, and remember it in .elasticbeanstalk/config.yml.

    `eb` reads and writes the same file. Doing it again changes only what is given.
    """
    project = place.project
    kept = project.get("default_platform")
    if platform or (not kept and detect(project.root)):
        kept = choose(place.cloud, platform, project.root).kept
    name = set_up(place, application or "", kept, keyname=keyname, tags=tags)
    if environment_name:
        project.choose(environment_name)
    told = f"Application {name} is set up here" + (f", for {kept}." if kept else ".")
    document = {"ApplicationName": name, "Platform": kept}
    place.screen.show(document, [told, "Next: jb create"])


def set_up(
    place: Workplace, application: str, platform: str, *, keyname: str = "", tags: str = ""
) -> str:
    """Return the application of this folder, made and remembered where it is not yet."""
    project = place.project
    name = application or project.application or application_name(project.root.name)
    _create(place, name, tags)
    project.remember(
        application_name=name,
        default_platform=platform,
        default_region=place.cloud.region,
        default_ec2_keyname=keyname,
        profile=place.flags.profile,
    )
    return name


def _create(place: Workplace, name: str, tags: str) -> None:
    try:
        wanted = [{"Key": k, "Value": v} for k, v in pairs(tags, "--tags").items()]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    more = {"Tags": wanted} if wanted else {}
    try:
        place.cloud.beanstalk.create_application(ApplicationName=name, **more)
    except Exception as error:
        failure: Failure | None = refused(error)
        if failure is None or not failure.message.endswith(" already exists."):
            raise
