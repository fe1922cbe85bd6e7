"""Operations that make, change and end stacks of their own."""

from __future__ import annotations

import json
from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.control.stacks.desk import Wish
from jackbean.core.errors import Fault
from jackbean.core.freestanding import Freestanding, Plan
from jackbean.services.objects.templates import template_at
from jackbean.sources.templates import Unreadable, read_template

Shape = dict[str, Any]
POLICY_MAX = 16_384  # characters of a stack policy
ENVIRONMENTS = "awseb-"  # how stacks of environments begin


async def create_stack(plant: Plant, call: Call) -> Shape:
    wish = Wish(
        stack_name(call),
        Plan(await template_of(plant, call), parameters(call, {})),
        tags(call),
        stays=call.flag("DisableRollback", default=False) or _on_failure(call) == "DO_NOTHING",
        ends=_on_failure(call) == "DELETE",
        protected=call.flag("EnableTerminationProtection", default=False),
        policy=_policy(call),
        timeout_s=60.0 * int(call.members.get("TimeoutInMinutes") or 0),
    )
    return {"StackId": (await plant.stacks.create(wish)).id}


async def update_stack(plant: Plant, call: Call) -> Shape:
    there = await plant.stacks.find(stack_name(call))
    before = there.plan if there else Plan()
    same = call.flag("UsePreviousTemplate", default=False)
    template = before.template if same else await template_of(plant, call)
    wish = Wish(
        there.name if there else stack_name(call),
        Plan(template, parameters(call, before.parameters)),
        tags(call),
        stays=call.flag("DisableRollback", default=False),
        policy=_policy(call),
    )
    changed: Freestanding = await plant.stacks.update(wish)
    return {"StackId": changed.id}


async def cancel_update_stack(plant: Plant, call: Call) -> Shape:
    await plant.stacks.cancel(stack_name(call))
    return {}


async def continue_update_rollback(plant: Plant, call: Call) -> Shape:
    skipped = tuple(map(str, call.items("ResourcesToSkip")))
    await plant.stacks.go_back(stack_name(call), skipped)
    return {}


async def rollback_stack(plant: Plant, call: Call) -> Shape:
    return {"StackId": (await plant.stacks.roll_back(stack_name(call))).id}


async def update_termination_protection(plant: Plant, call: Call) -> Shape:
    wanted = call.flag("EnableTerminationProtection", default=False)
    return {"StackId": (await plant.stacks.protect(stack_name(call), protected=wanted)).id}


async def set_stack_policy(plant: Plant, call: Call) -> Shape:
    """Keep a stack policy; updates are not judged by it."""
    policy = _policy(call)
    if not policy:
        raise Fault("ValidationError", "StackPolicyBody must be given; URLs are not read here.")
    await plant.stacks.govern(stack_name(call), policy)
    return {}


async def delete_stack(plant: Plant, call: Call) -> Shape:
    await plant.stacks.delete(stack_name(call), tuple(map(str, call.items("RetainResources"))))
    return {}


async def validate_template(plant: Plant, call: Call) -> Shape:
    template = await template_of(plant, call)
    said = template.get("Parameters") or {}
    told = [
        {
            "ParameterKey": name,
            "DefaultValue": str(body.get("Default", "")),
            "NoEcho": str(body.get("NoEcho", "")).lower() == "true",
            "Description": str(body.get("Description", "")),
        }
        for name, body in said.items()
        if isinstance(body, dict)
    ]
    return {"Description": str(template.get("Description") or ""), "Parameters": told}


def _on_failure(call: Call) -> str:
    """Return what is to become of a new stack that fails. Raises the Fault for two answers."""
    said = call.text("OnFailure")
    if said and call.optional("DisableRollback") is not None:
        text = "You can specify either DisableRollback or OnFailure, but not both."
        raise Fault("ValidationError", text)
    return said


def _policy(call: Call) -> str:
    """Return the stack policy of a request. Raises the Fault for what is no JSON object."""
    body = call.text("StackPolicyBody")
    try:
        sound = not body or (len(body) <= POLICY_MAX and isinstance(json.loads(body), dict))
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise Fault("ValidationError", f"Error validating stack policy: no JSON of {POLICY_MAX}.")
    return body


def stack_name(call: Call) -> str:
    """Return which stack is meant. Raises the Fault for that of an environment."""
    name = call.text("StackName")
    if name.rpartition("stack/")[2].startswith(ENVIRONMENTS):
        text = "The stack of an environment is made, changed and ended by Elastic Beanstalk."
        raise Fault("ValidationError", text)
    return name


async def template_of(plant: Plant, call: Call) -> dict[str, Any]:
    """Return the template in a request, or in our S3 where it says. Raises the Fault."""
    body, url = call.text("TemplateBody"), call.text("TemplateURL")
    if bool(body) is bool(url):
        text = "Either Template URL or Template Body must be specified."
        raise Fault("ValidationError", text)
    body = body or await template_at(plant.objects, url)
    try:
        return read_template(body)
    except Unreadable as error:
        raise Fault("ValidationError", f"Template format error: {error}.") from error


def parameters(call: Call, before: dict[str, str]) -> dict[str, str]:
    found = {}
    for one in call.items("Parameters"):
        key = str(one.get("ParameterKey", ""))
        if one.get("UsePreviousValue") and key in before:
            found[key] = before[key]
        elif one.get("ParameterValue") is not None:
            found[key] = str(one["ParameterValue"])
    return found


def tags(call: Call) -> tuple[tuple[str, str], ...]:
    return tuple((str(one["Key"]), str(one.get("Value", ""))) for one in call.items("Tags"))
