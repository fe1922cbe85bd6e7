"""Lists come in pages of a hundred; a token is the last name of the page before."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jackbean.api.plant import Call
from jackbean.services.topics import faults

Item = TypeVar("Item")
PAGE = 100


def page(
    call: Call, items: Sequence[Item], name: Callable[[Item], str]
) -> tuple[list[Item], dict[str, Any]]:
    after = _name(call.text("NextToken"))
    rest = [one for one in items if name(one) > after]
    more: dict[str, Any] = {}
    if len(rest) > PAGE:
        more["NextToken"] = base64.b64encode(name(rest[PAGE - 1]).encode()).decode()
    return rest[:PAGE], more


def _name(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise faults.invalid("NextToken") from None
