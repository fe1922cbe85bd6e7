"""SignalResource: what a CreationPolicy waits for, told by the API."""

from __future__ import annotations

from typing import Any

from jackbean.api.cloudformation.reading import named, resource_of
from jackbean.api.plant import Call, Plant
from jackbean.core.errors import Fault
from jackbean.core.resources import State
from jackbean.core.signals import signal_of
from jackbean.stacks.graph import WAIT_CONDITION

Shape = dict[str, Any]
SIGNALLED = "Received {} signal with UniqueId {}"


async def signal_resource(plant: Plant, call: Call) -> Shape:
    """Take a signal for a resource that is being made, as `cfn-signal --stack --resource` sends it.

    The words of the refusals are AWS's.
    """
    stack = await named(plant, call)
    signal = signal_of(call.text("UniqueId"), call.text("Status"))
    if not stack.status.endswith("_IN_PROGRESS"):
        text = f"Stack {stack.id} is in {stack.status} state and cannot be signaled"
        raise Fault("ValidationError", text)
    found = resource_of(stack, call.text("LogicalResourceId"))
    if found.type != WAIT_CONDITION or found.state is not State.MAKING:
        status = "CREATE_COMPLETE" if found.state is State.READY else "another"
        text = f"Resource {found.id} is in {status} state and cannot be signaled"
        raise Fault("ValidationError", text)
    new = await plant.signals.take(found.name, signal)
    if new and not stack.environment:
        told = SIGNALLED.format(call.text("Status"), signal.unique_id)
        await plant.stacks.note(stack.id, found, told)
    return {}
