"""Our records as the members of the API's shapes."""

from __future__ import annotations

from typing import Any

from jackbean.api.plant import moment
from jackbean.control.world import World
from jackbean.core.applications import Application, Version
from jackbean.core.environments import Environment, Status, Tier
from jackbean.core.events import Event

Shape = dict[str, Any]


def application(world: World, record: Application, labels: list[str]) -> Shape:
    return {
        "ApplicationArn": world.installation.arn(f"application/{record.name}"),
        "ApplicationName": record.name,
        "Description": record.description or None,
        "DateCreated": moment(record.created),
        "DateUpdated": moment(record.updated),
        "Versions": labels,
        "ConfigurationTemplates": [],
        "ResourceLifecycleConfig": {
            "VersionLifecycleConfig": {
                "MaxCountRule": {"Enabled": False, "MaxCount": 200, "DeleteSourceFromS3": False},
                "MaxAgeRule": {
                    "Enabled": False,
                    "MaxAgeInDays": 180,
                    "DeleteSourceFromS3": False,
                },
            }
        },
    }


def version(world: World, record: Version) -> Shape:
    name = f"applicationversion/{record.application}/{record.label}"
    source = record.location
    return {
        "ApplicationVersionArn": world.installation.arn(name),
        "ApplicationName": record.application,
        "VersionLabel": record.label,
        "Description": record.description or None,
        "SourceBundle": {"S3Bucket": source.bucket, "S3Key": source.key} if source else {},
        "DateCreated": moment(record.created),
        "DateUpdated": moment(record.updated),
        "Status": record.status.value,
    }


def tier(record: Tier) -> Shape:
    return {"Name": record.name, "Type": record.type, "Version": record.version}


def environment_arn(world: World, record: Environment) -> str:
    return world.installation.arn(f"environment/{record.application}/{record.name}")


def environment(world: World, record: Environment) -> Shape:
    """Describe an environment; every member that clients index without asking is there."""
    operation = record.operation
    unreachable = record.worker or record.status is Status.TERMINATED
    return {
        "EnvironmentName": record.name,
        "EnvironmentId": record.id,
        "ApplicationName": record.application,
        "VersionLabel": record.version_label,
        "SolutionStackName": record.stack,
        "PlatformArn": record.platform_arn,
        "Description": record.description or None,
        "EndpointURL": None if unreachable else world.router.endpoint(record.slot),
        "CNAME": None if unreachable else world.installation.cname(record.cname_prefix),
        "DateCreated": moment(record.created),
        "DateUpdated": moment(record.updated),
        "Status": record.status.value,
        "AbortableOperationInProgress": bool(operation and operation.abortable),
        "Health": record.verdict.color,
        "HealthStatus": record.verdict.status or None,
        "Tier": tier(record.tier),
        "EnvironmentLinks": [
            {"LinkName": link.name, "EnvironmentName": link.environment} for link in record.links
        ],
        "EnvironmentArn": environment_arn(world, record),
    }


def event(record: Event) -> Shape:
    return {
        "EventDate": moment(record.date_ms / 1000),
        "Message": record.message,
        "ApplicationName": record.application or None,
        "VersionLabel": record.version_label or None,
        "EnvironmentName": record.environment or None,
        "PlatformArn": record.platform_arn or None,
        "RequestId": record.request_id or None,
        "Severity": record.severity.value,
    }
