"""Change sets: a change of a stack of its own, looked at before it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from jackbean.api.cloudformation.writing import parameters, stack_name, tags, template_of
from jackbean.api.plant import Call, Plant
from jackbean.control.stacks.desk import Wish
from jackbean.core.errors import Fault
from jackbean.core.freestanding import Freestanding, Plan
from jackbean.ports.store import PutDocument
from jackbean.stacks.difference import difference, replacement

Shape = dict[str, Any]
DOCUMENT = "change set"
MOST = 1_000
UNCHANGED = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)


async def create_change_set(plant: Plant, call: Call) -> Shape:
    name, there = stack_name(call), await plant.stacks.find(stack_name(call))
    creating = call.text("ChangeSetType", "UPDATE") == "CREATE"
    if creating is (there is not None):
        text = f"Stack [{name[:128]}] " + ("already exists" if creating else "does not exist")
        raise Fault("ValidationError", text)
    if len(await plant.world.store.documents(DOCUMENT)) >= MOST:
        raise Fault("LimitExceededException", f"There are {MOST} change sets; delete some.")
    before = there.plan if there else Plan()
    same = call.flag("UsePreviousTemplate", default=False)
    template = before.template if same else await template_of(plant, call)
    wish = Wish(name, Plan(template, parameters(call, before.parameters)), tags(call))
    await plant.stacks.check(wish)
    arn = plant.world.installation.arn(
        f"changeSet/{call.text('ChangeSetName')}/{plant.world.ids.request()}", "cloudformation"
    )
    body = json.dumps({"name": call.text("ChangeSetName"), "wish": asdict(wish)})
    await plant.world.store.commit([PutDocument(DOCUMENT, arn, body)])
    return {"Id": arn, "StackId": there.id if there else name}


async def describe_change_set(plant: Plant, call: Call) -> Shape:
    arn, name, wish = await _found(plant, call)
    there = await plant.stacks.find(wish.name)
    changed = there is None or there.plan != wish.plan
    status = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
    nothing = {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": UNCHANGED}
    return {
        "ChangeSetId": arn,
        "ChangeSetName": name,
        "StackName": wish.name,
        "StackId": there.id if there else wish.name,
        "Changes": list(_changes(there, wish)),
        **(status if changed else nothing),
    }


async def execute_change_set(plant: Plant, call: Call) -> Shape:
    arn, _, wish = await _found(plant, call)
    there = await plant.stacks.find(wish.name)
    await (plant.stacks.create(wish) if there is None else plant.stacks.update(wish))
    await plant.world.store.commit([PutDocument(DOCUMENT, arn, None)])
    return {}


async def delete_change_set(plant: Plant, call: Call) -> Shape:
    try:
        arn, _, _ = await _found(plant, call)
    except Fault:
        return {}
    await plant.world.store.commit([PutDocument(DOCUMENT, arn, None)])
    return {}


async def _found(plant: Plant, call: Call) -> tuple[str, str, Wish]:
    """Return a change set's ARN, its name, and what it wishes. Raises the Fault."""
    wanted, stack = call.text("ChangeSetName"), call.text("StackName")
    for arn, body in (await plant.world.store.documents(DOCUMENT)).items():
        told = json.loads(body)
        if arn == wanted or (told["name"] == wanted and told["wish"]["name"] == stack):
            wish = told["wish"]
            tagged = tuple((key, value) for key, value in wish["tags"])
            return arn, told["name"], Wish(wish["name"], Plan(**wish["plan"]), tagged)
    raise Fault("ChangeSetNotFound", f"ChangeSet [{wanted[:128]}] does not exist", 404)


def _changes(there: Freestanding | None, wish: Wish) -> Iterator[Shape]:
    before = there.plan.template if there else {}
    found = difference(before, wish.plan.template)
    for action, names, template in (
        ("Add", found.added, wish.plan.template),
        ("Modify", found.modified, wish.plan.template),
        ("Remove", found.removed, before),
    ):
        for name in names:
            change = {
                "Action": action,
                "LogicalResourceId": name,
                "ResourceType": template["Resources"][name]["Type"],
                **_known(there, name),
            }
            if action == "Modify":
                was, now = before["Resources"][name], template["Resources"][name]
                change["Replacement"] = replacement(was, now)
            yield {"Type": "Resource", "ResourceChange": change}


def _known(there: Freestanding | None, name: str) -> Shape:
    """Return the physical id of a resource that is there already."""
    resources = there.resources if there else ()
    found = next((r for r in resources if r.id == name and not r.leaving), None)
    return {"PhysicalResourceId": found.referred} if found else {}
