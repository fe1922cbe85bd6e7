"""Senders and receivers of a queue whose control plane is killed again and again."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.installation import Installation

RECEIVES_MAX = 3
VISIBILITY_S = 4
BAD = "bad"  # what begins so is never deleted
LOST = (BotoCoreError, ClientError)


@dataclass
class Tally:
    """What clients were told, by the ids of messages."""

    sent: dict[str, str] = field(default_factory=dict)  # acknowledged
    received: Counter[str] = field(default_factory=Counter)
    deleted: set[str] = field(default_factory=set)  # acknowledged, with a receipt that counted
    late: list[str] = field(default_factory=list)  # received although deleted
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def bad(self) -> set[str]:
        return {id_ for id_, body in self.sent.items() if body.startswith(BAD)}


class Play:
    """`count` messages through a queue, of which one in `one_in` is bad."""

    def __init__(self, one: Installation, count: int, one_in: int, clients: int = 2) -> None:
        self.one, self.count, self.one_in = one, count, one_in
        self.tally = Tally()
        self.clients = clients
        self.kills = 0
        self._over = threading.Event()
        sqs = one.client("sqs")
        self.dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])
        arn = found["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES_MAX})
        attributes = {"RedrivePolicy": policy, "VisibilityTimeout": str(VISIBILITY_S)}
        made = sqs.create_queue(QueueName="killed", Attributes=attributes)
        self.url = made["QueueUrl"]

    def run(self, kills: int, pause_s: float, patience_s: float) -> Tally:
        """Send, receive and kill; return when the queue is empty."""
        senders = [self._thread(self._send, n) for n in range(self.clients)]
        receivers = [self._thread(self._receive, n) for n in range(self.clients)]
        chance = random.Random(kills)
        for _ in range(kills):
            time.sleep(chance.uniform(0.2, 1.0) * pause_s)  # a random moment
            self.one.kill()
            self.kills += 1
            self.one.start()
        deadline = time.monotonic() + patience_s
        while any(thread.is_alive() for thread in senders) or self._left():
            assert time.monotonic() < deadline, f"{self._left()} are left"
            time.sleep(0.2)  # between two looks
        self._over.set()
        for thread in (*senders, *receivers):
            thread.join(30)
        return self.tally

    def dead_letters(self) -> Counter[tuple[str, str]]:
        """Return the ids and receive counts of all dead letters."""
        sqs, found = self.one.client("sqs"), Counter[tuple[str, str]]()
        while True:
            answer = sqs.receive_message(
                QueueUrl=self.dead,
                MaxNumberOfMessages=10,
                VisibilityTimeout=600,
                AttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                return found
            found.update(
                (m["MessageId"], m["Attributes"]["ApproximateReceiveCount"]) for m in messages
            )

    def _left(self) -> int:
        found = self.one.client("sqs").get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["All"]
        )["Attributes"]
        return sum(int(v) for k, v in found.items() if k.startswith("ApproximateNumber"))

    def _thread(self, work: Any, number: int) -> threading.Thread:
        client = self.one.client_with(_keys(self.one), "sqs")
        thread = threading.Thread(target=work, args=(client, number), daemon=True)
        thread.start()
        return thread

    def _send(self, client: Any, number: int) -> None:
        mine = range(number, self.count, self.clients)
        for start in range(0, len(mine), 10):
            entries = [
                {"Id": str(n), "MessageBody": self._body(n)} for n in mine[start : start + 10]
            ]
            while entries:
                answer = _tried(client.send_message_batch, QueueUrl=self.url, Entries=entries)
                done = {one["Id"]: one["MessageId"] for one in answer.get("Successful", ())}
                with self.tally.lock:
                    self.tally.sent.update({id_: self._body(int(n)) for n, id_ in done.items()})
                entries = [one for one in entries if one["Id"] not in done]

    def _body(self, number: int) -> str:
        return f"{BAD if number % self.one_in == 0 else 'good'} {number}"

    def _receive(self, client: Any, _: int) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            answer = _tried(
                client.receive_message,
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
            )
            messages = answer.get("Messages", [])
            with self.tally.lock:
                for message in messages:
                    if message["MessageId"] in self.tally.deleted:
                        self.tally.late.append(message["MessageId"])
                    self.tally.received[message["MessageId"]] += 1
            self._delete(client, [m for m in messages if not m["Body"].startswith(BAD)], began)

    def _delete(self, client: Any, messages: list[Any], began: float) -> None:
        entries = [
            {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)
        ]
        if entries:
            answer = _tried(client.delete_message_batch, QueueUrl=self.url, Entries=entries)
            done = [messages[int(one["Id"])]["MessageId"] for one in answer.get("Successful", ())]
            if time.monotonic() - began < VISIBILITY_S:  # else others may have a newer receipt
                with self.tally.lock:
                    self.tally.deleted.update(done)


def _tried(call: Any, **parameters: Any) -> Any:
    """Return the answer, or nothing where nobody answered."""
    try:
        return call(**parameters)
    except LOST:
        time.sleep(0.05)  # somebody is being started
        return {}


def _keys(one: Installation) -> tuple[str, str]:
    env = one.env
    return env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
