"""A worker environment of an installation in memory, with two queues and two tasks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.api.rig import PlantRig

from jackbean.core.environments import Resource, Tier
from jackbean.core.protocol import Attempt, to_json
from jackbean.core.tasks import Task
from jackbean.ports.store import PutEnvironment, PutRelease

TASKS = (Task("each", "/each", "* * * * *"), Task("yearly", "/yearly", "0 0 1 1 *"))


def make_worker(rig: PlantRig, name: str = "web1") -> str:
    """Make an environment one of the worker tier, and return an instance of it."""
    sqs = rig.client("sqs")
    sqs.create_queue(QueueName="dead")
    policy = {
        "deadLetterTargetArn": rig.world.installation.arn("dead", "sqs"),
        "maxReceiveCount": 2,
    }
    terms = {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "5"}
    url = sqs.create_queue(QueueName="work", Attributes=terms)["QueueUrl"]
    made = rig.environment(rig.environment_id(name))
    old = rig.run(rig.world.store.release(made.id, made.release))
    new = replace(old, number=made.releases + 1, tasks=TASKS)
    worker = replace(
        made,
        tier=Tier("Worker", "SQS/HTTP", "2.3"),
        resources=(*made.resources, Resource("AWSEBWorkerQueue", "AWS::SQS::Queue", url)),
        release=new.number,
        deployment=new.number,
        releases=new.number,
    )
    rig.run(rig.world.store.commit([PutRelease(new), PutEnvironment(worker)]))
    rig.run(rig.plant.periodic.scheduler.round())
    return str(made.members[0].id)


def pass_minutes(rig: PlantRig, minutes: float) -> None:
    """Let time pass for the queues and the scheduler, and for nobody else."""
    rig.universe.clock.advance(60 * minutes)
    rig.run(rig.plant.periodic.scheduler.round())


def take(rig: PlantRig, queue: str = "work") -> list[Any]:
    """Receive messages as boto3 has them."""
    sqs = rig.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return list(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []))


def attempt(message: Any, status: int = 500, **more: Any) -> dict[str, Any]:
    """Return what sqsd tells of a message that it has posted."""
    said = {"at": 1_700_000_000.0, "seconds": 0.25, "status": status, **more}
    return to_json(Attempt(message["ReceiptHandle"], message["MessageId"], **said))
