"""Events, health and logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from jackbean.api.elasticbeanstalk import shapes
from jackbean.api.elasticbeanstalk.environments import referred
from jackbean.api.elasticbeanstalk.pages import PAGE_MAX, offset, size
from jackbean.api.plant import Call, Plant, moment
from jackbean.control.environments import current_release
from jackbean.control.logs.requests import KEPT_S
from jackbean.control.principals import own_environment, visible
from jackbean.core.errors import Fault, invalid
from jackbean.core.events import Severity
from jackbean.ports.store import EventQuery
from jackbean.wire.sigv4 import presign_url

Shape = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ATTRIBUTES = frozenset(
    {
        "ApplicationMetrics",
        "Causes",
        "Color",
        "HealthStatus",
        "InstancesHealth",
        "RefreshedAt",
        "Status",
    }
)
INSTANCE_ATTRIBUTES = frozenset(
    {
        "ApplicationMetrics",
        "AvailabilityZone",
        "Causes",
        "Color",
        "Deployment",
        "HealthStatus",
        "InstanceType",
        "LaunchedAt",
        "RefreshedAt",
        "System",
    }
)
IDENTITY = {"EnvironmentName", "InstanceId", "NextToken"}


async def describe_events(plant: Plant, call: Call) -> Shape:
    """Describe events, newest first. Those of environments that are gone are told, too."""
    start, most = offset(call), size(call, PAGE_MAX)
    query = EventQuery(
        application=call.text("ApplicationName"),
        environment=call.text("EnvironmentName"),
        environment_id=call.text("EnvironmentId") or own_environment(call.principal),
        version_label=call.text("VersionLabel"),
        request_id=call.text("RequestId"),
        platform_arn=call.text("PlatformArn"),
        severity=_severity(call),
        start_ms=_milliseconds(call.members.get("StartTime")),
        end_ms=_milliseconds(call.members.get("EndTime")),
        offset=start,
        limit=most + 1,
    )
    seen = visible(call.principal, query.environment_id)
    found = await plant.world.store.events(query) if seen else []
    shown = found[:most]
    token = str(start + most) if len(found) > most else None
    return {"Events": [shapes.event(e) for e in shown], "NextToken": token}


async def describe_environment_health(plant: Plant, call: Call) -> Shape:
    environment = await referred(plant, call)
    release = await current_release(plant.world, environment)
    _enhanced(release.settings.text(*SYSTEM_TYPE))
    health = plant.watch.environment_health(environment, plant.world.clock.now())
    return _chosen(health, call, ATTRIBUTES)


async def describe_instances_health(plant: Plant, call: Call) -> Shape:
    environment = await referred(plant, call)
    release = await current_release(plant.world, environment)
    _enhanced(release.settings.text(*SYSTEM_TYPE))
    health = plant.watch.instances_health(environment, plant.world.clock.now())
    listed = [_chosen(r, call, INSTANCE_ATTRIBUTES) for r in health["InstanceHealthList"]]
    return {"InstanceHealthList": listed, "RefreshedAt": health["RefreshedAt"]}


async def request_environment_info(plant: Plant, call: Call) -> Shape:
    environment = await referred(plant, call)
    await plant.logs.begin(environment, call.text("InfoType"), call.request_id)
    return {}


async def retrieve_environment_info(plant: Plant, call: Call) -> Shape:
    environment = await referred(plant, call)
    kind = call.text("InfoType")
    answers = await plant.logs.answers(environment.id, kind)
    listed = [
        {
            "InfoType": kind,
            "Ec2InstanceId": instance,
            "SampleTimestamp": moment(at),
            "Message": link_to(plant, call, key),
        }
        for instance, (key, at) in answers.items()
    ]
    return {"EnvironmentInfo": listed}


def link_to(plant: Plant, call: Call, key: str) -> str:
    """Return a URL of an object in the installation's bucket, good for as long as logs are."""
    url = _url(plant, call, key)
    return presign_url(plant.signer, url, plant.world.clock.now(), KEPT_S)


def _url(plant: Plant, call: Call, key: str) -> str:
    """Return where an object is, on the host by which the caller reached us."""
    return f"{call.base_url}/{plant.world.installation.bucket}/{quote(key)}"


SYSTEM_TYPE = ("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced")


def _enhanced(system_type: str) -> None:
    if system_type != "enhanced":
        raise Fault("InvalidRequestException", "DescribeEnvironmentHealth is not supported.")


def _chosen(health: Shape, call: Call, known: frozenset[str]) -> Shape:
    """Return the attributes that were asked for; none asked for is only the name."""
    names = set(map(str, call.items("AttributeNames")))
    if unknown := sorted(names - known - {"All"}):
        listed = ", ".join(name[:40] for name in unknown[:5])
        text = f"There are no attributes {listed}; ask for {', '.join(sorted(known))} or All."
        raise Fault("InvalidRequestException", text)
    if "All" in names:
        return health
    return {k: v for k, v in health.items() if k in names | IDENTITY}


def _severity(call: Call) -> Severity | None:
    given = call.text("Severity")
    if not given:
        return None
    if given not in set(Severity):
        raise invalid(f"Severity '{given[:40]}' is not one of {', '.join(Severity)}.")
    return Severity(given)


def _milliseconds(instant: Any) -> int | None:
    """Return the first whole millisecond that is not before an instant."""
    if not isinstance(instant, datetime):
        return None
    return -((EPOCH - instant) // timedelta(milliseconds=1))
