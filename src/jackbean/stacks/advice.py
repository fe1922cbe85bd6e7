"""What a bundle's resources leave out or ask for in vain, found before anything is made of them.

CloudFormation takes such templates, and nothing comes of what they say: a queue that hears of no
topic, a policy that is met by nobody. People should know while they look at their deployment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jackbean.core.policies import unjudgeable
from jackbean.stacks.openings import vain
from jackbean.stacks.values import listed, properties

Resources = Mapping[str, Any]
TOPIC, SUBSCRIPTION = "AWS::SNS::Topic", "AWS::SNS::Subscription"
QUEUE, QUEUE_POLICY = "AWS::SQS::Queue", "AWS::SQS::QueuePolicy"
# What becomes of what topics tell to subscribers who are not reached as on AWS.
SUBSCRIBERS: Mapping[str, str] = {
    **dict.fromkeys(
        ("email", "email-json"),
        "mails to it are files in mail/ of the data directory, for whatever sends mail",
    ),
    **dict.fromkeys(
        ("application", "firehose", "lambda", "sms"),
        "nothing leads to subscribers of that protocol from here, and nothing is sent to them",
    ),
}
POLICIES = frozenset({QUEUE_POLICY, "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"})


def advised(resources: Resources) -> Iterator[tuple[str, str]]:
    """Yield logical ids of a template, and what should be known of each."""
    for queue in dict.fromkeys(_deaf(resources)):
        text = (
            "a topic sends to it, and no AWS::SQS::QueuePolicy allows that: it will hear nothing. "
            "Allow sqs:SendMessage to the topic (Condition: ArnEquals: aws:SourceArn)"
        )
        yield queue, text
    for name, one in resources.items():
        for text in (*_untold(one), *_unjudged(one)):
            yield name, text
    yield from vain(resources)


def _untold(one: Any) -> Iterator[str]:
    for protocol in dict.fromkeys(str(found.get("Protocol")) for found in _subscribers([one])):
        if protocol in SUBSCRIBERS:
            yield f"{protocol}: {SUBSCRIBERS[protocol]}"


def _unjudged(one: Any) -> Iterator[str]:
    document = properties(one).get("PolicyDocument") if _type(one) in POLICIES else None
    statements = document.get("Statement") if isinstance(document, dict) else None
    if strange := unjudgeable(statements):
        yield f"{', '.join(strange)} cannot be judged here, and so opens nothing"


def _deaf(resources: Resources) -> Iterator[str]:
    """Yield queues of the template that topics send to, and that no policy is about."""
    open_ones = {
        _referred(queue)
        for one in resources.values()
        if _type(one) == QUEUE_POLICY
        for queue in listed(properties(one).get("Queues"))
    }
    for subscriber in _subscribers(resources.values()):
        if str(subscriber.get("Protocol")) == "sqs":
            queue = _referred(subscriber.get("Endpoint"))
            if queue not in open_ones and _type(resources.get(queue)) == QUEUE:
                yield queue


def _subscribers(resources: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for one in resources:
        said = properties(one)
        if _type(one) == SUBSCRIPTION:
            yield said
        elif _type(one) == TOPIC:
            for subscriber in listed(said.get("Subscription")):
                if isinstance(subscriber, dict):
                    yield subscriber


def _referred(value: Any) -> str:
    """Return the logical id that a reference names; "" where it is none."""
    if not isinstance(value, dict) or len(value) != 1:
        return ""
    ((function, argument),) = value.items()
    if function == "Fn::GetAtt":
        first = argument.split(".") if isinstance(argument, str) else argument
        return str(first[0]) if isinstance(first, list) and first else ""
    return str(argument) if function == "Ref" else ""


def _type(one: Any) -> str:
    return str(one.get("Type")) if isinstance(one, dict) else ""
