"""Topics and subscriptions: making, finding, setting and ending them; and publishing.

A message reaches queues before it is answered for; what goes elsewhere is on disk by then, and is
delivered by the courier.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.ports.clock import Clock, Ids
from jackbean.ports.topics import Delivery, Subscription, Topic, Topics
from jackbean.services.queues.messages import packed
from jackbean.services.topics import envelopes, faults, filters
from jackbean.services.topics.attributes import (
    FIFO_ONLY,
    HTTP,
    SUBSCRIPTION,
    TOPIC,
    check,
    check_endpoint,
    check_scope,
)
from jackbean.services.topics.courier import Courier
from jackbean.services.topics.envelopes import CONFIRMATION, NOTIFICATION, Published

MESSAGE_BYTES_MAX = 262_144
SUBJECT_CHARS_MAX = 100
TAGS_MAX = 50
SEQUENCE_BASE = 10**19
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True)
class Subscribing:
    topic: str
    protocol: str
    endpoint: str
    attributes: Mapping[str, str]
    base_url: str


class TopicService:
    def __init__(
        self, store: Topics, world: tuple[Clock, Ids], installation: Installation, courier: Courier
    ) -> None:
        self.installation = installation
        self._store = store
        self._clock, self._ids = world
        self._courier = courier

    # Topics

    async def find(self, arn: str) -> Topic:
        topic = await self._store.topic(arn)
        if topic is None:
            raise faults.not_found("Topic")
        return topic

    async def topics(self) -> list[Topic]:
        return await self._store.topics()

    async def create(
        self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> Topic:
        """Make a topic, or return the one that is there with the same attributes."""
        fifo = name.endswith(".fifo")
        if not _NAME.fullmatch(name.removesuffix(".fifo")) or len(name) > 256:
            raise faults.invalid("Topic Name")
        if fifo != (attributes.get("FifoTopic") == "true"):
            reason = "Fifo Topic names must end with .fifo, and have the attribute FifoTopic=true"
            raise faults.invalid(f"Topic Name: {reason}")
        _check_topic(attributes, fifo=fifo)
        _check_tags(tags)
        arn = self.installation.arn(name, "sns")
        there = await self._store.topic(arn)
        if there is not None:
            _check_same(there, attributes, tags)
            return there
        topic = Topic(arn, self._clock.now(), _pairs(attributes), tuple(sorted(tags.items())))
        await self._store.save_topic(topic)
        return topic

    async def delete(self, arn: str) -> None:
        await self._store.drop_topic(arn)

    async def set_attribute(self, arn: str, name: str, value: str) -> None:
        topic = await self.find(arn)
        if name == "FifoTopic":
            raise faults.invalid("AttributeName")
        _check_topic({name: value}, fifo=topic.fifo)
        merged = {**dict(topic.attributes), name: value}
        await self._store.save_topic(replace(topic, attributes=_pairs(merged)))

    async def set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        _check_tags(tags)
        topic = await self._resource(arn)
        await self._store.save_topic(replace(topic, tags=tuple(sorted(tags.items()))))

    async def tags(self, arn: str) -> dict[str, str]:
        return dict((await self._resource(arn)).tags)

    async def _resource(self, arn: str) -> Topic:
        topic = await self._store.topic(arn)
        if topic is None:
            raise faults.no_resource()
        return topic

    # Subscriptions

    async def subscription(self, arn: str) -> Subscription:
        found = await self._store.subscription(arn)
        if found is None:
            raise faults.not_found("Subscription")
        return found

    async def subscriptions(self, topic: str = "") -> list[Subscription]:
        if topic:
            await self.find(topic)
        return await self._store.subscriptions(topic)

    async def subscribe(self, wish: Subscribing) -> Subscription:
        """Add a subscriber; http and mail are asked first whether they want to be one."""
        topic = await self.find(wish.topic)
        check_endpoint(wish.protocol, wish.endpoint)
        check(SUBSCRIPTION, wish.attributes)
        check_scope(wish.attributes)
        if topic.fifo and wish.protocol != "sqs":
            raise faults.invalid("Invalid protocol type: a FIFO topic delivers to queues only")
        for one in await self._store.subscriptions(topic.arn):
            if (one.protocol, one.endpoint) == (wish.protocol, wish.endpoint):
                return await self._again(one, wish)
        id_, now = self._ids.request(), self._clock.now()
        made = Subscription(
            arn=f"{topic.arn}:{id_}",
            topic=topic.arn,
            protocol=wish.protocol,
            endpoint=wish.endpoint,
            created=now,
            confirmed=wish.protocol == "sqs",
            token=self._ids.secret(),
            base_url=wish.base_url,
            attributes=_pairs(wish.attributes),
        )
        await self._store.save_subscription(made)
        if not made.confirmed:
            await self._ask(made)
        return made

    async def _again(self, there: Subscription, wish: Subscribing) -> Subscription:
        if wish.attributes and there.attributes != _pairs(wish.attributes):
            text = "Attributes Reason: Subscription already exists with different attributes"
            raise faults.invalid(text)
        if not there.confirmed:
            await self._ask(there)
        return there

    async def _ask(self, one: Subscription) -> None:
        id_, now = self._ids.request(), self._clock.now()
        body = envelopes.confirmation(one, id_, now)
        await self._store.post([Delivery(one.arn, id_, CONFIRMATION, body, "", now)])
        self._courier.poke()

    async def confirm(self, topic: str, token: str) -> Subscription:
        await self.find(topic)
        for one in await self._store.subscriptions(topic):
            if hmac.compare_digest(one.token.encode(), token.encode()):
                confirmed = replace(one, confirmed=True)
                await self._store.save_subscription(confirmed)
                return confirmed
        raise faults.invalid("Token")

    async def unsubscribe(self, arn: str) -> None:
        await self._store.drop_subscription(arn)

    async def set_subscription_attribute(self, arn: str, name: str, value: str) -> None:
        one = await self.subscription(arn)
        check(SUBSCRIPTION, {name: value})
        merged = {**dict(one.attributes), name: value}
        check_scope(merged)
        await self._store.save_subscription(replace(one, attributes=_pairs(merged)))

    # Publishing

    async def publish(self, arn: str, published: Published) -> tuple[str, str]:
        """Publish a message; return its id, and its sequence number on a FIFO topic."""
        topic, now = await self.find(arn), self._clock.now()
        published = _fit(topic, published)
        id_ = self._ids.request()
        sequence = str(SEQUENCE_BASE + int(now * 1_000_000)) if topic.fifo else ""
        wanting = [one for one in await self._store.subscriptions(arn) if _wants(one, published)]
        deliveries = [_delivery(one, published, (id_, now, sequence)) for one in wanting]
        by_arn = {one.arn: one for one in wanting}
        later = [d for d in deliveries if by_arn[d.subscription].protocol != "sqs"]
        if later:
            await self._store.post(later)
            self._courier.poke()
        for one in deliveries:
            if by_arn[one.subscription].protocol == "sqs":
                await self._courier.to_queue(one, by_arn[one.subscription], _order(published))
        return id_, sequence


def _order(published: Published) -> tuple[str | None, str | None]:
    return published.lane, published.token


def _wants(one: Subscription, published: Published) -> bool:
    if not one.confirmed:
        return False
    told = dict(one.attributes)
    policy = filters.loaded(told.get("FilterPolicy") or "{}")
    if told.get("FilterPolicyScope") == "MessageBody":
        return not policy or filters.passes_body(policy, published.body_for(one.protocol))
    return filters.passes_attributes(policy, published.attributes)


def _delivery(one: Subscription, published: Published, message: tuple[str, float, str]) -> Delivery:
    plain = envelopes.raw(one) and one.protocol in ("sqs", *HTTP)
    if plain:
        body = published.body_for(one.protocol)
    else:
        body = envelopes.notification(published, one, message)
    attributes = packed(published.attributes) if plain else ""
    return Delivery(one.arn, message[0], NOTIFICATION, body, attributes, message[1])


def _fit(topic: Topic, published: Published) -> Published:
    """Return a message as the topic takes it. Raises the Fault."""
    if not published.body:
        raise faults.invalid("Empty message")
    if published.size > MESSAGE_BYTES_MAX:
        raise faults.invalid("Message too long")
    subject = published.subject
    if len(subject) > SUBJECT_CHARS_MAX or any(ord(one) < 32 for one in subject):
        raise faults.invalid("Subject")
    if published.structured:
        _check_structure(published.body)
    return _in_order(topic, published) if topic.fifo else published


def _check_structure(body: str) -> None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise faults.invalid("Message Structure - JSON message body failed to parse") from None
    if not isinstance(told, dict) or not isinstance(told.get("default"), str):
        raise faults.invalid("Message Structure - No default entry in JSON message body")


def _in_order(topic: Topic, published: Published) -> Published:
    if not published.lane:
        raise faults.invalid("The MessageGroupId parameter is required for FIFO topics")
    if published.token:
        return published
    if dict(topic.attributes).get("ContentBasedDeduplication") == "true":
        token = hashlib.sha256(published.body.encode()).hexdigest()
        return replace(published, token=token)
    text = "The topic should either have ContentBasedDeduplication enabled or "
    raise faults.invalid(text + "MessageDeduplicationId provided explicitly")


def _check_topic(given: Mapping[str, str], *, fifo: bool) -> None:
    check(TOPIC, given)
    wrong = [name for name in given if name in FIFO_ONLY and not fifo and given[name] == "true"]
    if wrong:
        raise faults.invalid(f"Attributes Reason: {wrong[0]} is for FIFO topics only")


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        text = f"Could not complete request: tag quota of per resource exceeded ({TAGS_MAX})"
        raise Fault("TagLimitExceeded", text)
    if any(not 1 <= len(key) <= 128 or len(value) > 256 for key, value in tags.items()):
        raise faults.invalid("Tags: a key has 1 to 128 characters, a value 256 at most")


def _check_same(there: Topic, attributes: Mapping[str, str], tags: Mapping[str, str]) -> None:
    known = dict(there.attributes)
    if any(known.get(name, "") != value for name, value in attributes.items()):
        text = "Attributes Reason: Topic already exists with different attributes"
        raise faults.invalid(text)
    if tags and dict(there.tags) != dict(tags):
        raise faults.invalid("Tags Reason: Topic already exists with different tags")


def _pairs(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in values.items() if value))
