"""What every request about logs says: which group, and whether its sender may."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jackbean.api.plant import Call, Plant
from jackbean.control.logs.groups import prefix_of
from jackbean.control.principals import InstancePrincipal
from jackbean.core.errors import Fault
from jackbean.services.logs import faults
from jackbean.services.logs.limits import PAGE_MAX

Item = TypeVar("Item")
ARN = re.compile(r"arn:[^:]*:logs:[^:]*:[^:]*:log-group:([^:]+)(:\*)?")


async def group_asked(plant: Plant, call: Call) -> str:
    """Return the name of the group that a request is about. Raises the Fault."""
    name, told = call.text("logGroupName"), call.text("logGroupIdentifier")
    if bool(name) == bool(told):
        raise faults.invalid("Name either logGroupName or logGroupIdentifier.")
    return await allowed(plant, call, name or named(told))


async def resource_asked(plant: Plant, call: Call) -> str:
    name = call.text("logGroupName") or named(call.text("resourceArn"))
    await allowed(plant, call, name)
    if await plant.log_groups.store.group(name) is None:
        raise faults.no_resource()
    return name


def named(identifier: str) -> str:
    """Return the group in an ARN, or what is a name already."""
    found = ARN.fullmatch(identifier)
    return found[1] if found else identifier


async def allowed(plant: Plant, call: Call, group: str) -> str:
    """Return the group's name. Raises the Fault where it is not the caller's to use."""
    mine = await own_prefix(plant, call)
    if not group.startswith(mine):
        arn = plant.world.installation.arn(f"log-group:{group[:512]}", "logs")
        raise Fault(
            "AccessDeniedException",
            f"This instance may not perform logs:{call.operation} on {arn}: only the groups of "
            f"its own environment ({mine}...) are its to use.",
            403,
        )
    return group


async def own_prefix(plant: Plant, call: Call) -> str:
    """Return how the names of the groups begin that the caller may use; "" where all may be."""
    if not isinstance(call.principal, InstancePrincipal):
        return ""
    home = await plant.roster.home(call.principal.instance)
    if home is None:
        raise Fault("AccessDeniedException", "This instance belongs to no environment.", 403)
    return prefix_of(home[0].name)


def number(call: Call, name: str, default: int, most: int) -> int:
    """Return a number from 1 to `most`. Raises the Fault."""
    value = call.members.get(name)
    if value is None:
        return default
    if not 1 <= int(value) <= most:
        raise faults.invalid(f"{name} must be from 1 to {most}, and is {int(value)}.")
    return int(value)


def instant(call: Call, name: str) -> int | None:
    """Return milliseconds since the epoch, None where nothing is said. Raises the Fault."""
    value = call.members.get(name)
    if value is None:
        return None
    if not 0 <= int(value) < 10**15:
        raise faults.invalid(f"{name} is in milliseconds since 1970, and is {int(value)}.")
    return int(value)


def page(
    call: Call, items: Sequence[Item], key: Callable[[Item], str]
) -> tuple[Sequence[Item], dict[str, Any]]:
    """Return a page of items, which are in the order of their keys, and where the next begins."""
    limit = number(call, "limit", PAGE_MAX, PAGE_MAX)
    token, start = call.text("nextToken"), 0
    if token:
        after = _unsealed(token)
        start = next((n + 1 for n, one in enumerate(items) if key(one) == after), 0)
        if not start:
            raise faults.invalid("The specified nextToken is invalid.")
    found = items[start : start + limit]
    if start + limit >= len(items):
        return found, {}
    return found, {"nextToken": base64.urlsafe_b64encode(key(found[-1]).encode()).decode()}


def _unsealed(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        raise faults.invalid("The specified nextToken is invalid.") from None
