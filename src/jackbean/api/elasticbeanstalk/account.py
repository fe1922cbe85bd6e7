"""Platforms, storage, quotas and tags."""

from __future__ import annotations

from typing import Any

from jackbean.api.plant import Call, Plant

Shape = dict[str, Any]


async def list_available_solution_stacks(plant: Plant, call: Call) -> Shape:
    stacks = plant.world.platforms.catalogue.solution_stacks()
    return {
        "SolutionStacks": [s.name for s in stacks],
        "SolutionStackDetails": [
            {"SolutionStackName": s.name, "PermittedFileTypes": list(s.file_types)} for s in stacks
        ],
    }


async def create_storage_location(plant: Plant, call: Call) -> Shape:
    bucket = plant.world.installation.bucket
    await plant.objects.ensure_bucket(bucket)
    return {"S3Bucket": bucket}


async def describe_account_attributes(plant: Plant, call: Call) -> Shape:
    return {"ResourceQuotas": {name: {"Maximum": most} for name, most in QUOTAS.items()}}


QUOTAS = {
    "ApplicationQuota": 75,
    "ApplicationVersionQuota": 1000,
    "EnvironmentQuota": 200,
    "ConfigurationTemplateQuota": 2000,
    "CustomPlatformQuota": 50,
}
