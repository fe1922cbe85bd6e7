"""What every request about a queue says: which queue, and who sends it."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

from jackbean.api.plant import Call, Plant
from jackbean.control.principals import Administrator
from jackbean.services.queues import faults, limits, names

Item = TypeVar("Item")


def needed(call: Call, member: str) -> str:
    """Return a member that is text. Raises the Fault where it is missing."""
    value = call.text(member)
    if not value:
        raise faults.missing(member)
    return value


def queue_of(plant: Plant, call: Call) -> str:
    """Return the name of the queue: from its URL, or from the path that was asked for."""
    url = call.text("QueueUrl")
    if not url and call.path.strip("/"):
        url = call.path
    if not url:
        raise faults.missing("QueueUrl")
    return names.name_in_url(url, plant.world.installation)


def sender(plant: Plant, call: Call) -> str:
    """Return what messages say of who sent them."""
    if isinstance(call.principal, Administrator):
        return plant.world.installation.account
    return call.principal.instance


# Pages


def page(call: Call, items: list[tuple[str, Item]]) -> tuple[list[Item], dict[str, Any]]:
    """Return the items of a page, each of which comes with its name, and where the next begins."""
    most = call.members.get("MaxResults")
    limit = limits.PAGE_MAX if most is None else int(most)
    if not 1 <= limit <= limits.PAGE_MAX:
        reason = f"MaxResults must be an integer between 1 and {limits.PAGE_MAX}."
        raise faults.unfit("MaxResults", limit, reason)
    after = _name(call.text("NextToken"))
    rest = [one for one in items if one[0] > after]
    more: dict[str, Any] = {}
    if most is not None and len(rest) > limit:
        more["NextToken"] = base64.b64encode(rest[limit - 1][0].encode()).decode()
    return [item for _, item in rest[:limit]], more


def _name(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise faults.unfit("NextToken", token, "Invalid or expired next token.") from None
