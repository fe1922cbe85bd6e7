"""Operations that look at stacks."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from jackbean.api.plant import Call, Plant, moment
from jackbean.control.stacks.drifting import Found, Known, known
from jackbean.control.stacks.views import (
    Happening,
    StackView,
    happenings,
    imported,
    resource_status,
    views,
)
from jackbean.core.errors import Fault
from jackbean.core.records import replace
from jackbean.core.resources import Resource
from jackbean.stacks.drift import Drift
from jackbean.stacks.parameters import HIDDEN, hidden

Shape = dict[str, Any]
Item = TypeVar("Item")
PAGE = 100


async def describe_stacks(plant: Plant, call: Call) -> Shape:
    wanted = call.text("StackName")
    found = [await named(plant, call)] if wanted else await views(plant.world)
    shown, more = page(call, [s for s in found if wanted or s.ended is None])
    told = [_stack(reached(plant, call, one), await known(plant.world, one)) for one in shown]
    return {"Stacks": told, **more}


async def list_stacks(plant: Plant, call: Call) -> Shape:
    statuses = call.items("StackStatusFilter")
    found = [s for s in await views(plant.world) if not statuses or s.status in statuses]
    shown, more = page(call, found)
    told = [_summary(one, await known(plant.world, one)) for one in shown]
    return {"StackSummaries": told, **more}


async def describe_stack_resources(plant: Plant, call: Call) -> Shape:
    stack = await _holding(plant, call)
    wanted = call.text("LogicalResourceId")
    found = [r for r in stack.resources if wanted in ("", r.id)]
    drift = await known(plant.world, stack)
    return {"StackResources": [_resource(stack, one, drift) for one in found]}


async def describe_stack_resource(plant: Plant, call: Call) -> Shape:
    stack, wanted = await named(plant, call), call.text("LogicalResourceId")
    detail = _resource(stack, resource_of(stack, wanted), await known(plant.world, stack))
    detail["LastUpdatedTimestamp"] = detail.pop("Timestamp")
    return {"StackResourceDetail": detail}


def resource_of(stack: StackView, wanted: str) -> Resource:
    """Return the resource of a logical id. Raises the Fault where there is none."""
    found = next((r for r in stack.resources if r.id == wanted and not r.leaving), None)
    if found is None:
        text = f"Resource {wanted[:255]} does not exist for stack {stack.name}"
        raise Fault("ValidationError", text)
    return found


async def list_stack_resources(plant: Plant, call: Call) -> Shape:
    stack = await named(plant, call)
    shown, more = page(call, stack.resources)
    listed, drift = [], await known(plant.world, stack)
    for one in shown:
        summary = _resource(stack, one, drift)
        at = summary.pop("Timestamp")
        left = {k: v for k, v in summary.items() if k not in {"StackName", "StackId"}}
        listed.append({**left, "LastUpdatedTimestamp": at})
    return {"StackResourceSummaries": listed, **more}


async def describe_stack_events(plant: Plant, call: Call) -> Shape:
    stack = await named(plant, call)
    shown, more = page(call, await happenings(plant.world, stack))
    return {"StackEvents": [_event(stack, one) for one in shown], **more}


async def get_template(plant: Plant, call: Call) -> Shape:
    stack = await named(plant, call)
    body = json.dumps(stack.template, indent=1)
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


async def list_exports(plant: Plant, call: Call) -> Shape:
    told = [
        {"ExportingStackId": stack.id, "Name": one.export, "Value": one.value}
        for stack in await views(plant.world)
        for one in stack.outputs
        if one.export and stack.ended is None
    ]
    shown, more = page(call, sorted(told, key=lambda one: one["Name"]))
    return {"Exports": shown, **more}


async def list_imports(plant: Plant, call: Call) -> Shape:
    name = call.text("ExportName")
    found = sorted(set((await imported(plant.world)).get(name, ())))
    if not found:
        raise Fault("ValidationError", f"Export '{name[:255]}' is not imported by any stack.")
    shown, more = page(call, found)
    return {"Imports": shown, **more}


async def get_stack_policy(plant: Plant, call: Call) -> Shape:
    policy = (await named(plant, call)).policy
    return {"StackPolicyBody": policy} if policy else {}


async def named(plant: Plant, call: Call) -> StackView:
    """Return the stack that a request names. Raises the Fault where there is none."""
    wanted = call.text("StackName")
    if not wanted:
        raise Fault("ValidationError", "StackName is required.")
    found = await views(plant.world, wanted)
    if not found:
        raise Fault("ValidationError", f"Stack with id {wanted[:128]} does not exist")
    return reached(plant, call, found[0])


def reached(plant: Plant, call: Call, stack: StackView) -> StackView:
    """Return a stack with the URLs of handles as whoever asks reaches us."""
    here = plant.world.installation

    def told(text: str) -> str:
        signals = text.startswith(here.signal_url)
        return here.reached_by(call.base_url, text) if signals else text

    return replace(
        stack,
        resources=[replace(one, ref=told(one.ref)) for one in stack.resources],
        outputs=[replace(one, value=told(one.value)) for one in stack.outputs],
    )


async def _holding(plant: Plant, call: Call) -> StackView:
    """Return the stack that is named, or that has a resource of that physical name."""
    name = call.text("PhysicalResourceId")
    if call.text("StackName") or not name:
        return await named(plant, call)
    for stack in await views(plant.world):
        if any(name in (r.name, r.referred) for r in stack.resources):
            return reached(plant, call, stack)
    raise Fault("ValidationError", f"Stack for {name[:255]} does not exist")


def page(call: Call, items: Sequence[Item]) -> tuple[Sequence[Item], Shape]:
    """Return the next hundred, and the token of those after them."""
    token = call.text("NextToken")
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except (binascii.Error, ValueError):
        raise Fault("ValidationError", "NextToken is none that was given.") from None
    end = max(start, 0) + PAGE
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return items[max(start, 0) : end], more


def _stack(stack: StackView, drift: Known) -> Shape:
    return {
        **_times(stack),
        **_family(stack),
        "StackName": stack.name,
        "StackId": stack.id,
        "StackStatus": stack.status,
        "Description": stack.template.get("Description", ""),
        "DisableRollback": stack.stays,
        "EnableTerminationProtection": stack.protected,
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "DriftInformation": _drift(drift),
        **({"StackStatusReason": stack.reason} if stack.reason else {}),
        "Parameters": _parameters(stack),
        "Outputs": [
            {
                "OutputKey": one.key,
                "OutputValue": one.value,
                **({"Description": one.description} if one.description else {}),
                **({"ExportName": one.export} if one.export else {}),
            }
            for one in stack.outputs
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags],
    }


def _parameters(stack: StackView) -> list[Shape]:
    said = {n: b for n, b in stack.template.get("Parameters", {}).items() if isinstance(b, dict)}
    defaults = {name: body.get("Default") for name, body in said.items()}
    secret = {name for name, body in said.items() if hidden(body)}
    return [
        {"ParameterKey": name, "ParameterValue": HIDDEN if name in secret else str(value)}
        for name, value in {**defaults, **stack.parameters}.items()
        if value is not None
    ]


def _drift(drift: Known) -> Shape:
    checked = {} if drift.at is None else {"LastCheckTimestamp": moment(drift.at)}
    return {"StackDriftStatus": drift.status, **checked}


def _resource_drift(found: Found | None) -> Shape:
    if found is None:
        return {"StackResourceDriftStatus": Drift.NOT_CHECKED}
    status = found.compared.drift
    checked = {} if status is Drift.NOT_CHECKED else {"LastCheckTimestamp": moment(found.at)}
    return {"StackResourceDriftStatus": status, **checked}


def _summary(stack: StackView, drift: Known) -> Shape:
    return {
        **_times(stack),
        **_family(stack),
        "DriftInformation": _drift(drift),
        "StackName": stack.name,
        "StackId": stack.id,
        "StackStatus": stack.status,
        "TemplateDescription": stack.template.get("Description", ""),
    }


def _family(stack: StackView) -> Shape:
    return {"ParentId": stack.parent, "RootId": stack.root} if stack.parent else {}


def _times(stack: StackView) -> Shape:
    updated = {} if stack.updated is None else {"LastUpdatedTime": moment(stack.updated)}
    ended = {} if stack.ended is None else {"DeletionTime": moment(stack.ended)}
    return {"CreationTime": moment(stack.created), **updated, **ended}


def _resource(stack: StackView, resource: Resource, drift: Known) -> Shape:
    at = stack.created if stack.updated is None else stack.updated
    return {
        "StackName": stack.name,
        "StackId": stack.id,
        "LogicalResourceId": resource.id,
        "PhysicalResourceId": resource.referred,
        "ResourceType": resource.type,
        "ResourceStatus": resource_status(stack, resource),
        "DriftInformation": _resource_drift(drift.found.get(resource.id)),
        "Timestamp": moment(at),
    }


def _event(stack: StackView, one: Happening) -> Shape:
    reason = {"ResourceStatusReason": one.reason} if one.reason else {}
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "EventId": one.id,
        "LogicalResourceId": one.logical,
        "PhysicalResourceId": one.physical,
        "ResourceType": one.type,
        "ResourceStatus": one.status,
        "Timestamp": moment(one.at),
        **reason,
    }
