"""Wait conditions of stacks and their handles, on the signals that are on record.

A handle is a URL to PUT signals to. A wait condition waits for those of its handle, or, where a
CreationPolicy asks for them, for its own. Seconds are counted from when this control plane first
looked: an outage, in which nobody could signal, counts for nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from jackbean.core import signals
from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.core.resources import Gone, Made, Refused, Underway
from jackbean.core.signals import SIGNALS_MAX, Patience
from jackbean.ports.clock import Clock
from jackbean.ports.resources import Properties, Wanted
from jackbean.ports.store import PutDocument
from jackbean.services.resources import properties as told
from jackbean.services.signals import SignalDesk, name_in, url_of

HANDLE, CONDITION = "AWS::CloudFormation::WaitConditionHandle", "AWS::CloudFormation::WaitCondition"
POLICY = "CreationPolicy"  # beside the properties of a wait condition
TIMEOUT_S_MAX = 43_200  # CloudFormation's: twelve hours
DURATION = re.compile(r"PT(?=\d)(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,6})S)?")
DOCUMENT = "wait condition"  # documents: what one had when its signals had come
UNCHANGING = f"Update to resource type {CONDITION} is not supported."


class HandleProvider:
    """ports.Provider. `sign` returns the signature of a handle's URL."""

    types = (HANDLE,)

    def __init__(
        self, desk: SignalDesk, installation: Installation, sign: Callable[[str], str]
    ) -> None:
        self._desk = desk
        self._installation = installation
        self._sign = sign

    async def exists(self, wanted: Wanted) -> bool:
        return False

    async def ensure(self, wanted: Wanted) -> Made:
        told.check(wanted, ())
        await self._desk.expect(wanted.name)
        return Made(url_of(wanted.name, self._sign(wanted.name), self._installation))

    async def remove(self, wanted: Wanted) -> Gone:
        await self._desk.forget(wanted.name)
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        return {} if await self._desk.expected(wanted.name) else None


class ConditionProvider:
    """ports.Provider. One that has had its signals has had them for ever."""

    types = (CONDITION,)

    def __init__(self, desk: SignalDesk, clock: Clock, here: Installation) -> None:
        self._desk = desk
        self._store = desk.store
        self._clock = clock
        self._installation = here
        self._since: dict[str, float] = {}

    async def exists(self, wanted: Wanted) -> bool:
        return False

    async def ensure(self, wanted: Wanted) -> Made | Underway:
        kept = await self._store.document(DOCUMENT, wanted.name)
        if kept is not None:
            return _as_before(wanted, json.loads(kept))
        patience, source = self._terms(wanted)
        waited = self._clock.now() - self._since.setdefault(wanted.name, self._clock.now())
        found = signals.outcome(await self._desk.signals(source), patience, waited)
        match found:
            case str():
                return signals.still(found)
            case Refused(reason=reason):
                raise Fault("SignalFailed", reason)
            case Made(attributes=attributes):
                return await self._made(wanted, attributes["Data"])

    async def remove(self, wanted: Wanted) -> Gone:
        self._since.pop(wanted.name, None)
        await self._desk.forget(wanted.name)
        if await self._store.document(DOCUMENT, wanted.name) is not None:
            await self._store.commit([PutDocument(DOCUMENT, wanted.name, None)])
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        kept = await self._store.document(DOCUMENT, wanted.name)
        return json.loads(kept)["properties"] if kept is not None else None

    async def _made(self, wanted: Wanted, data: str) -> Made:
        self._since.pop(wanted.name, None)
        body = json.dumps({"properties": _own(wanted.properties), "data": data})
        await self._store.commit([PutDocument(DOCUMENT, wanted.name, body)])
        return Made(wanted.name, {"Data": data})

    def _terms(self, wanted: Wanted) -> tuple[Patience, str]:
        """Return how long for how many signals to wait, and of which physical name they are."""
        told.check(wanted, ("Count", "Handle", "Timeout", POLICY))
        policy = wanted.properties.get(POLICY)
        if policy is not None:
            return _asked(policy), wanted.name
        handle = name_in(told.required(wanted, "Handle"), self._installation)
        if not handle:
            raise Fault("ValidationError", f"Handle must be the Ref of a resource of type {HANDLE}")
        timeout = _whole("Timeout", told.required(wanted, "Timeout"), TIMEOUT_S_MAX)
        count = _whole("Count", told.text(wanted.properties.get("Count", 1)), SIGNALS_MAX)
        return Patience(count, timeout), handle


def _as_before(wanted: Wanted, kept: dict[str, Any]) -> Made:
    if _own(wanted.properties) != kept["properties"]:
        raise Fault("ValidationError", UNCHANGING)
    return Made(wanted.name, {"Data": kept["data"]})


def _own(properties: Properties) -> dict[str, str]:
    """Return what a template may not change: a CreationPolicy counts when a resource is made."""
    return {name: told.text(value) for name, value in properties.items() if name != POLICY}


def _asked(policy: Any) -> Patience:
    """Return the patience of a CreationPolicy; by default it is one signal within 5 minutes."""
    wish = policy.get("ResourceSignal") if isinstance(policy, dict) else None
    if not isinstance(wish, dict):
        raise Fault("ValidationError", f"{POLICY} of {CONDITION} is a mapping of ResourceSignal.")
    count = _whole("ResourceSignal.Count", told.text(wish.get("Count", 1)), SIGNALS_MAX)
    return Patience(count, duration(told.text(wish.get("Timeout", "PT5M"))), asked=True)


def duration(text: str) -> float:
    """Return the seconds of an ISO 8601 duration, such as PT1H30M10S. Raises the Fault."""
    found = DURATION.fullmatch(text)
    parts = [int(one or 0) for one in found.groups()] if found else [0, 0, 0]
    seconds = parts[0] * 3600 + parts[1] * 60 + parts[2]
    if not 0 < seconds <= TIMEOUT_S_MAX:
        most = f"at most {TIMEOUT_S_MAX // 3600} hours"
        raise Fault("ValidationError", f"Timeout is a duration such as PT15M, {most}: {text[:40]}")
    return float(seconds)


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= most and len(text) < 9):
        raise Fault("ValidationError", f"{name} is a number from 1 to {most}, not {text[:40]!r}")
    return int(text)
