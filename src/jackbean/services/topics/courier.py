"""Who brings messages to subscribers: to queues at once, elsewhere from what is kept on disk.

A queue's own policy says which topics may send to it: one that has none hears nothing, as on AWS.
A delivery that fails is tried again by the policy of its subscription, and goes to its dead-letter
queue in the end. One that was made, and not noted before the control plane ended, is made again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from functools import partial
from typing import Protocol

from jackbean.core.errors import Fault, PortError
from jackbean.ports.clock import Clock
from jackbean.ports.queues import Queue
from jackbean.ports.topics import Delivery, Subscription, Topics
from jackbean.services.queues import Entry, QueueDesk
from jackbean.services.topics import envelopes, permits
from jackbean.services.topics.envelopes import CONFIRMATION, NOTIFICATION
from jackbean.services.topics.retries import Retries, retries

AT_A_TIME = 16
AT_A_TIME_EACH = 4  # to one subscriber: a slow one must not hold up the others
LOOKED_AT = 256
PAUSE_S = 1.0
IDLE_S = 3600.0
TOLD_MAX = 1000  # queues that take nothing, and were told of

log = logging.getLogger("jackbean.topics")


class Undelivered(Exception):
    """A subscriber did not take a message; `hopeless` if it never will."""

    def __init__(self, reason: str, *, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.hopeless = hopeless


class Carrier(Protocol):
    """The way out of the house."""

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Send an HTTP request. Raises Undelivered."""
        ...

    async def drop(self, name: str, mail: bytes) -> None:
        """Leave a mail where mails are collected. Raises Undelivered."""
        ...


class Courier:
    def __init__(self, store: Topics, queues: QueueDesk, clock: Clock, carrier: Carrier) -> None:
        self._store = store
        self._queues = queues
        self._clock = clock
        self._carrier = carrier
        self._bell = asyncio.Event()
        self._busy: dict[int, tuple[str, asyncio.Task[None]]] = {}
        self._told: set[str] = set()  # what was told of queues, not to tell it with each message

    def poke(self) -> None:
        """Look for deliveries now."""
        self._bell.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._bell.clear()
            try:
                wait_s = await self.round()
            except PortError as error:
                log.warning("%s; trying again", error)
                wait_s = PAUSE_S
            except Exception:  # a bug: the next round goes on
                log.exception("delivering failed")
                wait_s = PAUSE_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def round(self) -> float:
        """Begin to deliver what is due, and return when to look again."""
        now = self._clock.now()
        due, later = await self._store.due(now, LOOKED_AT, AT_A_TIME_EACH)
        for one in due:
            if len(self._busy) < AT_A_TIME and self._may_begin(one):
                task = asyncio.ensure_future(self._deliver(one))
                self._busy[one.number] = (one.subscription, task)
                task.add_done_callback(partial(self._ended, one.number))
        return IDLE_S if later is None else max(0.01, later - now)

    async def close(self) -> None:
        """End what is under way: it is made again by the next control plane."""
        tasks = [task for _, task in self._busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _may_begin(self, delivery: Delivery) -> bool:
        to_it = sum(name == delivery.subscription for name, _ in self._busy.values())
        return delivery.number not in self._busy and to_it < AT_A_TIME_EACH

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        del self._busy[number]
        if not task.cancelled() and (error := task.exception()):
            log.warning("a delivery is tried again: %s", error)
            asyncio.get_running_loop().call_later(PAUSE_S, self.poke)
        else:
            self.poke()

    async def to_queue(
        self,
        delivery: Delivery,
        subscription: Subscription,
        order: tuple[str | None, str | None] = (None, None),
    ) -> None:
        """Send to a queue, else to the dead letters. Raises PortError: then nothing is certain."""
        try:
            await self._send(subscription.endpoint, delivery, order)
        except Fault as fault:
            if fault.code == permits.BARRED:
                self._tell_once(fault.message)
            await self._bury(delivery, subscription, fault.message)

    async def _deliver(self, delivery: Delivery) -> None:
        subscription = await self._store.subscription(delivery.subscription)
        if subscription is None or (delivery.kind == NOTIFICATION and not subscription.confirmed):
            await self._store.settle(delivery.number)
            return
        try:
            await self._carry(delivery, subscription)
        except Undelivered as error:
            await self._failed(delivery, subscription, error)
        else:
            await self._store.settle(delivery.number)

    async def _carry(self, delivery: Delivery, subscription: Subscription) -> None:
        if subscription.protocol in ("http", "https"):
            headers = envelopes.headers(delivery, subscription)
            await self._carrier.post(subscription.endpoint, headers, delivery.body.encode())
        else:
            name = f"{delivery.message}.{delivery.number}.eml"
            await self._carrier.drop(name, envelopes.mail(delivery, subscription))

    async def _failed(
        self, delivery: Delivery, subscription: Subscription, error: Undelivered
    ) -> None:
        wait_s = None
        if not error.hopeless:
            wait_s = (await self._retries(subscription)).delay_s(delivery.attempts + 1)
        if wait_s is not None:
            await self._store.put_off(delivery.number, self._clock.now() + wait_s)
            return
        if delivery.kind != CONFIRMATION:
            await self._bury(delivery, subscription, str(error))
        await self._store.settle(delivery.number)

    async def _retries(self, subscription: Subscription) -> Retries:
        topic = await self._store.topic(subscription.topic)
        own = dict(subscription.attributes).get("DeliveryPolicy")
        of_topic = dict(topic.attributes).get("DeliveryPolicy") if topic else None
        return retries(own or of_topic or "")

    async def _bury(self, delivery: Delivery, subscription: Subscription, reason: str) -> None:
        """Send what cannot be delivered to the subscription's dead letters, if it has any."""
        policy = dict(subscription.attributes).get("RedrivePolicy")
        told = f"{subscription.protocol} {subscription.endpoint} of {subscription.topic}"
        if not policy:
            if reason not in self._told:
                log.warning("%s did not take %s: %s", told, delivery.message, reason)
            return
        try:
            await self._send(json.loads(policy)["deadLetterTargetArn"], delivery, (None, None))
        except Fault as fault:
            log.warning("%s: %s is lost: %s, %s", told, delivery.message, reason, fault)

    async def _send(
        self, arn: str, delivery: Delivery, order: tuple[str | None, str | None]
    ) -> None:
        queue = await self._queues.queues.by_arn(arn)
        if queue is None:
            raise Fault("QueueDoesNotExist", f"there is no queue {arn}")
        self._permit(queue, delivery.subscription.rpartition(":")[0])
        lane, token = order
        fifo = queue.fifo
        entry = Entry(
            body=delivery.body,
            attributes=envelopes.attributes_of(delivery),
            lane=(lane or delivery.subscription) if fifo else None,
            token=(token or delivery.message) if fifo else None,
        )
        sender = self._queues.queues.installation.account
        await self._queues.traffic.send(queue.name, entry, sender)

    def _permit(self, queue: Queue, topic: str) -> None:
        queues = self._queues.queues
        policy = dict(queue.attributes).get("Policy", "")
        permits.check(policy, queues.arn(queue), topic, queues.installation.account)

    def _tell_once(self, text: str) -> None:
        if text in self._told:
            return
        if len(self._told) >= TOLD_MAX:
            self._told.clear()
        self._told.add(text)
        log.warning("%s", text)
