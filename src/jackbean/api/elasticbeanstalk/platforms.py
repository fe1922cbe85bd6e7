"""Platform branches and versions."""

from __future__ import annotations

from typing import Any

from jackbean.api.elasticbeanstalk.pages import page
from jackbean.api.plant import Call, Plant
from jackbean.core.platforms.catalogue import PlatformVersion
from jackbean.core.platforms.filters import Filter

Shape = dict[str, Any]


async def list_platform_versions(plant: Plant, call: Call) -> Shape:
    found = plant.world.platforms.catalogue.platform_versions(_filters(call, "Type"))
    shown, token = page(found, call)
    return {"PlatformSummaryList": [_summary(v) for v in shown], "NextToken": token}


async def list_platform_branches(plant: Plant, call: Call) -> Shape:
    catalogue = plant.world.platforms.catalogue
    found = catalogue.branches(_filters(call, "Attribute"))
    shown, token = page(found, call)
    listed = [
        {
            "PlatformName": b.platform_name,
            "BranchName": b.name,
            "LifecycleState": b.lifecycle.value,
            "BranchOrder": catalogue.order(b),
            "SupportedTierList": list(b.tiers),
        }
        for b in shown
    ]
    return {"PlatformBranchSummaryList": listed, "NextToken": token}


async def describe_platform_version(plant: Plant, call: Call) -> Shape:
    version = plant.world.platforms.catalogue.find(call.text("PlatformArn"))
    branch = version.branch
    described = {
        **_summary(version),
        "SolutionStackName": version.solution_stack,
        "PlatformName": branch.name,
        "Description": version.description,
        "Maintainer": "Jackbean",
        "ProgrammingLanguages": [
            {"Name": branch.language_name, "Version": branch.language_version}
        ],
        "Frameworks": [],
        "CustomAmiList": [],
    }
    return {"PlatformDescription": described}


def _filters(call: Call, subject: str) -> tuple[Filter, ...]:
    return tuple(
        Filter(
            str(f.get(subject) or ""),
            str(f.get("Operator") or "="),
            tuple(map(str, f.get("Values") or ())),
        )
        for f in call.items("Filters")
    )


def _summary(version: PlatformVersion) -> Shape:
    branch = version.branch
    return {
        "PlatformArn": version.arn,
        "PlatformOwner": version.owner,
        "PlatformStatus": version.status,
        "PlatformCategory": branch.platform_name,
        "OperatingSystemName": version.operating_system[0],
        "OperatingSystemVersion": version.operating_system[1],
        "SupportedTierList": list(branch.tiers),
        "SupportedAddonList": list(branch.addons),
        "PlatformLifecycleState": version.lifecycle or None,
        "PlatformVersion": version.version,
        "PlatformBranchName": branch.name,
        "PlatformBranchLifecycleState": branch.lifecycle.value,
    }
