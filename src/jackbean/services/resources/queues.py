"""Queues of stacks, and their policies, on the queues that the SQS API serves.

A queue is known by its URL. The URL is that of AWS: whoever tells it to an instance puts the
address there by which the instance reaches us.
"""

from __future__ import annotations

from jackbean.core.errors import Fault
from jackbean.core.resources import Gone, Made
from jackbean.ports.queues import Queue
from jackbean.ports.resources import Properties, Wanted
from jackbean.services.queues import names
from jackbean.services.queues.attributes import BY_NAME, effective
from jackbean.services.queues.service import QueueService
from jackbean.services.resources import properties as told

QUEUE, POLICY = "AWS::SQS::Queue", "AWS::SQS::QueuePolicy"
FIXED = frozenset({"FifoQueue"})
SETTABLE = frozenset(BY_NAME) - {"Policy"}
KNOWN = SETTABLE | {"QueueName", "Tags"}


class QueueProvider:
    """ports.Provider."""

    types = (QUEUE,)

    def __init__(self, queues: QueueService) -> None:
        self._queues = queues

    async def exists(self, wanted: Wanted) -> bool:
        return await _there(self._queues, wanted.name) is not None

    async def ensure(self, wanted: Wanted) -> Made:
        told.check(wanted, KNOWN)
        given = told.texts(wanted.properties, SETTABLE)
        tags = told.tags(wanted.properties)
        there = await _there(self._queues, wanted.name)
        if there is None:
            there = await self._queues.create(wanted.name, given, tags)
        else:
            await self._change(there, given, tags)
        return self._made(there)

    async def remove(self, wanted: Wanted) -> Gone:
        if await _there(self._queues, wanted.name) is not None:
            await self._queues.delete(wanted.name)
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        there = await _there(self._queues, wanted.name)
        if there is None:
            return None
        known = effective(there)
        return {
            **{name: told.read(known.get(name)) for name in SETTABLE},
            "QueueName": there.name,
            "Tags": told.told_tags(dict(there.tags)),
        }

    async def _change(self, there: Queue, given: dict[str, str], tags: dict[str, str]) -> None:
        """Set what is given, and what is not to what it is by default."""
        unset = {n: BY_NAME[n].default for n, _ in there.attributes if n in SETTABLE - FIXED}
        wanted = {n: v for n, v in {**unset, **given}.items() if n not in FIXED}
        known = effective(there)
        changed = {n: v for n, v in wanted.items() if v != known.get(n, "")}
        if changed:
            await self._queues.set_attributes(there.name, changed)
        if tags != dict(there.tags):
            await self._queues.untag(there.name, dict(there.tags).keys() - tags.keys())
            await self._queues.tag(there.name, tags)

    def _made(self, queue: Queue) -> Made:
        installation = self._queues.installation
        base = f"https://sqs.{installation.region}.amazonaws.com"
        url = names.url_of(queue.name, base, installation)
        attributes = {"Arn": self._queues.arn(queue), "QueueName": queue.name, "QueueUrl": url}
        return Made(url, attributes)


class QueuePolicyProvider:
    """ports.Provider. A policy is an attribute of its queues."""

    types = (POLICY,)

    def __init__(self, queues: QueueService) -> None:
        self._queues = queues

    async def exists(self, wanted: Wanted) -> bool:
        return False

    async def ensure(self, wanted: Wanted) -> Made:
        told.check(wanted, ("PolicyDocument", "Queues"))
        policy = told.required(wanted, "PolicyDocument")
        queues = self._named(wanted.properties)
        if not queues:
            raise Fault("ValidationError", "Property Queues cannot be empty.")
        for name in queues:
            await self._queues.set_attributes(name, {"Policy": policy})
        for name in self._named(wanted.former or {}) - queues:
            await self._clear(name)
        return Made(wanted.name, {"Id": wanted.name})

    async def remove(self, wanted: Wanted) -> Gone:
        for name in self._named(wanted.properties) | self._named(wanted.former or {}):
            await self._clear(name)
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        found = []
        for url in told.items(wanted.properties, "Queues"):
            named = names.name_in_url(told.text(url), self._queues.installation)
            there = await _there(self._queues, named)
            if there is not None and (policy := dict(there.attributes).get("Policy")):
                found.append((url, policy))
        return told.read_policy(wanted, "Queues", found)

    async def _clear(self, name: str) -> None:
        if await _there(self._queues, name) is not None:
            await self._queues.set_attributes(name, {"Policy": ""})

    def _named(self, properties: Properties) -> set[str]:
        installation = self._queues.installation
        urls = told.items(properties, "Queues")
        return {names.name_in_url(told.text(url), installation) for url in urls}


async def _there(queues: QueueService, name: str) -> Queue | None:
    return await queues.by_arn(names.arn_of(name, queues.installation))
