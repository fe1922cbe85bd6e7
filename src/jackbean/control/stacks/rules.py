"""What may be asked of a stack of its own, and when. The words of most refusals are AWS's."""

from __future__ import annotations

from collections.abc import Collection

from jackbean.control.stacks.free_steps import FreeSurroundings
from jackbean.control.stacks.views import exported, imported
from jackbean.control.world import World
from jackbean.core.errors import Fault
from jackbean.core.extensions import Declared
from jackbean.core.freestanding import Freestanding, Plan
from jackbean.core.records import replace
from jackbean.core.resources import State
from jackbean.stacks.merging import check, merge
from jackbean.stacks.outputs import exported_names
from jackbean.stacks.parameters import wrong

SECTIONS = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs")
ENDABLE_WITH = "DELETE_FAILED"  # the status in which resources may be retained


async def check_plan(world: World, stack: Freestanding) -> None:
    """Raise the Fault for a plan that cannot be meant."""
    template = stack.plan.template
    said = {name: template.get(name) or {} for name in SECTIONS}
    if any(not isinstance(one, dict) for one in said.values()) or not said["Resources"]:
        raise _invalid("Template format error: At least one Resources member must be defined.")
    if not all(isinstance(one, dict) for one in said["Parameters"].values()):
        raise _invalid("Template format error: A parameter is a mapping with a Type.")
    if "Transform" in template:
        raise _invalid("Template format error: Transform is not understood here.")
    declared = Declared(
        parameters=said["Parameters"],
        mappings=said["Mappings"],
        conditions=said["Conditions"],
        resources=said["Resources"],
        outputs=said["Outputs"],
    )
    merged = merge({"Resources": {}}, declared, {})
    if bad := list(wrong(declared.parameters, stack.plan.parameters)):
        raise _invalid(" ".join(bad))
    around = FreeSurroundings(world.installation, stack, stack.plan, await exported(world))
    faults = merged.faults or check(merged.template, around)
    if faults:
        text = " ".join(fault.removeprefix(".ebextensions: ") for fault in faults)
        raise _invalid(f"Template error: {text}")


def check_end(stack: Freestanding, retained: Collection[str]) -> None:
    """Raise the Fault for an end that must not be."""
    if stack.protected:
        text = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        raise _invalid(text)
    if not retained:
        return
    if stack.status != ENDABLE_WITH:
        raise _invalid("Resources are retained only of a stack whose deletion has failed.")
    unknown = set(retained) - {r.id for r in stack.resources}
    if unknown:
        raise _invalid(f"The stack has no resources [{', '.join(sorted(unknown))[:400]}] to retain")


def check_continuing(stack: Freestanding, skipped: Collection[str]) -> None:
    """Raise the Fault where there is no rollback to continue, or nothing to skip."""
    if stack.status != "UPDATE_ROLLBACK_FAILED":
        text = f"Stack:{stack.id} is in {stack.status} state and can not continue update rollback."
        raise _invalid(text)
    failed = {r.id for r in stack.resources if r.state is State.CHANGING}
    if not set(skipped) <= failed:
        named = ", ".join(sorted(set(skipped) - failed))[:400]
        text = f"Resources [{named}] have not failed; skipped may be [{', '.join(sorted(failed))}]"
        raise _invalid(text)


def check_rolling_back(stack: Freestanding) -> None:
    if stack.status not in {"CREATE_FAILED", "UPDATE_FAILED"}:
        text = f"Stack:{stack.id} is in {stack.status} state and can not be rolled back."
        raise _invalid(text)


def check_cancelling(stack: Freestanding) -> None:
    if stack.status != "UPDATE_IN_PROGRESS":
        raise _invalid("CancelUpdateStack cannot be called from current stack status")


async def check_exports(world: World, stack: Freestanding, plan: Plan) -> None:
    """Raise the Fault where a stack would export no more what others import."""
    before, after = (_exported(world, stack, one) for one in (stack.plan, plan))
    users = await imported(world) if before - after else {}
    for name in sorted(before - after):
        if by := sorted(set(users.get(name, ())) - {stack.name}):
            text = f"Export {name} cannot be deleted as it is in use by {', '.join(by)}"
            raise _invalid(text)


def _exported(world: World, stack: Freestanding, plan: Plan) -> set[str]:
    around = FreeSurroundings(world.installation, replace(stack, plan=plan), plan)
    return exported_names(plan.template, around)


def _invalid(text: str) -> Fault:
    return Fault("ValidationError", text)
