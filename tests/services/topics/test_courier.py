"""Deliveries on virtual time: retries, dead letters, slow subscribers and restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.control.scenes import INSTALLATION

from jackbean.services.queues import QueueDesk, Receive
from jackbean.services.topics import TopicDesk, Undelivered
from jackbean.services.topics.envelopes import Published
from jackbean.services.topics.service import Subscribing
from jackbean.simulator.clock import SeededIds, VirtualClock
from jackbean.simulator.queues import MemoryQueues
from jackbean.simulator.topics import MemoryTopics

RAW = {"RawMessageDelivery": "true"}


class Carrier:
    """services.topics.Carrier: hosts answer what `answers` says, else take everything.

    `slow` hosts answer nothing.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.posted: list[tuple[float, str, str]] = []
        self.answers: dict[str, list[Undelivered]] = {}
        self.slow: set[str] = set()

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        self.posted.append((self._clock.now(), url, body.decode()))
        if url in self.slow:
            await asyncio.Event().wait()
        if self.answers.get(url):
            raise self.answers[url].pop(0)

    async def drop(self, name: str, mail: bytes) -> None:
        raise AssertionError("nobody wants mail here")


def policy(topic: str) -> str:
    condition = {"ArnEquals": {"aws:SourceArn": topic}}
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "SQS:*", "Condition": condition}
    return json.dumps({"Statement": allowed})


class Rig:
    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.run = self._runner.run
        self.clock = VirtualClock()
        self.store = MemoryTopics()
        world = (self.clock, SeededIds(1))
        self.queues = QueueDesk.made(MemoryQueues(), INSTALLATION, world, b"secret")
        self.carrier = Carrier(self.clock)
        self.desk = TopicDesk.made(self.store, self.queues, world, self.carrier)
        self.topic = self.run(self.desk.topics.create("t", {}, {})).arn
        self.run(self.queues.queues.create("dead", {"Policy": policy(self.topic)}, {}))

    def subscribe(self, url: str, **attributes: str) -> None:
        """Add a subscriber that has said that it wants to be one."""
        wish = Subscribing(self.topic, "http", url, {**RAW, **attributes}, "http://base")
        made = self.run(self.desk.topics.subscribe(wish))
        self.run(self.desk.topics.confirm(self.topic, made.token))
        self.deliver()
        self.carrier.posted.clear()

    def publish(self, body: str) -> None:
        self.run(self.desk.topics.publish(self.topic, Published(body)))

    def deliver(self) -> float:
        """Deliver what is due, until nothing more begins; return when to look again."""

        async def rounds() -> float:
            wait_s = 0.0
            for _ in range(50):
                wait_s = await self.desk.courier.round()
                await asyncio.sleep(0)
            return wait_s

        return float(self.run(rounds()))

    def told(self) -> list[str]:
        return [f"{url} {body}" for _, url, body in self.carrier.posted]

    def dead(self) -> list[str]:
        found = self.run(self.queues.traffic.receive("dead", Receive(10, wait_s=0)))
        return [one.message.body for one in found]

    def close(self) -> None:
        self.run(self.desk.courier.close())
        self._runner.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def refusals(count: int, *, hopeless: bool = False) -> list[Undelivered]:
    return [Undelivered("it answered 500", hopeless=hopeless) for _ in range(count)]


def dead_letters(rig: Rig) -> dict[str, str]:
    target = rig.queues.queues.installation.arn("dead", "sqs")
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": target})}


def test_three_retries_and_then_the_dead_letters(rig: Rig) -> None:
    rig.subscribe("http://a/", **dead_letters(rig))
    rig.carrier.answers["http://a/"] = refusals(4)
    rig.publish("m")
    began = rig.clock.now()
    for _ in range(4):
        wait_s = rig.deliver()
        rig.clock.advance(min(wait_s, 60))
    assert [at - began for at, _, _ in rig.carrier.posted] == [0, 20, 40, 60]
    assert rig.dead() == ["m"]
    assert rig.deliver() == 3600.0


def test_what_will_never_be_taken_is_not_tried_again(rig: Rig) -> None:
    rig.subscribe("http://a/", **dead_letters(rig))
    rig.carrier.answers["http://a/"] = refusals(1, hopeless=True)
    rig.publish("m")
    rig.deliver()
    assert len(rig.carrier.posted) == 1
    assert rig.dead() == ["m"]


@pytest.mark.parametrize("of", ["subscription", "topic"])
def test_retries_as_somebody_chose(rig: Rig, of: str) -> None:
    policy = {"numRetries": 2, "minDelayTarget": 1, "maxDelayTarget": 5}
    own = {"DeliveryPolicy": json.dumps({"healthyRetryPolicy": policy})}
    rig.subscribe("http://a/", **(own if of == "subscription" else {}))
    if of == "topic":
        whole = json.dumps({"http": {"defaultHealthyRetryPolicy": policy}})
        rig.run(rig.desk.topics.set_attribute(rig.topic, "DeliveryPolicy", whole))
    rig.carrier.answers["http://a/"] = refusals(2)
    rig.publish("m")
    began = rig.clock.now()
    for _ in range(3):
        rig.clock.advance(min(rig.deliver(), 60))
    assert [at - began for at, _, _ in rig.carrier.posted] == [0, 1, 6]


def test_a_subscriber_that_is_slow_holds_up_nobody(rig: Rig) -> None:
    rig.subscribe("http://slow/")
    rig.subscribe("http://fast/")
    rig.carrier.slow.add("http://slow/")
    for n in range(400):
        rig.publish(f"m{n}")
    for _ in range(5):
        rig.deliver()
    assert sum(line.startswith("http://fast/ m") for line in rig.told()) == 400


def test_what_was_under_way_is_delivered_by_the_next_one(rig: Rig) -> None:
    rig.subscribe("http://a/")
    rig.carrier.slow.add("http://a/")
    rig.publish("m")
    rig.deliver()
    rig.run(rig.desk.courier.close())
    rig.carrier.slow.clear()
    world: Any = (rig.clock, SeededIds(2))
    rig.desk = TopicDesk.made(rig.store, rig.queues, world, rig.carrier)
    rig.deliver()
    assert rig.told() == ["http://a/ m", "http://a/ m"]
    assert rig.deliver() == 3600.0


def test_who_has_left_is_told_nothing_more(rig: Rig) -> None:
    rig.subscribe("http://a/")
    rig.carrier.answers["http://a/"] = refusals(1)
    rig.publish("m")
    rig.deliver()
    (one,) = rig.run(rig.desk.topics.subscriptions(rig.topic))
    rig.run(rig.desk.topics.unsubscribe(one.arn))
    rig.clock.advance(20)
    assert rig.deliver() == 3600.0
    assert len(rig.carrier.posted) == 1


def subscribed(rig: Rig, **attributes: str) -> None:
    endpoint = rig.queues.queues.installation.arn("heard", "sqs")
    rig.run(rig.queues.queues.create("heard", {}, {}))
    wish = Subscribing(rig.topic, "sqs", endpoint, {**RAW, **attributes}, "http://base")
    rig.run(rig.desk.topics.subscribe(wish))


def heard(rig: Rig) -> list[str]:
    found = rig.run(rig.queues.traffic.receive("heard", Receive(10, wait_s=0)))
    return [one.message.body for one in found]


def test_a_queue_without_a_policy_hears_nothing(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    subscribed(rig)
    rig.publish("a")
    rig.publish("b")
    assert heard(rig) == []
    (told,) = caplog.messages  # once, not with every message
    assert "it has no policy" in told
    assert "AWS::SQS::QueuePolicy" in told
    rig.run(rig.queues.queues.set_attributes("heard", {"Policy": policy(rig.topic)}))
    rig.publish("c")
    assert heard(rig) == ["c"]


@pytest.mark.parametrize(
    ("policy_of", "says"),
    [
        (lambda topic: policy(topic + "2"), "does not allow it"),
        (lambda topic: policy(topic).replace("Allow", "Deny"), "denies it"),
        (lambda topic: policy(topic).replace("ArnEquals", "ArnResembles"), "ArnResembles"),
    ],
)
def test_what_a_queue_may_not_hear_goes_to_the_dead_letters(
    rig: Rig, caplog: pytest.LogCaptureFixture, policy_of: Any, says: str
) -> None:
    subscribed(rig, **dead_letters(rig))
    rig.run(rig.queues.queues.set_attributes("heard", {"Policy": policy_of(rig.topic)}))
    rig.publish("m")
    assert (heard(rig), rig.dead()) == ([], ["m"])
    assert says in caplog.text
