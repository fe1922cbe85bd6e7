"""Templates as CloudFormation takes them: without what Elastic Beanstalk alone understands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.stacks.values import Value

Options = Callable[[str, str], str | None]
Template = dict[str, Any]
GET_OPTION = "Fn::GetOptionSetting"
CUSTOM = "aws:elasticbeanstalk:customoption"
ENVIRONMENT_NAME = "AWSEBEnvironmentName"
PROFILE = ("aws:autoscaling:launchconfiguration", "IamInstanceProfile")
DEFAULT_PROFILE = "aws-elasticbeanstalk-ec2-role"
OURS = "jackbean:"
SCHEDULED = "aws:autoscaling:scheduledaction"


def portable(template: Mapping[str, Any], option: Options, environment: str) -> Template:
    """Return a template with options read, and the environment's name written out."""
    known = template.get("Resources", {})
    names = {} if ENVIRONMENT_NAME in known else {ENVIRONMENT_NAME: environment}
    return {key: _plain(value, option, names) for key, value in template.items()}


def _plain(value: Value, option: Options, names: Mapping[str, str]) -> Value:
    match value:
        case {"Fn::GetOptionSetting": dict(asked)} if len(value) == 1:
            return _option(asked, option, names)
        case {"Ref": str(name)} if len(value) == 1 and name in names:
            return names[name]
        case {"Fn::Sub": str(text)} if len(value) == 1:
            return {"Fn::Sub": _substituted(text, names)}
        case dict():
            return {key: _plain(item, option, names) for key, item in value.items()}
        case list():
            return [_plain(item, option, names) for item in value]
        case _:
            return value


def _option(asked: Mapping[str, Any], option: Options, names: Mapping[str, str]) -> Value:
    found = option(str(asked.get("Namespace", CUSTOM)), str(asked.get("OptionName", "")))
    return _plain(asked.get("DefaultValue", ""), option, names) if found is None else found


def _substituted(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value)
    return text


@dataclass(frozen=True)
class Setting:
    namespace: str
    name: str
    value: str
    resource: str = ""


@dataclass(frozen=True)
class Exported:
    """What an environment is, for a template that makes it anew; `cname` empty: none is chosen."""

    application: str
    name: str
    platform: str
    tier: tuple[str, str]
    settings: tuple[Setting, ...]
    description: str = ""


def beanstalk(exported: Exported, key: str) -> Template:
    """Return a template of AWS::ElasticBeanstalk resources; the bundle is in a bucket as `key`."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Elastic Beanstalk environment {exported.name}",
        "Parameters": {
            "SourceBucket": {"Type": "String", "Description": "Where the bundle was uploaded to"},
            "SourceKey": {"Type": "String", "Default": key},
        },
        "Resources": {
            "Application": {
                "Type": "AWS::ElasticBeanstalk::Application",
                "Properties": {"ApplicationName": exported.application},
            },
            "Version": {
                "Type": "AWS::ElasticBeanstalk::ApplicationVersion",
                "Properties": {
                    "ApplicationName": {"Ref": "Application"},
                    "SourceBundle": {
                        "S3Bucket": {"Ref": "SourceBucket"},
                        "S3Key": {"Ref": "SourceKey"},
                    },
                },
            },
            "Environment": _environment(exported),
        },
    }


def _environment(exported: Exported) -> Template:
    name, kind = exported.tier
    properties: Template = {
        "ApplicationName": {"Ref": "Application"},
        "EnvironmentName": exported.name,
        "SolutionStackName": exported.platform,
        "Tier": {"Name": name, "Type": kind},
        "VersionLabel": {"Ref": "Version"},
        "OptionSettings": [_setting(one) for one in meant(exported.settings)],
    }
    if exported.description:
        properties["Description"] = exported.description
    return {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": properties}


def meant(settings: Iterable[Setting]) -> list[Setting]:
    """Return settings that AWS knows, with the instance profile that it wants to be told."""
    found = [one for one in settings if not one.namespace.startswith(OURS)]
    if not any((one.namespace, one.name) == PROFILE for one in found):
        found.append(Setting(*PROFILE, DEFAULT_PROFILE))
    return sorted(found, key=lambda one: (one.namespace, one.resource, one.name))


def _setting(one: Setting) -> Template:
    found = {"Namespace": one.namespace, "OptionName": one.name, "Value": one.value}
    if one.namespace == SCHEDULED:
        found["ResourceName"] = one.resource
    return found
