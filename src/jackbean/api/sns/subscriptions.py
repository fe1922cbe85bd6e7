"""Operations on subscriptions."""

from __future__ import annotations

from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.api.sns.pages import page
from jackbean.ports.topics import Subscription
from jackbean.services.topics import Subscribing

Shape = dict[str, Any]
PENDING = "PendingConfirmation"


async def subscribe(plant: Plant, call: Call) -> Shape:
    wish = Subscribing(
        topic=call.text("TopicArn"),
        protocol=call.text("Protocol"),
        endpoint=call.text("Endpoint"),
        attributes=call.members.get("Attributes") or {},
        base_url=call.base_url,
    )
    made = await plant.topics.topics.subscribe(wish)
    shown = made.confirmed or call.flag("ReturnSubscriptionArn", default=False)
    return {"SubscriptionArn": made.arn if shown else "pending confirmation"}


async def confirm_subscription(plant: Plant, call: Call) -> Shape:
    one = await plant.topics.topics.confirm(call.text("TopicArn"), call.text("Token"))
    return {"SubscriptionArn": one.arn}


async def unsubscribe(plant: Plant, call: Call) -> Shape:
    await plant.topics.topics.unsubscribe(call.text("SubscriptionArn"))
    return {}


async def list_subscriptions(plant: Plant, call: Call) -> Shape:
    found = await plant.topics.topics.subscriptions()
    return _listed(plant, call, found)


async def list_subscriptions_by_topic(plant: Plant, call: Call) -> Shape:
    found = await plant.topics.topics.subscriptions(call.text("TopicArn"))
    return _listed(plant, call, found)


async def get_subscription_attributes(plant: Plant, call: Call) -> Shape:
    one = await plant.topics.topics.subscription(call.text("SubscriptionArn"))
    attributes = dict(one.attributes)
    if "FilterPolicy" in attributes:
        attributes.setdefault("FilterPolicyScope", "MessageAttributes")
    told = {
        "SubscriptionArn": one.arn,
        "TopicArn": one.topic,
        "Owner": plant.world.installation.account,
        "Protocol": one.protocol,
        "Endpoint": one.endpoint,
        "PendingConfirmation": "false" if one.confirmed else "true",
        "ConfirmationWasAuthenticated": "true" if one.protocol == "sqs" else "false",
        "RawMessageDelivery": "false",
        "SubscriptionPrincipal": f"arn:aws:iam::{plant.world.installation.account}:root",
    }
    return {"Attributes": {**told, **attributes}}


async def set_subscription_attributes(plant: Plant, call: Call) -> Shape:
    name, value = call.text("AttributeName"), call.text("AttributeValue")
    arn = call.text("SubscriptionArn")
    await plant.topics.topics.set_subscription_attribute(arn, name, value)
    return {}


def _listed(plant: Plant, call: Call, items: list[Subscription]) -> Shape:
    found, more = page(call, items, lambda one: one.arn)
    listed = [
        {
            "SubscriptionArn": one.arn if one.confirmed else PENDING,
            "Owner": plant.world.installation.account,
            "Protocol": one.protocol,
            "Endpoint": one.endpoint,
            "TopicArn": one.topic,
        }
        for one in found
    ]
    return {"Subscriptions": listed, **more}
