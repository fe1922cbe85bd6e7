"""What whoever makes the resources of stacks must do, in memory and on our own services alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.core.resources import Gone, Made
from jackbean.ports.resources import Resources, Wanted
from jackbean.services.objects import Incoming, ObjectService, Write
from jackbean.services.queues import QueueDesk
from jackbean.services.resources import ClaimedResources, providers
from jackbean.services.tables import TableService
from jackbean.services.topics import TopicDesk
from jackbean.simulator.buckets import MemoryBuckets
from jackbean.simulator.clock import SeededIds, VirtualClock
from jackbean.simulator.queues import MemoryQueues
from jackbean.simulator.resources import MemoryResources
from jackbean.simulator.store import MemoryStore
from jackbean.simulator.tables import MemoryTables
from jackbean.simulator.topics import MemoryTopics
from jackbean.storage.blobs import FileBlobs

HERE = Installation("us-east-1", "123456789012")
POLICY = {"Version": "2012-10-17", "Statement": []}


@dataclass
class Services:
    """Our services over ports in memory, and the resources on them."""

    queues: QueueDesk
    topics: TopicDesk
    objects: ObjectService
    resources: Resources


def services(folder: Path) -> Services:
    clock, ids = VirtualClock(), SeededIds(1)
    queues = QueueDesk.made(MemoryQueues(), HERE, (clock, ids), b"secret")
    topics = TopicDesk.made(MemoryTopics(), queues, (clock, ids), None)  # type: ignore[arg-type]  # nothing is delivered
    objects = ObjectService(MemoryBuckets(), FileBlobs(folder), clock, HERE)
    tables = TableService(MemoryTables(), clock, HERE)
    made = providers((queues.queues, topics.topics), objects, tables, "http://localhost:8700")
    return Services(queues, topics, objects, ClaimedResources(MemoryStore(clock), made))


@pytest.fixture(params=("memory", "services"))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def run(scenario: Callable[[Resources], Awaitable[None]]) -> None:
        memory = request.param == "memory"
        resources = MemoryResources() if memory else services(tmp_path).resources
        asyncio.run(scenario(resources))  # type: ignore[arg-type]  # a coroutine is awaitable

    return run


def wanted(kind: str, name: str = "one", **properties: Any) -> Wanted:
    return Wanted("stack", "Logical", kind, name, properties)


QUEUE, TOPIC, BUCKET = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket"
TYPES = (QUEUE, TOPIC, BUCKET)


@pytest.mark.parametrize("kind", TYPES)
def test_making_twice_is_making_once(play: Any, kind: str) -> None:
    async def scenario(resources: Resources) -> None:
        first = await resources.ensure(wanted(kind))
        assert isinstance(first, Made)
        assert "one" in first.ref
        assert await resources.ensure(wanted(kind)) == first

    play(scenario)


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_not_there_is_gone(play: Any, kind: str) -> None:
    async def scenario(resources: Resources) -> None:
        assert await resources.remove(wanted(kind)) == Gone()
        await resources.ensure(wanted(kind))
        assert await resources.remove(wanted(kind)) == Gone()
        assert await resources.remove(wanted(kind)) == Gone()
        assert isinstance(await resources.ensure(wanted(kind)), Made)

    play(scenario)


@pytest.mark.parametrize("kind", TYPES)
def test_nobody_changes_or_ends_what_is_anothers(play: Any, kind: str) -> None:
    async def scenario(resources: Resources) -> None:
        mine, theirs = wanted(kind), replace(wanted(kind), stack="other")
        await resources.ensure(mine)
        with pytest.raises(Fault, match="already exists"):
            await resources.ensure(theirs)
        assert await resources.remove(theirs) == Gone()
        with pytest.raises(Fault, match="already exists"):
            await resources.ensure(theirs)

    play(scenario)


# The providers on our own services, one by one.


def on_services(folder: Path, scenario: Callable[[Services], Awaitable[None]]) -> None:
    asyncio.run(scenario(services(folder)))  # type: ignore[arg-type]  # a coroutine is awaitable


def test_a_queue_has_what_its_properties_say_and_loses_what_they_say_no_more(
    tmp_path: Path,
) -> None:
    async def scenario(made: Services) -> None:
        tags = [{"Key": "team", "Value": "x"}]
        given = {"VisibilityTimeout": 7, "DelaySeconds": "3", "Tags": tags}
        found = await made.resources.ensure(wanted(QUEUE, **given))
        assert isinstance(found, Made)
        assert found.ref == "https://sqs.us-east-1.amazonaws.com/123456789012/one"
        assert found.attributes["Arn"] == "arn:aws:sqs:us-east-1:123456789012:one"
        queues = made.queues.queues
        told = await queues.attributes("one", ["VisibilityTimeout", "DelaySeconds"])
        assert told == {"VisibilityTimeout": "7", "DelaySeconds": "3"}
        await made.resources.ensure(wanted(QUEUE, VisibilityTimeout=8))
        told = await queues.attributes("one", ["VisibilityTimeout", "DelaySeconds"])
        assert told == {"VisibilityTimeout": "8", "DelaySeconds": "0"}
        assert (await queues.find("one")).tags == ()

    on_services(tmp_path, scenario)


def test_a_queue_of_somebody_is_left_alone(tmp_path: Path) -> None:
    async def scenario(made: Services) -> None:
        await made.queues.queues.create("one", {"DelaySeconds": "9"}, {})
        with pytest.raises(Fault, match="already exists"):
            await made.resources.ensure(wanted(QUEUE))
        assert await made.resources.remove(wanted(QUEUE)) == Gone()
        assert (await made.queues.queues.find("one")).name == "one"

    on_services(tmp_path, scenario)


def test_a_bad_property_is_named(tmp_path: Path) -> None:
    async def scenario(made: Services) -> None:
        with pytest.raises(Fault, match="unsupported property Visibility"):
            await made.resources.ensure(wanted(QUEUE, Visibility=7))
        with pytest.raises(Fault, match="VisibilityTimeout"):
            await made.resources.ensure(wanted(QUEUE, VisibilityTimeout="long"))

    on_services(tmp_path, scenario)


def test_a_policy_goes_from_queue_to_queue(tmp_path: Path) -> None:
    async def scenario(made: Services) -> None:
        urls = []
        for name in ("one", "two"):
            found = await made.resources.ensure(replace(wanted(QUEUE, name), id=name))
            assert isinstance(found, Made)
            urls.append(found.ref)

        async def policies() -> list[bool]:
            every = [await made.queues.queues.attributes(n, ["Policy"]) for n in ("one", "two")]
            return [bool(told) for told in every]

        first = {"PolicyDocument": POLICY, "Queues": [urls[0]]}
        second = {"PolicyDocument": POLICY, "Queues": [urls[1]]}
        await made.resources.ensure(wanted("AWS::SQS::QueuePolicy", "p", **first))
        assert await policies() == [True, False]
        changed = replace(wanted("AWS::SQS::QueuePolicy", "p", **second), former=first)
        await made.resources.ensure(changed)
        assert await policies() == [False, True]
        await made.resources.remove(wanted("AWS::SQS::QueuePolicy", "p", **second))
        assert await policies() == [False, False]

    on_services(tmp_path, scenario)


def test_a_subscriber_of_a_topic(tmp_path: Path) -> None:
    async def scenario(made: Services) -> None:
        topic = await made.resources.ensure(wanted(TOPIC, "t", DisplayName="T"))
        queue = await made.resources.ensure(wanted(QUEUE, "q"))
        assert isinstance(topic, Made)
        assert isinstance(queue, Made)
        place = {
            "TopicArn": topic.ref,
            "Protocol": "sqs",
            "Endpoint": queue.attributes["Arn"],
        }
        kind = "AWS::SNS::Subscription"
        plain = wanted(kind, "s", **place, RawMessageDelivery=True, FilterPolicy={"a": ["b"]})
        first = await made.resources.ensure(plain)
        assert isinstance(first, Made)
        one = await made.topics.topics.subscription(first.ref)
        assert dict(one.attributes) == {"RawMessageDelivery": "true", "FilterPolicy": '{"a":["b"]}'}
        again = await made.resources.ensure(wanted(kind, "s", **place))
        assert again == first
        one = await made.topics.topics.subscription(first.ref)
        assert dict(one.attributes) == {"RawMessageDelivery": "false"}
        await made.resources.remove(wanted(kind, "s", **place))
        assert await made.topics.topics.subscriptions(topic.ref) == []

    on_services(tmp_path, scenario)


@pytest.mark.parametrize("protocol", ["lambda", "sms", "application", "firehose"])
def test_a_subscriber_that_is_not_reached_is_a_name(tmp_path: Path, protocol: str) -> None:
    async def scenario(made: Services) -> None:
        place = {"Protocol": protocol, "Endpoint": "somebody"}
        topic = await made.resources.ensure(wanted(TOPIC, "t", Subscription=[place]))
        assert isinstance(topic, Made)
        one = wanted("AWS::SNS::Subscription", "s", TopicArn=topic.ref, **place)
        found = await made.resources.ensure(one)
        assert isinstance(found, Made)
        assert found.ref.startswith(topic.ref)
        assert await made.topics.topics.subscriptions(topic.ref) == []
        assert await made.resources.remove(one) == Gone()

    on_services(tmp_path, scenario)


def test_subscribers_that_a_topic_names_itself(tmp_path: Path) -> None:
    async def scenario(made: Services) -> None:
        def named(*queues: str) -> list[dict[str, str]]:
            arns = [HERE.arn(name, "sqs") for name in queues]
            return [{"Protocol": "sqs", "Endpoint": arn} for arn in arns]

        topic = await made.resources.ensure(wanted(TOPIC, "t", Subscription=named("a", "b")))
        assert isinstance(topic, Made)
        former = {"Subscription": named("a", "b")}
        changed = replace(wanted(TOPIC, "t", Subscription=named("b", "c")), former=former)
        await made.resources.ensure(changed)
        found = await made.topics.topics.subscriptions(topic.ref)
        assert sorted(one.endpoint[-1] for one in found) == ["b", "c"]

    on_services(tmp_path, scenario)


EVERY: dict[str, dict[str, Any]] = {
    TOPIC: {
        "ContentBasedDeduplication": True,
        "DeliveryPolicy": {"http": {"defaultHealthyRetryPolicy": {"numRetries": 1}}},
        "DisplayName": "T",
        "KmsMasterKeyId": "key",
        "SignatureVersion": "2",
        "Tags": [{"Key": "a", "Value": "b"}],
        "TracingConfig": "Active",
    },
    "AWS::SNS::Subscription": {
        "DeliveryPolicy": {"healthyRetryPolicy": {"numRetries": 1}},
        "FilterPolicy": {"a": ["b"]},
        "FilterPolicyScope": "MessageBody",
        "RawMessageDelivery": True,
        "RedrivePolicy": {"deadLetterTargetArn": HERE.arn("dead", "sqs")},
    },
    QUEUE: {
        "ContentBasedDeduplication": True,
        "DeduplicationScope": "messageGroup",
        "DelaySeconds": 1,
        "FifoThroughputLimit": "perMessageGroupId",
        "KmsMasterKeyId": "key",
        "MaximumMessageSize": 2048,
        "MessageRetentionPeriod": 60,
        "ReceiveMessageWaitTimeSeconds": 1,
        "RedriveAllowPolicy": {"redrivePermission": "denyAll"},
        "SqsManagedSseEnabled": True,
        "Tags": [{"Key": "a", "Value": "b"}],
        "VisibilityTimeout": 5,
    },
}


@pytest.mark.parametrize("kind", EVERY)
def test_everything_can_be_set_and_unset(tmp_path: Path, kind: str) -> None:
    """In one first-in-first-out, since some of it can only be set there."""
    base: dict[str, Any] = {"FifoQueue": True} if kind == QUEUE else {"FifoTopic": True}
    if kind not in {QUEUE, TOPIC}:
        queue = HERE.arn("q", "sqs")
        base = {"TopicArn": HERE.arn("t", "sns"), "Protocol": "sqs", "Endpoint": queue}

    async def scenario(made: Services) -> None:
        await made.topics.topics.create("t", {}, {})
        name = "one.fifo" if kind in {QUEUE, TOPIC} else "one"
        first = await made.resources.ensure(wanted(kind, name, **base))
        assert await made.resources.ensure(wanted(kind, name, **base, **EVERY[kind])) == first
        assert await made.resources.ensure(wanted(kind, name, **base)) == first

    on_services(tmp_path, scenario)


def test_a_bucket_that_is_not_empty_stays(tmp_path: Path) -> None:
    async def scenario(made: Services) -> None:
        async def chunks() -> Any:
            yield b"data"

        await made.resources.ensure(wanted(BUCKET, "bucket"))
        await made.objects.put(Write("bucket", "key"), Incoming(chunks()))
        with pytest.raises(Fault, match="not empty"):
            await made.resources.remove(wanted(BUCKET, "bucket"))
        await made.objects.delete("bucket", "key")
        assert await made.resources.remove(wanted(BUCKET, "bucket")) == Gone()

    on_services(tmp_path, scenario)
