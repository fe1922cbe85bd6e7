"""Operations on topics."""

from __future__ import annotations

import json
from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.api.sns.pages import page
from jackbean.ports.topics import Topic
from jackbean.services.queues.limits import LABEL_CHARS_MAX
from jackbean.services.topics import faults

Shape = dict[str, Any]
DELIVERY = {
    "http": {
        "defaultHealthyRetryPolicy": {
            "minDelayTarget": 20,
            "maxDelayTarget": 20,
            "numRetries": 3,
            "numMaxDelayRetries": 0,
            "numNoDelayRetries": 0,
            "numMinDelayRetries": 0,
            "backoffFunction": "linear",
        },
        "disableSubscriptionOverrides": False,
    }
}


async def create_topic(plant: Plant, call: Call) -> Shape:
    attributes = call.members.get("Attributes") or {}
    tags = {one["Key"]: one["Value"] for one in call.items("Tags")}
    topic = await plant.topics.topics.create(call.text("Name"), attributes, tags)
    return {"TopicArn": topic.arn}


async def delete_topic(plant: Plant, call: Call) -> Shape:
    await plant.topics.topics.delete(call.text("TopicArn"))
    return {}


async def list_topics(plant: Plant, call: Call) -> Shape:
    found, more = page(call, await plant.topics.topics.topics(), lambda topic: topic.arn)
    return {"Topics": [{"TopicArn": topic.arn} for topic in found], **more}


async def get_topic_attributes(plant: Plant, call: Call) -> Shape:
    topic = await plant.topics.topics.find(call.text("TopicArn"))
    subscribers = await plant.topics.topics.subscriptions(topic.arn)
    confirmed = sum(one.confirmed for one in subscribers)
    told = {
        "TopicArn": topic.arn,
        "Owner": plant.world.installation.account,
        "DisplayName": "",
        "Policy": json.dumps(_policy(plant, topic)),
        "EffectiveDeliveryPolicy": json.dumps(DELIVERY),
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsPending": str(len(subscribers) - confirmed),
        "SubscriptionsDeleted": "0",
    }
    if topic.fifo:
        told["ContentBasedDeduplication"] = "false"
    return {"Attributes": {**told, **dict(topic.attributes)}}


async def set_topic_attributes(plant: Plant, call: Call) -> Shape:
    name, value = call.text("AttributeName"), call.text("AttributeValue")
    await plant.topics.topics.set_attribute(call.text("TopicArn"), name, value)
    return {}


async def list_tags_for_resource(plant: Plant, call: Call) -> Shape:
    tags = await plant.topics.topics.tags(call.text("ResourceArn"))
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


async def tag_resource(plant: Plant, call: Call) -> Shape:
    arn = call.text("ResourceArn")
    given = {one["Key"]: one["Value"] for one in call.items("Tags")}
    await plant.topics.topics.set_tags(arn, {**await plant.topics.topics.tags(arn), **given})
    return {}


async def untag_resource(plant: Plant, call: Call) -> Shape:
    arn, keys = call.text("ResourceArn"), call.items("TagKeys")
    tags = await plant.topics.topics.tags(arn)
    await plant.topics.topics.set_tags(arn, {k: v for k, v in tags.items() if k not in keys})
    return {}


async def add_permission(plant: Plant, call: Call) -> Shape:
    """Keep a statement in the topic's policy."""
    topic, label = await plant.topics.topics.find(call.text("TopicArn")), call.text("Label")
    if not label or len(label) > LABEL_CHARS_MAX:
        raise faults.invalid("Label")
    policy = _policy(plant, topic)
    if any(one.get("Sid") == label for one in policy["Statement"]):
        raise faults.invalid("Statement already exists")
    accounts = [f"arn:aws:iam::{account}:root" for account in call.items("AWSAccountId")]
    made = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": accounts},
        "Action": [f"SNS:{action}" for action in call.items("ActionName")],
        "Resource": topic.arn,
    }
    await _set_policy(plant, topic, {**policy, "Statement": [*policy["Statement"], made]})
    return {}


async def remove_permission(plant: Plant, call: Call) -> Shape:
    topic = await plant.topics.topics.find(call.text("TopicArn"))
    policy = _policy(plant, topic)
    left = [one for one in policy["Statement"] if one.get("Sid") != call.text("Label")]
    await _set_policy(plant, topic, {**policy, "Statement": left})
    return {}


def _policy(plant: Plant, topic: Topic) -> Shape:
    """Return the policy that is set, else the one that says what is true here."""
    told = dict(topic.attributes).get("Policy")
    policy: Shape = json.loads(told) if told else {}
    said = policy.get("Statement")
    if said is not None:
        return {**policy, "Statement": said if isinstance(said, list) else [said]}
    own = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{plant.world.installation.account}:root"},
        "Action": ["SNS:Publish", "SNS:Subscribe"],
        "Resource": topic.arn,
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [own]}


async def _set_policy(plant: Plant, topic: Topic, policy: Shape) -> None:
    await plant.topics.topics.set_attribute(topic.arn, "Policy", json.dumps(policy))
