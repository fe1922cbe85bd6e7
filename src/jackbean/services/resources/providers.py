"""The providers on our own services."""

from __future__ import annotations

from collections.abc import Callable

from jackbean.core.installation import Installation
from jackbean.ports.clock import Clock
from jackbean.ports.resources import Provider
from jackbean.services.objects import ObjectService
from jackbean.services.queues.service import QueueService
from jackbean.services.resources.buckets import BucketPolicyProvider, BucketProvider
from jackbean.services.resources.queues import QueuePolicyProvider, QueueProvider
from jackbean.services.resources.tables import TableProvider
from jackbean.services.resources.topics import (
    SubscriptionProvider,
    TopicPolicyProvider,
    TopicProvider,
)
from jackbean.services.resources.waiting import ConditionProvider, HandleProvider
from jackbean.services.signals import SignalDesk
from jackbean.services.tables import TableService
from jackbean.services.topics.service import TopicService


def providers(
    messages: tuple[QueueService, TopicService],
    objects: ObjectService,
    tables: TableService,
    base_url: str,
) -> list[Provider]:
    """Return those for queues, topics, buckets and tables; subscribers reach us by `base_url`."""
    queues, topics = messages
    return [
        QueueProvider(queues),
        QueuePolicyProvider(queues),
        TopicProvider(topics, base_url),
        TopicPolicyProvider(topics),
        SubscriptionProvider(topics, base_url),
        BucketProvider(objects, queues.installation.region),
        BucketPolicyProvider(objects),
        TableProvider(tables),
    ]


def waiting(
    desk: SignalDesk, clock: Clock, here: Installation, sign: Callable[[str], str]
) -> list[Provider]:
    """Return those for wait conditions; `sign` returns the signature of a handle's URL."""
    return [HandleProvider(desk, here, sign), ConditionProvider(desk, clock, here)]
