"""What subscribers are told: the envelope around a message, and how it is sent. Pure.

Envelopes are not signed: the fields are there, for programs that look for them, and empty.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import urlencode

from jackbean.ports.topics import Delivery, Subscription
from jackbean.services.queues.digests import Attributes
from jackbean.services.queues.messages import unpacked

NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"
VERSION = "2010-03-31"


@dataclass(frozen=True)
class Published:
    """A message as it was published. `structured`: `body` has one text for each protocol."""

    body: str
    subject: str = ""
    attributes: Attributes = field(default_factory=dict)
    structured: bool = False
    lane: str | None = None
    token: str | None = None

    @property
    def size(self) -> int:
        """The bytes that count."""
        return len(self.body.encode()) + sum(
            len(name.encode()) + len(one.kind.encode()) + len(one.data)
            for name, one in self.attributes.items()
        )

    def body_for(self, protocol: str) -> str:
        if not self.structured:
            return self.body
        told = json.loads(self.body)
        return str(told.get(protocol, told["default"]))


def raw(subscription: Subscription) -> bool:
    return dict(subscription.attributes).get("RawMessageDelivery") == "true"


def notification(
    published: Published, subscription: Subscription, message: tuple[str, float, str]
) -> str:
    """Return the envelope of a message: its id, when it was published, and its number if any."""
    id_, now, sequence = message
    body = published.body_for(subscription.protocol)
    told: dict[str, Any] = {
        "Type": NOTIFICATION,
        "MessageId": id_,
        **({"SequenceNumber": sequence} if sequence else {}),
        "TopicArn": subscription.topic,
        **({"Subject": published.subject} if published.subject else {}),
        "Message": body,
        "Timestamp": _instant(now),
        **_unsigned(),
        "UnsubscribeURL": _url(
            subscription, Action="Unsubscribe", SubscriptionArn=subscription.arn
        ),
    }
    if published.attributes:
        told["MessageAttributes"] = {
            name: {
                "Type": one.kind,
                "Value": one.value
                if isinstance(one.value, str)
                else base64.b64encode(one.value).decode(),
            }
            for name, one in published.attributes.items()
        }
    return json.dumps(told)


def confirmation(subscription: Subscription, id_: str, now: float) -> str:
    """Return what asks a subscriber whether it wants to be one."""
    where = {"TopicArn": subscription.topic, "Token": subscription.token}
    told = {
        "Type": CONFIRMATION,
        "MessageId": id_,
        "Token": subscription.token,
        "TopicArn": subscription.topic,
        "Message": f"You have chosen to subscribe to the topic {subscription.topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message.",
        "SubscribeURL": _url(subscription, Action="ConfirmSubscription", **where),
        "Timestamp": _instant(now),
        **_unsigned(),
    }
    return json.dumps(told)


def headers(delivery: Delivery, subscription: Subscription) -> dict[str, str]:
    """Return the header of a POST to a subscriber."""
    told = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": delivery.kind,
        "x-amz-sns-message-id": delivery.message,
        "x-amz-sns-topic-arn": subscription.topic,
    }
    if delivery.kind == NOTIFICATION:
        told["x-amz-sns-subscription-arn"] = subscription.arn
        if raw(subscription):
            told["x-amz-sns-rawdelivery"] = "true"
    return told


def mail(delivery: Delivery, subscription: Subscription) -> bytes:
    """Return a delivery as a mail."""
    made = EmailMessage(policy=SMTP)
    made["From"] = "Notifications <no-reply@sns.localhost>"
    made["To"] = subscription.endpoint
    made["Message-ID"] = f"<{delivery.message}.{delivery.number}@sns.localhost>"
    told = json.loads(delivery.body)
    if delivery.kind == CONFIRMATION:
        made["Subject"] = "AWS Notification - Subscription Confirmation"
        made.set_content(f"{told['Message']}\n\n{told['SubscribeURL']}\n")
    elif subscription.protocol == "email-json":
        made["Subject"] = "AWS Notification Message"
        made.set_content(delivery.body)
    else:
        made["Subject"] = " ".join(str(told.get("Subject", "AWS Notification Message")).split())
        made.set_content(f"{told['Message']}\n\n--\n{told['UnsubscribeURL']}\n")
    return made.as_bytes()


def attributes_of(delivery: Delivery) -> dict[str, Any]:
    return unpacked(delivery.attributes)


def _instant(now: float) -> str:
    made = datetime.fromtimestamp(now, UTC)
    return made.strftime("%Y-%m-%dT%H:%M:%S.") + f"{made.microsecond // 1000:03}Z"


def _unsigned() -> dict[str, str]:
    return {"SignatureVersion": "1", "Signature": "", "SigningCertURL": ""}


def _url(subscription: Subscription, **members: str) -> str:
    return f"{subscription.base_url}/?{urlencode({**members, 'Version': VERSION})}"
