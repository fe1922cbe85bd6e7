"""Worker environments: they have queues where others have a URL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jackbean.cli.cloud import Cloud

Queue = Mapping[str, str]


def is_worker(environment: Mapping[str, Any]) -> bool:
    return bool(environment.get("Tier", {}).get("Name") == "Worker")


def queues(cloud: Cloud, environment: str) -> Sequence[Queue]:
    """Return the queues of a worker: of its messages, and of those that are given up."""
    found = cloud.beanstalk.describe_environment_resources(EnvironmentName=environment)
    return list(found["EnvironmentResources"].get("Queues", ()))


def queue_lines(found: Sequence[Queue]) -> Iterator[tuple[str, str]]:
    """Yield what each queue is for, and its URL."""
    labels = {"WorkerQueue": "Queue", "WorkerDeadLetterQueue": "Dead letters"}
    for queue in found:
        yield labels.get(queue["Name"], queue["Name"]), queue.get("URL", "")
