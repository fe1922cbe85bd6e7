"""Topics of stacks, their subscribers and their policies, on those that the SNS API serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.core.errors import Fault
from jackbean.core.resources import Gone, Made
from jackbean.ports.resources import Properties, Wanted
from jackbean.ports.topics import Subscription, Topic
from jackbean.services.resources import properties as told
from jackbean.services.topics import Subscribing
from jackbean.services.topics.attributes import SUBSCRIPTION as SUBSCRIPTION_ATTRIBUTES
from jackbean.services.topics.attributes import TOPIC as TOPIC_ATTRIBUTES
from jackbean.services.topics.attributes import UNREACHED
from jackbean.services.topics.service import TopicService

TOPIC, SUBSCRIPTION = "AWS::SNS::Topic", "AWS::SNS::Subscription"
POLICY = "AWS::SNS::TopicPolicy"
SETTABLE = frozenset(TOPIC_ATTRIBUTES) - {"Policy"}
FIXED = frozenset({"FifoTopic"})
# What an attribute is that nobody has set, where that is not nothing.
UNSET = {
    "ContentBasedDeduplication": "false",
    "FilterPolicyScope": "MessageAttributes",
    "RawMessageDelivery": "false",
}
# What a topic may also have, and what is said of a subscriber that concerns AWS alone.
OWN = frozenset(
    {"DataProtectionPolicy", "DeliveryStatusLogging", "Subscription", "Tags", "TopicName"}
)
ELSEWHERE = frozenset({"Region", "SubscriptionRoleArn", "ReplayPolicy"})
ENDPOINT = ("Endpoint", "Protocol", "TopicArn")


class TopicProvider:
    """ports.Provider."""

    types = (TOPIC,)

    def __init__(self, topics: TopicService, base_url: str) -> None:
        self._topics = topics
        self._base_url = base_url

    async def exists(self, wanted: Wanted) -> bool:
        return await self._there(wanted) is not None

    async def ensure(self, wanted: Wanted) -> Made:
        told.check(wanted, SETTABLE | OWN)
        given = told.texts(wanted.properties, SETTABLE)
        tags = told.tags(wanted.properties)
        topic = await self._there(wanted)
        if topic is None:
            topic = await self._topics.create(wanted.name, given, tags)
        else:
            await self._change(topic, given, tags)
        await self._subscribe(topic.arn, wanted)
        return Made(topic.arn, {"TopicArn": topic.arn, "TopicName": topic.name})

    async def remove(self, wanted: Wanted) -> Gone:
        await self._topics.delete(self._arn(wanted))
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        topic = await self._there(wanted)
        if topic is None:
            return None
        known = {**UNSET, **dict(topic.attributes)}
        named = _inline(wanted.properties)
        subscribed = [
            {"Protocol": one.protocol, "Endpoint": one.endpoint}
            for one in await self._topics.subscriptions(topic.arn)
            if (one.protocol, one.endpoint) in named
        ]
        subscribed += [{"Protocol": p, "Endpoint": e} for p, e in named if p in UNREACHED]
        return {
            **{name: told.read(known.get(name)) for name in SETTABLE},
            "Subscription": subscribed,
            "Tags": told.told_tags(dict(topic.tags)),
            "TopicName": topic.name,
        }

    async def _change(self, topic: Topic, given: dict[str, str], tags: dict[str, str]) -> None:
        """Set what is given, and take away what is not."""
        known = dict(topic.attributes)
        unset = {name: UNSET.get(name, "") for name in known if name in SETTABLE}
        for name, value in {**unset, **given}.items():
            if name not in FIXED and value != known.get(name, UNSET.get(name, "")):
                await self._topics.set_attribute(topic.arn, name, value)
        if tags != dict(topic.tags):
            await self._topics.set_tags(topic.arn, tags)

    async def _subscribe(self, arn: str, wanted: Wanted) -> None:
        """Let those be subscribed that the topic itself names, and no more those that it named."""
        named, formerly = _inline(wanted.properties), _inline(wanted.former or {})
        for protocol, endpoint in (one for one in named if one[0] not in UNREACHED):
            await self._topics.subscribe(Subscribing(arn, protocol, endpoint, {}, self._base_url))
        for one in await self._topics.subscriptions(arn):
            place = one.protocol, one.endpoint
            if place in formerly and place not in named:
                await self._topics.unsubscribe(one.arn)

    def _arn(self, wanted: Wanted) -> str:
        return self._topics.installation.arn(wanted.name, "sns")

    async def _there(self, wanted: Wanted) -> Topic | None:
        arn = self._arn(wanted)
        return next((topic for topic in await self._topics.topics() if topic.arn == arn), None)


class SubscriptionProvider:
    """ports.Provider. A subscriber is known by its topic, its protocol and its endpoint.

    One that nothing leads to from here is a name, as inert types are.
    """

    types = (SUBSCRIPTION,)

    def __init__(self, topics: TopicService, base_url: str) -> None:
        self._topics = topics
        self._base_url = base_url

    async def exists(self, wanted: Wanted) -> bool:
        return False

    async def ensure(self, wanted: Wanted) -> Made:
        told.check(wanted, {*ENDPOINT, *SUBSCRIPTION_ATTRIBUTES, *ELSEWHERE})
        given = told.texts(wanted.properties, SUBSCRIPTION_ATTRIBUTES)
        if told.text(wanted.properties.get("Protocol")) in UNREACHED:
            arn = f"{told.required(wanted, 'TopicArn')}:{wanted.name}"
            return Made(arn, {"Arn": arn})
        there = await self._there(wanted)
        if there is None:
            there = await self._topics.subscribe(self._wish(wanted, given))
        else:
            await self._change(there, given)
        return Made(there.arn, {"Arn": there.arn})

    async def remove(self, wanted: Wanted) -> Gone:
        there = await self._there(wanted)
        if there is not None:
            await self._topics.unsubscribe(there.arn)
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        if told.text(wanted.properties.get("Protocol")) in UNREACHED:
            return wanted.properties
        there = await self._there(wanted)
        if there is None:
            return None
        known = {**UNSET, **dict(there.attributes)}
        place = {"Endpoint": there.endpoint, "Protocol": there.protocol, "TopicArn": there.topic}
        return {**{n: told.read(known.get(n)) for n in SUBSCRIPTION_ATTRIBUTES}, **place}

    async def _change(self, there: Subscription, given: Mapping[str, str]) -> None:
        known = dict(there.attributes)
        unset = {name: UNSET.get(name, "") for name in known}
        for name, value in {**unset, **given}.items():
            if value != known.get(name, UNSET.get(name, "")):
                await self._topics.set_subscription_attribute(there.arn, name, value)

    def _wish(self, wanted: Wanted, given: Mapping[str, str]) -> Subscribing:
        return Subscribing(
            told.required(wanted, "TopicArn"),
            told.required(wanted, "Protocol"),
            told.required(wanted, "Endpoint"),
            given,
            self._base_url,
        )

    async def _there(self, wanted: Wanted) -> Subscription | None:
        topic, protocol, endpoint = (
            told.text(wanted.properties.get(name)) for name in ("TopicArn", "Protocol", "Endpoint")
        )
        for one in await self._topics.subscriptions():
            if (one.topic, one.protocol, one.endpoint) == (topic, protocol, endpoint):
                return one
        return None


class TopicPolicyProvider:
    """ports.Provider. A policy is an attribute of its topics."""

    types = (POLICY,)

    def __init__(self, topics: TopicService) -> None:
        self._topics = topics

    async def exists(self, wanted: Wanted) -> bool:
        return False

    async def ensure(self, wanted: Wanted) -> Made:
        told.check(wanted, ("PolicyDocument", "Topics"))
        policy, topics = told.required(wanted, "PolicyDocument"), _topics(wanted.properties)
        if not topics:
            raise Fault("ValidationError", "Property Topics cannot be empty.")
        for arn in topics:
            await self._topics.set_attribute(arn, "Policy", policy)
        await self._clear(_topics(wanted.former or {}) - topics)
        return Made(wanted.name, {"Id": wanted.name})

    async def remove(self, wanted: Wanted) -> Gone:
        await self._clear(_topics(wanted.properties) | _topics(wanted.former or {}))
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        named = _topics(wanted.properties)
        found = [
            (topic.arn, policy)
            for topic in await self._topics.topics()
            if topic.arn in named and (policy := dict(topic.attributes).get("Policy"))
        ]
        return told.read_policy(wanted, "Topics", found)

    async def _clear(self, arns: set[str]) -> None:
        for topic in await self._topics.topics():
            if topic.arn in arns:
                await self._topics.set_attribute(topic.arn, "Policy", "")


def _topics(properties: Properties) -> set[str]:
    return {told.text(arn) for arn in told.items(properties, "Topics")}


def _inline(properties: Properties) -> list[tuple[str, str]]:
    """Return protocol and endpoint of those whom a topic itself names as its subscribers."""
    found: list[Any] = told.items(properties, "Subscription")
    if not all(isinstance(one, dict) for one in found):
        raise Fault("ValidationError", "Subscription is a list of Endpoint and Protocol.")
    return [(told.text(one.get("Protocol")), told.text(one.get("Endpoint"))) for one in found]
