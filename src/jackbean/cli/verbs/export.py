"""`jb export`: an environment as files from which AWS makes it anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from jackbean.cli.failures import Failure
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Environment, Workplace
from jackbean.stacks.portable import Exported, Setting, beanstalk

EXAMPLES = """
jb export                     the environment of this branch, into ENVIRONMENT-export/
jb export shop-dev --to out   another one, into out/
"""
BUNDLE, BEANSTALK, EXPANDED = "bundle.zip", "environment.template.json", "expanded.template.json"
PRIVATE = 0o600  # environment properties may be secrets
CHUNK = 1 << 20


@click.command("export", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False),
              help="The folder, ENVIRONMENT-export unless it is named.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.pass_obj
def command(place: Workplace, environment: str | None, folder: Path | None, force: bool) -> None:
    """Write an environment down as its bundle and two templates for AWS.

    One template has Elastic Beanstalk make the environment; the other one is what that comes to.
    """
    found = place.environment(environment)
    folder = folder or Path(f"{found['EnvironmentName']}-export")
    names = [BUNDLE, BEANSTALK, EXPANDED]
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise Failure(f"{folder / there[0]} exists. Name another folder with --to, or --force.")
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        *_bundle(place, found, folder / BUNDLE),
        _written(folder / BEANSTALK, beanstalk(exported(place, found), BUNDLE)),
        _written(folder / EXPANDED, _expanded(place, found)),
    ]
    place.screen.show({"Files": [str(path) for path in written]}, _lines(folder, written))


def exported(place: Workplace, found: Environment) -> Exported:
    """Return what the environment is, with those of its settings that are no defaults."""
    return Exported(
        application=found["ApplicationName"],
        name=found["EnvironmentName"],
        platform=found["SolutionStackName"],
        tier=(found["Tier"]["Name"], found["Tier"]["Type"]),
        settings=tuple(_chosen(place, found)),
        description=found.get("Description", ""),
    )


def _chosen(place: Workplace, found: Environment) -> Iterator[Setting]:
    beanstalk_api = place.cloud.beanstalk
    which = {key: found[key] for key in ("ApplicationName", "EnvironmentName")}
    listed = beanstalk_api.describe_configuration_options(**which)["Options"]
    defaults = {(o["Namespace"], o["Name"]): o.get("DefaultValue") for o in listed}
    sets = beanstalk_api.describe_configuration_settings(**which)["ConfigurationSettings"]
    deployed = next(s for s in sets if s.get("DeploymentStatus", "deployed") == "deployed")
    for one in deployed["OptionSettings"]:
        value = one.get("Value")
        if value not in {None, "", defaults.get((one["Namespace"], one["OptionName"]))}:
            resource = one.get("ResourceName", "")
            yield Setting(one["Namespace"], one["OptionName"], value, resource)


def _bundle(place: Workplace, found: Environment, path: Path) -> Iterator[Path]:
    """Fetch the bundle of the version that runs; the sample application has none."""
    versions = place.cloud.beanstalk.describe_application_versions(
        ApplicationName=found["ApplicationName"], VersionLabels=[found.get("VersionLabel", "")]
    )["ApplicationVersions"]
    source = versions[0].get("SourceBundle") if versions else None
    if not source:
        return
    body = place.cloud.s3.get_object(Bucket=source["S3Bucket"], Key=source["S3Key"])["Body"]
    with path.open("wb") as file:
        for chunk in iter(lambda: body.read(CHUNK), b""):
            file.write(chunk)
    yield path


def _expanded(place: Workplace, found: Environment) -> Mapping[str, Any]:
    stack = f"awseb-{found['EnvironmentId']}-stack"
    body = place.cloud.cloudformation.get_template(StackName=stack)["TemplateBody"]
    return dict(body) if isinstance(body, Mapping) else dict(json.loads(body))


def _written(path: Path, template: Mapping[str, Any]) -> Path:
    path.touch(PRIVATE)
    path.chmod(PRIVATE)
    path.write_text(json.dumps(template, indent=2) + "\n")
    return path


def _lines(folder: Path, written: list[Path]) -> Iterator[str]:
    for path in written:
        yield f"  {path}"
    if any(path.name == BUNDLE for path in written):
        yield "On AWS, with a bucket of yours:"
        yield f"  aws s3 cp {folder / BUNDLE} s3://BUCKET/{BUNDLE}"
    else:
        yield "The sample application has no bundle: upload one of yours. On AWS:"
    yield (
        f"  aws cloudformation create-stack --stack-name NAME --template-body "
        f"file://{folder / BEANSTALK} --parameters ParameterKey=SourceBucket,ParameterValue=BUCKET"
    )
    yield "The templates hold the environment's properties: keep them like secrets."
