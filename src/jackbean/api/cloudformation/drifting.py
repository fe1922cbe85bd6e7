"""Operations that look for drift: of a whole stack, or of one resource."""

from __future__ import annotations

from typing import Any

from jackbean.api.cloudformation.reading import named, page, resource_of
from jackbean.api.plant import Call, Plant, moment
from jackbean.control.stacks import drifting
from jackbean.control.stacks.drifting import Found
from jackbean.control.stacks.views import StackView
from jackbean.stacks.drift import Different, Drift

Shape = dict[str, Any]


async def detect_stack_drift(plant: Plant, call: Call) -> Shape:
    """Compare a stack with what there is; it is over when it is answered."""
    stack, only = await named(plant, call), [str(one) for one in call.items("LogicalResourceIds")]
    for one in only:
        resource_of(stack, one)
    return {"StackDriftDetectionId": (await drifting.look(plant.world, stack, only)).id}


async def describe_stack_drift_detection_status(plant: Plant, call: Call) -> Shape:
    look = await drifting.looked(plant.world, call.text("StackDriftDetectionId"))
    told = {
        "StackId": look.stack,
        "StackDriftDetectionId": look.id,
        "Timestamp": moment(look.at),
    }
    if look.reason:
        return {**told, "DetectionStatus": "DETECTION_FAILED", "DetectionStatusReason": look.reason}
    return {
        **told,
        "DetectionStatus": "DETECTION_COMPLETE",
        "StackDriftStatus": look.status,
        "DriftedStackResourceCount": look.drifted,
    }


async def detect_stack_resource_drift(plant: Plant, call: Call) -> Shape:
    stack = await named(plant, call)
    resource = resource_of(stack, call.text("LogicalResourceId"))
    found = await drifting.look_at(plant.world, stack, resource)
    return {"StackResourceDrift": _drift(stack, found)}


async def describe_stack_resource_drifts(plant: Plant, call: Call) -> Shape:
    """Return what was found of resources that were checked, as AWS does: no other is listed."""
    stack = await named(plant, call)
    known, filters = (
        await drifting.known(plant.world, stack),
        call.items("StackResourceDriftStatusFilters"),
    )
    found = [
        _drift(stack, one)
        for one in known.found.values()
        if one.compared.drift is not Drift.NOT_CHECKED
        and (not filters or one.compared.drift in filters)
    ]
    shown, more = page(call, found)
    return {"StackResourceDrifts": shown, **more}


def _drift(stack: StackView, found: Found) -> Shape:
    there = found.compared.drift is not Drift.DELETED
    return {
        "StackId": stack.id,
        "LogicalResourceId": found.logical,
        "PhysicalResourceId": found.physical,
        "ResourceType": found.type,
        "ExpectedProperties": found.compared.expected,
        **({"ActualProperties": found.compared.actual} if there else {}),
        "PropertyDifferences": [_difference(one) for one in found.compared.differences],
        "StackResourceDriftStatus": found.compared.drift,
        "Timestamp": moment(found.at),
    }


def _difference(one: Different) -> Shape:
    return {
        "PropertyPath": one.path,
        "ExpectedValue": one.expected,
        "ActualValue": one.actual,
        "DifferenceType": one.kind,
    }
