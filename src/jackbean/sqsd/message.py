"""A message, and the request to the application that it becomes. Pure.

The headers are those of AWS's daemon. A sender decides what is in attributes, so nothing of them
may end a header: whatever is no text becomes a space. Other text than ASCII goes as UTF-8.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from jackbean.core.protocol import Worker

USER_AGENT = "aws-sqsd/1.1"
PERIODIC = "beanstalk.sqsd."
TASK, PATH, SCHEDULED = f"{PERIODIC}task_name", f"{PERIODIC}path", f"{PERIODIC}scheduled_time"
NO_TEXT = re.compile(r"[\x00-\x1f\x7f]+")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
PATH_SAFE = "/?&=%:@!$'()*+,;~-._"


class NotMessages(ValueError):
    """What the queue answered cannot be read."""


@dataclass(frozen=True)
class Message:
    """`attributes` are those of the sender that are text or numbers; times are in milliseconds."""

    id: str
    receipt: str
    body: bytes
    receives: int = 1
    first_received_ms: int = 0
    sent_ms: int = 0
    sender: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The periodic task that it is for, if any."""
        return self.attributes.get(TASK, "")

    def older_than(self, seconds: int, now: float) -> bool:
        return self.sent_ms > 0 and now - self.sent_ms / 1000 > seconds


def read_messages(answer: bytes) -> list[Message]:
    """Return the messages in an answer to ReceiveMessage. Raises NotMessages."""
    try:
        return [_message(one) for one in json.loads(answer or b"{}").get("Messages") or ()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotMessages(f"{type(error).__name__}: {error}") from None


def _message(said: Mapping[str, Any]) -> Message:
    system = said.get("Attributes", {})
    return Message(
        id=str(said["MessageId"]),
        receipt=str(said["ReceiptHandle"]),
        body=said["Body"].encode("utf-8", "surrogatepass"),
        receives=int(system.get("ApproximateReceiveCount", 1)),
        first_received_ms=int(system.get("ApproximateFirstReceiveTimestamp", 0)),
        sent_ms=int(system.get("SentTimestamp", 0)),
        sender=str(system.get("SenderId", "")),
        attributes={
            name: str(value["StringValue"])
            for name, value in said.get("MessageAttributes", {}).items()
            if value["DataType"].startswith(("String", "Number"))
        },
    )


def post(message: Message, worker: Worker) -> bytes:
    """Return the request to the application."""
    lines = [f"POST {path(message, worker)} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {header_value(value)}" for name, value in headers(message, worker)]
    lines += [f"Content-Length: {len(message.body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("utf-8", "replace") + message.body


def headers(message: Message, worker: Worker) -> Iterator[tuple[str, str]]:
    yield "User-Agent", USER_AGENT
    yield "Content-Type", worker.mime_type
    yield "X-Aws-Sqsd-Msgid", message.id
    yield "X-Aws-Sqsd-Queue", worker.queue_name
    yield "X-Aws-Sqsd-First-Received-At", _moment(message.first_received_ms)
    yield "X-Aws-Sqsd-Receive-Count", str(message.receives)
    if message.task:
        yield "X-Aws-Sqsd-Taskname", message.task
        yield "X-Aws-Sqsd-Scheduled-At", message.attributes.get(SCHEDULED, "")
        yield "X-Aws-Sqsd-Sender-Id", message.sender
    for name, value in message.attributes.items():
        if name not in (TASK, PATH, SCHEDULED) and HEADER.fullmatch(name):
            yield f"X-Aws-Sqsd-Attr-{name}", value


def path(message: Message, worker: Worker) -> str:
    """Return where a message is posted: periodic tasks bring their own path."""
    wanted = message.attributes.get(PATH) or worker.http_path or "/"
    return quote(wanted if wanted.startswith("/") else f"/{wanted}", safe=PATH_SAFE)


def header_value(text: str) -> str:
    """Return text as it can be a header's value."""
    return NO_TEXT.sub(" ", text).strip()


def _moment(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
