"""Settings of environments, and the options there are."""

from __future__ import annotations

from typing import Any

from jackbean.api.elasticbeanstalk import shapes
from jackbean.api.elasticbeanstalk.environments import referred, settings_of
from jackbean.api.plant import Call, Plant, moment
from jackbean.control.environments import current_release
from jackbean.core.environments import Environment
from jackbean.core.errors import invalid, missing, unfitting
from jackbean.core.options.describe import describe_options, describe_settings
from jackbean.core.options.option import Option
from jackbean.core.options.resolve import Layers
from jackbean.core.options.settings import Setting
from jackbean.core.options.table import OptionTable, options
from jackbean.core.options.validate import Context, validate
from jackbean.core.platforms.catalogue import PlatformVersion
from jackbean.core.releases import Release

Shape = dict[str, Any]


async def describe_configuration_settings(plant: Plant, call: Call) -> Shape:
    """Describe the deployed settings, and beside them a draft that is under way or has failed."""
    _one_of(call)
    environment = await referred(plant, call)
    if environment.application != call.text("ApplicationName"):
        raise invalid(f"No Environment found for EnvironmentName = '{environment.name}'.")
    deployed = await current_release(plant.world, environment)
    described = [_described(plant, environment, deployed, "deployed")]
    draft = await _draft(plant, environment)
    if draft is not None:
        status = "pending" if environment.operation else "failed"
        described.append(_described(plant, environment, draft, status))
    return {"ConfigurationSettings": described}


async def describe_configuration_options(plant: Plant, call: Call) -> Shape:
    """Describe the options of a platform, or of an environment."""
    if call.text("EnvironmentName"):
        environment = await referred(plant, call)
        release = await current_release(plant.world, environment)
        table = _table(plant, environment)
        rows = describe_options(table, release.settings, environment.tier.name)
        stack, arn = environment.stack, environment.platform_arn
    else:
        platform = _platform(plant, call)
        rows = describe_options(options(platform.branch.platform_name if platform else ""))
        stack = platform.solution_stack if platform else ""
        arn = platform.arn if platform else ""
    wanted = {(o.get("Namespace"), o.get("OptionName")) for o in call.items("Options")}
    shown = [r for r in rows if not wanted or (r.namespace, r.name) in wanted]
    listed = [_option(r) for r in shown]
    return {"SolutionStackName": stack or None, "PlatformArn": arn or None, "Options": listed}


async def validate_configuration_settings(plant: Plant, call: Call) -> Shape:
    """Say what is wrong with settings, without changing anything."""
    _one_of(call)
    environment = await referred(plant, call)
    release = await current_release(plant.world, environment)
    context = Context(
        _table(plant, environment),
        tier=environment.tier.name,
        layers=Layers(direct=release.direct),
        running=True,
    )
    messages = validate(settings_of(call), context)
    return {
        "Messages": [
            {
                "Message": m.message,
                "Severity": m.severity.value,
                "Namespace": m.namespace,
                "OptionName": m.name,
            }
            for m in messages
        ]
    }


def _one_of(call: Call) -> None:
    template, environment = call.text("TemplateName"), call.text("EnvironmentName")
    if template and environment:
        raise unfitting("TemplateName and EnvironmentName exclude one another; give one.")
    if template:
        raise invalid(f"No Configuration Template named '{template}' found.")
    if not environment:
        raise missing("You must specify either an environment name or a template name.")


async def _draft(plant: Plant, environment: Environment) -> Release | None:
    operation = environment.operation
    number = operation.release if operation else environment.draft
    if number is None or number == environment.release:
        return None
    return await plant.world.store.release(environment.id, number)


def _table(plant: Plant, environment: Environment) -> OptionTable:
    return options(plant.world.platforms.of(environment).branch.platform_name)


def _described(plant: Plant, environment: Environment, release: Release, status: str) -> Shape:
    table = _table(plant, environment)
    listed = describe_settings(release.settings, table, environment.tier.name)
    return {
        "SolutionStackName": environment.stack,
        "PlatformArn": environment.platform_arn,
        "ApplicationName": environment.application,
        "EnvironmentName": environment.name,
        "Description": environment.description or None,
        "DeploymentStatus": status,
        "DateCreated": moment(environment.created),
        "DateUpdated": moment(release.created),
        "OptionSettings": [_setting(s) for s in listed],
        "Tier": shapes.tier(environment.tier),
    }


def _setting(setting: Setting) -> Shape:
    return {
        "ResourceName": setting.resource_name or None,
        "Namespace": setting.namespace,
        "OptionName": setting.name,
        "Value": setting.value,
    }


def _platform(plant: Plant, call: Call) -> PlatformVersion | None:
    named = call.text("PlatformArn") or call.text("SolutionStackName")
    return plant.world.platforms.catalogue.find(named) if named else None


def _option(row: Option) -> Shape:
    return {
        "Namespace": row.namespace,
        "Name": row.name,
        "DefaultValue": row.default,
        "ChangeSeverity": row.change_severity.value,
        "UserDefined": row.user_defined,
        "ValueType": row.value_type,
        "ValueOptions": list(row.value_options) or None,
        "MinValue": None if row.minimum is None else int(row.minimum),
        "MaxValue": None if row.maximum is None else int(row.maximum),
        "MaxLength": row.length_max,
        "Regex": {"Pattern": row.pattern, "Label": f"Regex pattern: {row.pattern}"}
        if row.pattern
        else None,
    }
