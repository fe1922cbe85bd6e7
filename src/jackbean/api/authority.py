"""Who may call which operation, and on what: one table, asked by the door before every handler.

Administrators may everything. A program on an instance may what has a row here, on what belongs to
its own environment unless the policy of that denies it, or what the policy of a queue, a topic or
a bucket grants to it. What has no row (all that makes, changes or ends resources, and the control
plane) is refused. Who has not signed may what the policy of a bucket grants to everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from jackbean.api.plant import Call, Plant
from jackbean.control.principals import (
    BEARERS_MAY,
    Administrator,
    Bearer,
    InstancePrincipal,
    Principal,
)
from jackbean.core.errors import Fault
from jackbean.core.policies import Caller, Effect, Verdict, judge
from jackbean.services.objects.access import Action
from jackbean.services.queues import names

BUCKET = "AWS::S3::Bucket"
UNASKED = Verdict(Effect.SILENT)
# What is said of a request's way here: it does not leave the machine, or is the operator's choice.
AT_HOME: Mapping[str, str] = {"aws:SecureTransport": "true"}


class Of(StrEnum):
    """What an operation is about. `NOTHING`: itself, or what handlers narrow to the caller's."""

    NOTHING = ""
    QUEUE = "AWS::SQS::Queue"
    TOPIC = "AWS::SNS::Topic"
    TABLE = "AWS::DynamoDB::Table"


def _each(of: Of, operations: str) -> dict[str, Of]:
    return dict.fromkeys(operations.split(), of)


INSTANCES_MAY: Mapping[str, Mapping[str, Of]] = {
    "elasticbeanstalk": _each(
        Of.NOTHING,
        """
        CheckDNSAvailability DescribeAccountAttributes DescribeConfigurationOptions
        DescribeConfigurationSettings DescribeEnvironmentHealth DescribeEnvironmentResources
        DescribeEnvironments DescribeEvents DescribeInstancesHealth DescribePlatformVersion
        ListAvailableSolutionStacks ListPlatformBranches ListPlatformVersions
        ValidateConfigurationSettings
        """,
    ),
    "logs": _each(  # whose handlers know the groups of an environment by how their names begin
        Of.NOTHING,
        """
        CreateLogGroup CreateLogStream DescribeLogGroups DescribeLogStreams FilterLogEvents
        GetLogEvents PutLogEvents PutRetentionPolicy
        """,
    ),
    "sqs": _each(
        Of.QUEUE,
        """
        ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch
        GetQueueAttributes GetQueueUrl PurgeQueue ReceiveMessage SendMessage SendMessageBatch
        """,
    ),
    "sns": _each(Of.TOPIC, "GetTopicAttributes ListSubscriptionsByTopic Publish PublishBatch"),
    "dynamodb": _each(
        Of.TABLE,
        """
        BatchGetItem BatchWriteItem DeleteItem DescribeTable DescribeTimeToLive GetItem
        ListTagsOfResource PutItem Query Scan TransactGetItems TransactWriteItems UpdateItem
        """,
    )
    | _each(Of.NOTHING, "DescribeEndpoints DescribeLimits"),
    "sts": _each(Of.NOTHING, "GetCallerIdentity"),
}


def authorise(plant: Plant, principal: Principal, service: str, operation: str) -> None:
    """Raise the Fault for an operation that `principal` may not call, whatever it is about."""
    if isinstance(principal, Administrator) or (service, operation) in BEARERS_MAY:
        return
    if not isinstance(principal, InstancePrincipal) or operation not in INSTANCES_MAY.get(
        service, {}
    ):
        raise _denied(plant, principal, (service, operation))


async def authorise_call(plant: Plant, service: str, call: Call) -> None:
    """Raise the Fault where what a call is about is none of its principal's business."""
    principal = call.principal
    if isinstance(principal, Administrator | Bearer):
        return
    of = INSTANCES_MAY[service][call.operation]
    if of is Of.NOTHING:
        return
    action = f"{service}:{call.operation.removesuffix('Batch')}"  # as AWS calls what batches need
    owned = {_name(resource.name) for resource in principal.resources if resource.type == of}
    for name in sorted(ABOUT[of](plant, call)):
        arn = _arn(plant, of, name)
        policy = await POLICIES[of](plant, name) if of in POLICIES else ""
        said = judge(policy, caller(plant, principal), action, arn)
        if not _allowed(said, own=name in owned):
            raise _denied(plant, principal, (service, call.operation), arn, said)


def _allowed(said: Verdict, *, own: bool) -> bool:
    """Whether a caller may: by the policy, or because it is its environment's and not denied."""
    return said.effect is Effect.ALLOW or (own and said.effect is Effect.SILENT)


def caller(plant: Plant, principal: InstancePrincipal) -> Caller:
    """Return a program on an instance as policies see it."""
    account, role = plant.world.installation.account, principal.role
    own = f"arn:aws:iam::{account}:role/{role}"
    context = {"aws:PrincipalArn": own, "aws:PrincipalAccount": account, **AT_HOME}
    return Caller((own, arn_of(plant, principal)), context, account)


def arn_of(plant: Plant, principal: InstancePrincipal) -> str:
    account = plant.world.installation.account
    return f"arn:aws:sts::{account}:assumed-role/{principal.role}/{principal.instance}"


def _denied(
    plant: Plant,
    principal: Principal,
    asked: tuple[str, str],
    resource: str = "",
    said: Verdict = UNASKED,
) -> Fault:
    who = arn_of(plant, principal) if isinstance(principal, InstancePrincipal) else "Whoever asks"
    on = f" on resource: {resource}" if resource else ""
    because = (
        "Its policy denies it explicitly"
        if said.effect is Effect.DENY
        else "An instance's keys reach what belongs to its own environment; use one of the "
        "installation's own keys, or let the policy of a queue or topic grant it to the role"
    )
    strange = f" (in it, {', '.join(said.unjudged)} cannot be judged here)" if said.unjudged else ""
    done = f"User: {who} is not authorized to perform: {':'.join(asked)}{on}."
    text = f"{done} {because}{strange}."
    code = "AccessDeniedException" if asked[0] == "dynamodb" else "AccessDenied"
    return Fault(code, text, 400 if asked[0] == "dynamodb" else 403)


# Objects: a request to S3 has no body yet when it is judged, and may be about several keys


@dataclass(frozen=True)
class ObjectRights:
    """`named` are bucket and key of the objects that an instance's release names.

    `policies` are those of buckets that have one, and `caller` is as they see the principal.
    """

    principal: Principal
    storage: str  # Elastic Beanstalk's own bucket
    caller: Caller = field(default_factory=Caller)
    policies: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[tuple[str, str]] = frozenset()

    def __call__(self, action: Action, bucket: str, key: str) -> bool:
        """Return whether the principal may do this; `key` is "" for what concerns a bucket."""
        if isinstance(self.principal, Administrator):
            return True
        if action is Action.MANAGE:
            return False
        place = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
        said = judge(self.policies.get(bucket, ""), self.caller, f"s3:{action}", place)
        return _allowed(said, own=self._own(action, bucket, key))

    def _own(self, action: Action, bucket: str, key: str) -> bool:
        if not isinstance(self.principal, InstancePrincipal):
            return False
        if any(r.type == BUCKET and r.name == bucket for r in self.principal.resources):
            return True
        if action is Action.GET and (bucket, key) in self.named:
            return True
        own = f"resources/environments/{self.principal.environment_id}/"
        return bucket == self.storage and key.startswith(own) and action is not Action.LIST


async def object_rights(plant: Plant, principal: Principal, address: str = "") -> ObjectRights:
    """Return what a principal may do with objects; `address` is where the request comes from."""
    storage = plant.world.installation.bucket
    if isinstance(principal, Administrator):
        return ObjectRights(principal, storage)
    policies = {one.name: one.policy for one in await plant.objects.buckets() if one.policy}
    who, named = Caller((), AT_HOME), frozenset[tuple[str, str]]()
    if isinstance(principal, InstancePrincipal):
        who = caller(plant, principal)
        named = await plant.roster.objects(principal.instance)
    if address:
        who = replace(who, context={**who.context, "aws:SourceIp": address})
    return ObjectRights(principal, storage, who, policies, named)


# What a call is about


def _queues(plant: Plant, call: Call) -> set[str]:
    named = {call.text("QueueName")} - {""}
    url = call.text("QueueUrl") or ("" if named else call.path.strip("/"))
    return named | ({names.name_in_url(url, plant.world.installation)} if url else set())


def _topics(plant: Plant, call: Call) -> set[str]:
    named = (call.text(member) for member in ("TopicArn", "TargetArn"))
    return {_name(arn) for arn in named if arn}


def _tables(plant: Plant, call: Call) -> set[str]:
    members = call.members
    named = {call.text("TableName"), call.text("ResourceArn"), *(members.get("RequestItems") or {})}
    for item in call.items("TransactItems"):
        named |= {str(deed.get("TableName", "")) for deed in item.values() if deed}
    return {_name(name) for name in named if name}


ABOUT: Mapping[Of, Callable[[Plant, Call], set[str]]] = {
    Of.QUEUE: _queues,
    Of.TOPIC: _topics,
    Of.TABLE: _tables,
}


async def _queue_policy(plant: Plant, name: str) -> str:
    try:
        queue = await plant.queues.queues.find(name)
    except Fault:
        return ""
    return dict(queue.attributes).get("Policy", "")


async def _topic_policy(plant: Plant, name: str) -> str:
    try:
        topic = await plant.topics.topics.find(_arn(plant, Of.TOPIC, name))
    except Fault:
        return ""
    return dict(topic.attributes).get("Policy", "")


POLICIES = {Of.QUEUE: _queue_policy, Of.TOPIC: _topic_policy}


def _name(physical: str) -> str:
    """Return the name in what a resource is known by: a name, an ARN or a queue's URL."""
    return physical.rpartition("/")[2].rpartition(":")[2]


def _arn(plant: Plant, of: Of, name: str) -> str:
    service = {Of.QUEUE: "sqs", Of.TOPIC: "sns", Of.TABLE: "dynamodb"}[of]
    prefix = "table/" if of is Of.TABLE else ""
    return plant.world.installation.arn(prefix + name, service)
