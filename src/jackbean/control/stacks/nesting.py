"""Stacks as resources of others: what is wanted of them is on record, and the desk does it.

The provider is asked by whoever makes the parent, an environment's loop or the desk itself, and
writes no stack: it says what the stack shall be, and answers by what has become of it. Only the
desk writes stacks.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from jackbean.control.stacks.free_steps import FreeSurroundings, changing
from jackbean.control.stacks.views import DOCUMENT, NESTED, WHOLE
from jackbean.core.errors import Fault
from jackbean.core.freestanding import Aim, Freestanding, Plan
from jackbean.core.freestanding import from_json as read_stack
from jackbean.core.installation import Installation
from jackbean.core.nesting import DEPTH_MAX, PLANS_MAX, Nested, from_json, to_json
from jackbean.core.records import replace
from jackbean.core.resources import Gone, Made, Underway
from jackbean.ports.clock import Ids
from jackbean.ports.resources import Properties, Wanted
from jackbean.ports.store import PutDocument, Store
from jackbean.sources.templates import Unreadable, read_template
from jackbean.stacks.outputs import outputs
from jackbean.stacks.types import STACK
from jackbean.stacks.values import Bad, joined


@dataclass
class NestedStacks:
    """ports.Provider. `read` returns the template at a URL; `rung` wakes the desk."""

    store: Store
    ids: Ids
    installation: Installation
    read_url: Callable[[str], Awaitable[str]]
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    types = (STACK,)

    async def exists(self, wanted: Wanted) -> bool:
        return False

    async def ensure(self, wanted: Wanted) -> Made | Underway:
        before, key = await self._wish(wanted), _key(wanted.properties)
        if before is None or before.key != key or before.ends:
            await self._put(wanted, await self._wished(wanted, before, key))
            return Underway("the stack is to be made or changed", ends=True)
        stack = await self._stack(before.id)
        if stack is None or stack.wish != before.number or not stack.resting:
            status = stack.status if stack else "not begun"
            return Underway(f"nested stack {before.name}: {status}", ends=True)
        if stack.status not in WHOLE or stack.plan != before.plan:
            raise _failed(stack, before)
        around = FreeSurroundings(self.installation, stack, stack.plan)
        told = {f"Outputs.{o.key}": o.value for o in outputs(stack.plan.template, around)}
        return Made(stack.id, told)

    async def remove(self, wanted: Wanted) -> Gone | Underway:
        before = await self._wish(wanted)
        stack = await self._stack(before.id) if before else None
        if before is None or (before.ends and (stack is None or stack.ended is not None)):
            await self.store.commit([PutDocument(NESTED, wanted.name, None)])
            return Gone()
        if not before.ends:
            await self._put(wanted, replace(before, ends=True, number=before.number + 1))
        elif stack and stack.wish == before.number and stack.status == "DELETE_FAILED":
            await self._put(wanted, replace(before, number=before.number + 1))
            text = f"Embedded stack {stack.id} was not successfully deleted: {stack.reason}"
            raise Fault("NestedStackFailed", text)
        return Underway(f"nested stack {before.name} is ending", ends=True)

    async def read(self, wanted: Wanted) -> Properties | None:
        before = await self._wish(wanted)
        stack = await self._stack(before.id) if before else None
        return {} if stack is not None and stack.ended is None else None

    async def _wished(self, wanted: Wanted, before: Nested | None, key: str) -> Nested:
        """Return what is wanted now; what a URL led to before is not asked for again."""
        if before is None:
            before = await self._fresh(wanted)
        plan = before.plans.get(key) or await self._plan(wanted.properties)
        kept = [*((k, p) for k, p in before.plans.items() if k != key), (key, plan)]
        return replace(
            before,
            key=key,
            plans=dict(kept[-PLANS_MAX:]),
            tags=_tags(wanted.properties),
            number=before.number + 1,
            ends=False,
        )

    async def _fresh(self, wanted: Wanted) -> Nested:
        parent = await self._stack(wanted.stack)
        depth = 1 + (parent.depth if parent else 0)
        if depth > DEPTH_MAX:
            raise Fault("ValidationError", f"Stacks are nested at most {DEPTH_MAX} deep here.")
        arn = self.installation.arn(f"stack/{wanted.name}/{self.ids.request()}", "cloudformation")
        owner = parent.id if parent else self.installation.arn(
            f"stack/{wanted.stack}", "cloudformation"
        )  # fmt: skip
        root = (parent.root or parent.id) if parent else owner
        return Nested(arn, wanted.name, owner, root, depth)

    async def _plan(self, properties: Properties) -> Plan:
        url = str(properties.get("TemplateURL") or "")
        try:
            template = read_template(await self.read_url(url))
            said = properties.get("Parameters") or {}
            return Plan(template, {name: joined(value) for name, value in said.items()})
        except Unreadable as error:
            raise Fault("ValidationError", f"Template format error: {error} ({url}).") from error
        except (AttributeError, Bad) as error:
            text = f"Parameters of a nested stack are texts by name: {error}"
            raise Fault("ValidationError", text) from error

    async def _wish(self, wanted: Wanted) -> Nested | None:
        kept = await self.store.document(NESTED, wanted.name)
        return from_json(kept) if kept is not None else None

    async def _stack(self, id_: str) -> Freestanding | None:
        kept = await self.store.document(DOCUMENT, id_)
        return read_stack(kept) if kept is not None else None

    async def _put(self, wanted: Wanted, nested: Nested) -> None:
        await self.store.commit([PutDocument(NESTED, wanted.name, to_json(nested))])
        self.rung.set()


def _key(properties: Properties) -> str:
    text = json.dumps(properties, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _tags(properties: Properties) -> tuple[tuple[str, str], ...]:
    said = properties.get("Tags") or []
    return tuple((str(one["Key"]), str(one.get("Value", ""))) for one in said)


def _failed(stack: Freestanding, wanted: Nested) -> Fault:
    """Say why a nested stack is not what it was to be, as CloudFormation does."""
    made = stack.status.startswith(("CREATE", "ROLLBACK", "DELETE"))
    verb = "created" if made else "updated"
    text = f"Embedded stack {stack.id} was not successfully {verb}: {stack.reason}"
    return Fault("NestedStackFailed", text)


def wished(there: Freestanding | None, nested: Nested, now: float) -> Freestanding | None:
    """Return a stack on its way to what is wanted of it; None: there is nothing to be ended."""
    if nested.ends:
        if there is None or there.ended is not None:
            return None
        return replace(there, wish=nested.number, aim=Aim.END, status="DELETE_IN_PROGRESS")
    if there is None:
        return Freestanding(
            name=nested.name,
            id=nested.id,
            created=now,
            status="CREATE_IN_PROGRESS",
            aim=Aim.MAKE,
            plan=nested.plan,
            tags=nested.tags,
            parent=nested.parent,
            root=nested.root,
            depth=nested.depth,
            wish=nested.number,
        )
    if there.plan == nested.plan and there.status in WHOLE:
        return replace(there, wish=nested.number, tags=nested.tags)
    changed = changing(there, nested.plan, now)
    return replace(changed, tags=nested.tags, wish=nested.number)
