"""Health in the shapes of DescribeEnvironmentHealth and DescribeInstancesHealth.

Clients index `LaunchedAt` and `HealthStatus` of every instance without looking whether they are
there, and stop for ever at a status that they do not know; so both are always given. Instants are
seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jackbean.core.environments import Environment
from jackbean.core.health.census import EnvironmentHealth, Patient
from jackbean.core.health.metrics import Tally, Vitals, Weighted, beside, slowest_means
from jackbean.core.health.scene import Facts, Scene

REGION_FIELD = 3  # of an ARN


def environment_shape(
    environment: Environment,
    seen: EnvironmentHealth,
    patients: Iterable[Patient],
    latencies: Iterable[Weighted],
    window_s: float,
) -> dict[str, Any]:
    """Return all but RefreshedAt: the status that was told, the causes as they are now."""
    told = environment.verdict
    tally = beside(p.facts.said.tally for p in patients)
    return {
        "EnvironmentName": environment.name,
        "HealthStatus": told.status,
        "Status": str(environment.status),
        "Color": told.color,
        "Causes": list(seen.causes if str(seen.status) == told.status else told.causes),
        "ApplicationMetrics": metrics_shape(tally, latencies, window_s),
        "InstancesHealth": seen.counts,
    }


def instance_shape(
    patient: Patient, scene: Scene, latencies: Iterable[Weighted], platform_arn: str
) -> dict[str, Any]:
    """Return SingleInstanceHealth; what an instance has not said is left out."""
    facts, health = patient.facts, patient.health
    optional = {
        "System": system_shape(facts.said.vitals),
        "Deployment": deployment_shape(facts, scene),
        "AvailabilityZone": zone(platform_arn),
    }
    return {
        "InstanceId": facts.instance.id,
        "HealthStatus": str(health.status),
        "Color": health.color,
        "Causes": list(health.causes),
        "LaunchedAt": facts.instance.member.launched_at,
        "ApplicationMetrics": metrics_shape(facts.said.tally, latencies, scene.thresholds.window_s),
        "InstanceType": scene.options.instance_type,
        **{name: value for name, value in optional.items() if value},
    }


def metrics_shape(tally: Tally, latencies: Iterable[Weighted], usual_s: float) -> dict[str, Any]:
    """Return ApplicationMetrics: totals over Duration seconds, not rates."""
    shape: dict[str, Any] = {
        "Duration": max(1, round(tally.duration_s or usual_s)),
        "RequestCount": tally.total,
        "StatusCodes": {
            "Status2xx": tally.ok,
            "Status3xx": tally.redirected,
            "Status4xx": tally.erring,
            "Status5xx": tally.failing,
        },
    }
    if latency := slowest_means(latencies):
        shape["Latency"] = latency
    return shape


def system_shape(vitals: Vitals) -> dict[str, Any]:
    """Return SystemStatus; clients read two load averages wherever there is one."""
    shape: dict[str, Any] = {}
    if vitals.cpu:
        shape["CPUUtilization"] = dict(vitals.cpu)
    if len(vitals.load) >= 2:
        shape["LoadAverage"] = list(vitals.load)
    return shape


def deployment_shape(facts: Facts, scene: Scene) -> dict[str, Any]:
    """Return Deployment: what the instance says, else what follows from the release it runs."""
    said = facts.said.deployed
    if said.release is not None:
        return {
            "VersionLabel": said.label,
            "DeploymentId": said.release,
            "Status": said.status,
            "DeploymentTime": said.at,
        }
    running = facts.instance.sight.running
    if running is None or running != scene.expected:
        return {}
    return {"VersionLabel": scene.label, "DeploymentId": running, "Status": "Deployed"}


def zone(platform_arn: str) -> str:
    """Return the one availability zone of the region that an ARN is of, "" where it names none."""
    fields = platform_arn.split(":")
    return f"{fields[REGION_FIELD]}a" if len(fields) > REGION_FIELD and fields[3] else ""
