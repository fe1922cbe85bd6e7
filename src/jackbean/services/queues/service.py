"""Queues themselves: making, finding, setting, listing and ending them."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping
from dataclasses import replace

from jackbean.core.installation import Installation
from jackbean.ports.clock import Clock
from jackbean.ports.queues import Counts, Queue, QueueRefused, Queues
from jackbean.services.queues import faults, permissions, redrive
from jackbean.services.queues.attributes import (
    ALL,
    COUNTED,
    check_names,
    check_together,
    checked,
    effective,
    pairs,
    terms,
)
from jackbean.services.queues.limits import TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX
from jackbean.services.queues.lines import Lines
from jackbean.services.queues.names import FIFO, arn_of, check_name, name_in_arn


class QueueService:
    """What can be done about queues. `lines` is shared with whoever sends and receives."""

    def __init__(
        self, store: Queues, clock: Clock, installation: Installation, lines: Lines
    ) -> None:
        self.installation = installation
        self._store = store
        self._clock = clock
        self._lines = lines

    def arn(self, queue: Queue) -> str:
        return arn_of(queue.name, self.installation)

    async def find(self, name: str) -> Queue:
        queue = await self._store.queue(name)
        if queue is None:
            raise faults.no_queue()
        return queue

    async def by_arn(self, arn: str) -> Queue | None:
        name = name_in_arn(arn, self.installation)
        return None if name is None else await self._store.queue(name)

    async def begun(self, prefix: str = "") -> list[Queue]:
        """Return the queues whose names begin so, by name."""
        return [queue for queue in await self._store.queues() if queue.name.startswith(prefix)]

    async def create(
        self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> Queue:
        """Make a queue, or return the one that is there with the same attributes."""
        fifo = attributes.get("FifoQueue", "").lower() == "true" or name.endswith(FIFO)
        check_name(name, fifo=fifo)
        if fifo and "FifoQueue" not in attributes:
            raise faults.invalid(
                "The queue name ends with .fifo, so the attribute FifoQueue must be true."
            )
        plain = _plain(checked(attributes, fifo=fifo))
        check_tags(tags)
        there = await self._store.queue(name)
        if there is not None:
            return _same(there, plain)
        check_together(plain)
        now = float(int(self._clock.now()))
        queue = Queue(name, now, now, pairs(plain), tuple(sorted(tags.items())))
        await self._check_redrive(queue)
        try:
            return await self._store.add_queue(queue)
        except QueueRefused:  # somebody was faster
            return _same(await self.find(name), plain)

    async def delete(self, name: str) -> None:
        queue = await self.find(name)
        await _there(self._store.drop_queue(queue.key))
        self._lines.drop(queue.key)

    async def purge(self, name: str) -> None:
        await self._store.purge((await self.find(name)).key)

    async def expire(self) -> None:
        """Forget messages of all queues whose time is over."""
        for queue in await self._store.queues():
            await self._store.expire(queue.key, oldest_ms(queue, self._clock.now()))

    async def counts(self, name: str) -> Counts:
        """Return how many messages a queue has, without those whose time is over."""
        queue, now = await self.find(name), self._clock.now()
        await self._store.expire(queue.key, oldest_ms(queue, now))
        return await self._store.counts(queue.key, int(now * 1000))

    async def attributes(self, name: str, wanted: Collection[str]) -> dict[str, str]:
        """Return those attributes of a queue that are asked for and that it has."""
        check_names(list(wanted))
        queue = await self.find(name)
        found = {
            **effective(queue),
            "QueueArn": self.arn(queue),
            "CreatedTimestamp": str(int(queue.created)),
            "LastModifiedTimestamp": str(int(queue.modified)),
        }
        if ALL in wanted or any(one in wanted for one in COUNTED):
            counts = await self.counts(name)
            numbers = (counts.visible, counts.held, counts.delayed)
            found.update(zip(COUNTED, map(str, numbers), strict=True))
        return {name: value for name, value in found.items() if ALL in wanted or name in wanted}

    async def set_attributes(self, name: str, given: Mapping[str, str]) -> None:
        queue = await self.find(name)
        if "FifoQueue" in given:
            raise faults.unknown_attribute("FifoQueue")
        merged = {**dict(queue.attributes), **_plain(checked(given, fifo=queue.fifo))}
        check_together(merged)
        changed = replace(queue, attributes=pairs(merged), modified=self._clock.now() // 1)
        if "RedrivePolicy" in given:
            await self._check_redrive(changed)
        await _there(self._store.save_queue(changed))
        if queue.fifo and terms(changed).delay_s != terms(queue).delay_s:
            await self._store.delay(queue.key, 1000 * terms(changed).delay_s)
        self._lines.of(queue.key).ring()

    async def tag(self, name: str, tags: Mapping[str, str]) -> None:
        queue = await self.find(name)
        merged = {**dict(queue.tags), **tags}
        check_tags(merged)
        await _there(self._store.save_queue(replace(queue, tags=tuple(sorted(merged.items())))))

    async def untag(self, name: str, keys: Collection[str]) -> None:
        queue = await self.find(name)
        left = tuple((key, value) for key, value in queue.tags if key not in keys)
        await _there(self._store.save_queue(replace(queue, tags=left)))

    async def add_permission(self, name: str, grant: permissions.Grant) -> None:
        queue = await self.find(name)
        policy = effective(queue).get("Policy", "")
        await self._set_policy(queue, permissions.added(policy, self.arn(queue), grant))

    async def remove_permission(self, name: str, label: str) -> None:
        queue = await self.find(name)
        policy = effective(queue).get("Policy", "")
        await self._set_policy(queue, permissions.removed(policy, label))

    async def sources(self, name: str) -> list[Queue]:
        """Return the queues whose dead letters come here."""
        arn = self.arn(await self.find(name))
        queues = await self._store.queues()
        return [q for q in queues if (found := terms(q).redrive) and found.target == arn]

    async def _set_policy(self, queue: Queue, policy: str) -> None:
        attributes = {**dict(queue.attributes), "Policy": policy}
        await _there(self._store.save_queue(replace(queue, attributes=pairs(attributes))))

    async def _check_redrive(self, queue: Queue) -> None:
        wanted = terms(queue).redrive
        if wanted is not None:
            policy = effective(queue)["RedrivePolicy"]
            target = await self.by_arn(wanted.target)
            redrive.check_target(policy, self.arn(queue), queue, target)


def oldest_ms(queue: Queue, now: float) -> int:
    """Return the instant before which messages are forgotten."""
    return int((now - terms(queue).retention_s) * 1000)


def check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise faults.invalid(f"Too many tags: a queue has at most {TAGS_MAX}.")
    for key, value in tags.items():
        if not 1 <= len(key) <= TAG_KEY_CHARS_MAX or len(value) > TAG_VALUE_CHARS_MAX:
            raise faults.invalid(
                f"The tag {key[:64]!r} is invalid: a key has 1 to {TAG_KEY_CHARS_MAX} characters, "
                f"a value {TAG_VALUE_CHARS_MAX} at most."
            )


def _plain(values: dict[str, str]) -> dict[str, str]:
    """Return attributes with their policies as they are kept."""
    plainers = {
        "RedrivePolicy": redrive.plain_policy,
        "RedriveAllowPolicy": redrive.plain_permission,
    }
    return {n: plainers[n](v) if n in plainers and v else v for n, v in values.items()}


def _same(there: Queue, wanted: Mapping[str, str]) -> Queue:
    """Return the queue that is there. Raises the Fault if something else is wanted of it."""
    values = effective(there)
    for name, value in wanted.items():
        if values.get(name, "") != value:
            raise faults.name_taken(name)
    return there


async def _there(change: Awaitable[None]) -> None:
    """Wait for a change of a queue. Raises the Fault if that has just gone."""
    try:
        await change
    except QueueRefused:
        raise faults.no_queue() from None
