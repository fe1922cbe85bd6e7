"""The providers on our own services."""

from __future__ import annotations

from jackbean.ports.resources import Provider
from jackbean.services.objects import ObjectService
from jackbean.services.queues.service import QueueService
from jackbean.services.resources.buckets import BucketPolicyProvider, BucketProvider
from jackbean.services.resources.queues import QueuePolicyProvider, QueueProvider
from jackbean.services.resources.topics import (
    SubscriptionProvider,
    TopicPolicyProvider,
    TopicProvider,
)
from jackbean.services.topics.service import TopicService


def providers(
    queues: QueueService, topics: TopicService, objects: ObjectService, base_url: str
) -> list[Provider]:
    """Return those for queues, topics and buckets; subscribers reach us by `base_url`."""
    return [
        QueueProvider(queues),
        QueuePolicyProvider(queues),
        TopicProvider(topics, base_url),
        TopicPolicyProvider(topics),
        SubscriptionProvider(topics, base_url),
        BucketProvider(objects, queues.installation.region),
        BucketPolicyProvider(objects),
    ]
