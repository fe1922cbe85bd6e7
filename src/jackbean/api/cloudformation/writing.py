"""Operations that make, change and end stacks of their own."""

from __future__ import annotations

from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.control.stack_desk import Wish
from jackbean.core.errors import Fault
from jackbean.core.freestanding import Freestanding, Plan
from jackbean.sources.templates import Unreadable, read_template

Shape = dict[str, Any]
ENVIRONMENTS = "awseb-"  # how stacks of environments begin


async def create_stack(plant: Plant, call: Call) -> Shape:
    stays = call.flag("DisableRollback", default=False) or call.text("OnFailure") == "DO_NOTHING"
    plan = Plan(template_of(call), parameters(call, {}))
    made = await plant.stacks.create(Wish(stack_name(call), plan, tags(call), stays))
    return {"StackId": made.id}


async def update_stack(plant: Plant, call: Call) -> Shape:
    there = await plant.stacks.find(stack_name(call))
    before = there.plan if there else Plan()
    same = call.flag("UsePreviousTemplate", default=False)
    template = before.template if same else template_of(call)
    plan = Plan(template, parameters(call, before.parameters))
    name = there.name if there else stack_name(call)
    stays = call.flag("DisableRollback", default=False)
    changed: Freestanding = await plant.stacks.update(Wish(name, plan, tags(call), stays))
    return {"StackId": changed.id}


async def delete_stack(plant: Plant, call: Call) -> Shape:
    await plant.stacks.delete(stack_name(call), tuple(map(str, call.items("RetainResources"))))
    return {}


async def validate_template(plant: Plant, call: Call) -> Shape:
    template = template_of(call)
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


def stack_name(call: Call) -> str:
    """Return which stack is meant. Raises the Fault for that of an environment."""
    name = call.text("StackName")
    if name.rpartition("stack/")[2].startswith(ENVIRONMENTS):
        text = "The stack of an environment is made, changed and ended by Elastic Beanstalk."
        raise Fault("ValidationError", text)
    return name


def template_of(call: Call) -> dict[str, Any]:
    """Return the template in a request. Raises the Fault."""
    body, url = call.text("TemplateBody"), call.text("TemplateURL")
    if not body:
        text = "Either Template URL or Template Body must be specified."
        reason = "Template URLs are not read here: give the template itself." if url else text
        raise Fault("ValidationError", reason)
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
