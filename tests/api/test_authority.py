"""What an instance's keys open: every operation of every service, on every kind of resource.

The matrix is generated: operations from AWS's models and from ours, requests from the shapes of
their members. What an instance may is written down here a second time, by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape, StructureShape
from tests.api.rig import HOST, NOBODY, PlantRig, ask
from tests.api.test_door import extend

from jackbean.api import s3
from jackbean.api.authority import INSTANCES_MAY
from jackbean.core.resources import Resource, State
from jackbean.server.assembly import SERVICES

DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
KINDS = {
    "sqs": "AWS::SQS::Queue",
    "sns": "AWS::SNS::Topic",
    "dynamodb": "AWS::DynamoDB::Table",
    "s3": "AWS::S3::Bucket",
}
READING_ONES_OWN = """
    CheckDNSAvailability DescribeAccountAttributes DescribeConfigurationOptions
    DescribeConfigurationSettings DescribeEnvironmentHealth DescribeEnvironmentResources
    DescribeEnvironments DescribeEvents DescribeInstancesHealth DescribePlatformVersion
    ListAvailableSolutionStacks ListPlatformBranches ListPlatformVersions
    ValidateConfigurationSettings
"""
MAY: Mapping[str, frozenset[str]] = {
    name: frozenset(operations.split())
    for name, operations in {
        "elasticbeanstalk": READING_ONES_OWN,
        "sts": "GetCallerIdentity",
        "logs": """
            CreateLogGroup CreateLogStream DescribeLogGroups DescribeLogStreams FilterLogEvents
            GetLogEvents PutLogEvents PutRetentionPolicy
        """,
        "sqs": """
            ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch
            GetQueueAttributes GetQueueUrl PurgeQueue ReceiveMessage SendMessage SendMessageBatch
        """,
        "sns": "GetTopicAttributes ListSubscriptionsByTopic Publish PublishBatch",
        "dynamodb": """
            BatchGetItem BatchWriteItem DeleteItem DescribeEndpoints DescribeLimits DescribeTable
            DescribeTimeToLive GetItem ListTagsOfResource PutItem Query Scan TransactGetItems
            TransactWriteItems UpdateItem
        """,
        "s3": """
            AbortMultipartUpload CompleteMultipartUpload CopyObject CreateMultipartUpload
            DeleteObject DeleteObjectTagging DeleteObjects GetBucketLocation GetBucketVersioning
            GetObject GetObjectAcl GetObjectAttributes GetObjectTagging HeadBucket HeadObject
            ListMultipartUploads ListObjects ListObjectsV2 ListParts PutObject PutObjectAcl
            PutObjectTagging UploadPart UploadPartCopy
        """,
    }.items()
}
ABOUT_NOTHING = {
    "dynamodb": {"DescribeEndpoints", "DescribeLimits"},
    "sts": {"GetCallerIdentity"},
    "logs": {"DescribeLogGroups"},
    # Links in notifications are followed by anybody who has them; a made up one opens nothing.
    "sns": {"ConfirmSubscription", "Unsubscribe"},
}
MODELS = {
    name: ServiceModel(Loader().load_service_model(name, "service-2"), name)
    for name in (*(name for name in SERVICES if name != "jackbean"), "s3")
}
# Of these AWS has hundreds, which all end at the same place: those that are here are tried.
VAST = ("ec2", "iam")


def operations(service: str) -> list[str]:
    model = MODELS[service]
    # Those with a host of their own (streams of events) are signed for a name that we have not.
    names = [name for name in model.operation_names if not model.operation_model(name).endpoint]
    if service == "s3":
        return [name for name in names if name in s3.OPERATIONS]
    return [name for name in names if service not in VAST or name in SERVICES[service]]


class Bench(PlantRig):
    """Two environments, each with a resource of every kind, and one of each that is nobody's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ids = {name: self.launch(name, size=1) for name in ("web1", "web2")}
        for owner in ("web1", "web2", "free"):
            self.client("sqs").create_queue(QueueName=owner)
            self.client("sns").create_topic(Name=owner)
            self.client("dynamodb").create_table(
                TableName=f"table-{owner}",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
            item = {"id": {"S": "kept"}}
            self.client("dynamodb").put_item(TableName=f"table-{owner}", Item=item)
            self.client("s3").create_bucket(Bucket=f"bucket-{owner}")
            self.client("s3").put_object(Bucket=f"bucket-{owner}", Key="k", Body=b"theirs")
        for owner, id_ in self.ids.items():
            made = [Resource(kind, kind, _named(kind, owner)) for kind in KINDS.values()]
            self.give(id_, *made)
        self.keys = self.instance_keys("web1")

    def outcome(self, service: str, operation: str, owner: str) -> tuple[str, str]:
        """Return the code of an operation on what `owner` has ("" for success), and the answer."""
        model = MODELS[service].operation_model(operation)
        members = made(model.input_shape, owner) if model.input_shape else {}
        call = getattr(self.client(service, self.keys), xform_name(operation))
        try:
            answer = call(**members)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return "AccessDenied" if code == "403" or status == 403 else code, ""
        failed = answer.get("Errors") or [{"Code": ""}]  # of the single key of a DeleteObjects
        return failed[0]["Code"], str(answer)

    def state(self) -> Any:
        """Return all that an operation could have changed."""
        queues = self.client("sqs").list_queues().get("QueueUrls")
        topics = self.client("sns").list_topics()["Topics"]
        buckets = [one["Name"] for one in self.client("s3").list_buckets()["Buckets"]]
        objects = [self.client("s3").list_objects_v2(Bucket=name)["KeyCount"] for name in buckets]
        environments = [self.environment(id_) for id_ in self.ids.values()]
        messages = [
            self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            for url in queues or ()
        ]
        told = [one["Attributes"] for one in messages]
        tables = [
            self.client("dynamodb").scan(TableName=name)["Items"]
            for name in self.client("dynamodb").list_tables()["TableNames"]
        ]
        return queues, topics, buckets, objects, environments, told, tables


def _named(kind: str, owner: str) -> str:
    return {
        "AWS::SQS::Queue": f"http://localhost:8700/123456789012/{owner}",
        "AWS::SNS::Topic": f"arn:aws:sns:us-east-1:123456789012:{owner}",
        "AWS::DynamoDB::Table": f"table-{owner}",
        "AWS::S3::Bucket": f"bucket-{owner}",
    }[kind]


def made(shape: Shape | None, owner: str) -> dict[str, Any]:
    """Return members for a request about what `owner` has: the required and the telling ones."""
    assert isinstance(shape, StructureShape)
    telling = {
        "QueueUrl": _named("AWS::SQS::Queue", owner),
        "QueueName": owner,
        "TopicArn": _named("AWS::SNS::Topic", owner),
        "TargetArn": _named("AWS::SNS::Topic", owner),
        "ResourceArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/table-{owner}",
        "TableName": f"table-{owner}",
        "Bucket": f"bucket-{owner}",
        "CopySource": f"bucket-{owner}/k",
        "Key": "k",
        "logGroupName": f"/aws/elasticbeanstalk/{owner}/x.log",
        "EnvironmentName": owner,
        "EnvironmentNames": [owner],
    }
    members: dict[str, Any] = {}
    for name, member in shape.members.items():
        if name in telling and member.type_name in ("string", "list"):
            members[name] = telling[name]
        elif name == "RequestItems":
            asked = {"Keys": [{"id": {"S": "1"}}]} if "Get" in shape.name else []
            members[name] = {f"table-{owner}": asked}
        elif name == "TransactItems":
            verb = "Get" if "Get" in shape.name else "Delete"
            members[name] = [{verb: {"TableName": f"table-{owner}", "Key": {"id": {"S": "1"}}}}]
        elif name in shape.required_members:
            members[name] = _any(member, owner)
    return members


PLAIN: Mapping[str, Any] = {
    "map": {},
    "integer": 1,
    "long": 1,
    "boolean": True,
    "blob": b"x",
    "timestamp": 0,
    "double": 1.0,
    "float": 1.0,
}


def _any(shape: Shape, owner: str) -> Any:
    if shape.type_name == "structure":
        return made(shape, owner)
    if shape.type_name == "list":
        return [_any(shape.member, owner)]
    enum = getattr(shape, "enum", None)
    return PLAIN.get(shape.type_name, enum[0] if enum else "x")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench")) as bench:
        yield bench


@pytest.mark.parametrize("owner", ["web2", "free"])
@pytest.mark.parametrize("service", MODELS)
def test_what_is_not_ones_own(bench: Bench, service: str, owner: str) -> None:
    before = bench.state()
    other = bench.environment(bench.ids["web2"])
    theirs = (other.id, *(member.id for member in other.members))
    wrong = []
    for operation in operations(service):
        code, answer = bench.outcome(service, operation, owner)
        if operation in ABOUT_NOTHING.get(service, ()):
            right = service == "sns" or code == ""
        elif service == "elasticbeanstalk" and operation in MAY[service]:
            right = not any(name in answer for name in theirs)
        else:
            right = code in DENIED
        if not right:
            wrong.append((operation, code or "it was done", answer[:200]))
    assert wrong == []
    assert bench.state() == before


@pytest.mark.parametrize("service", MODELS)
def test_what_is_ones_own(bench: Bench, service: str) -> None:
    """What it may is not refused; the rest is, and changes nothing."""
    before, wrong = bench.state(), []
    may = MAY.get(service, frozenset()) | ABOUT_NOTHING.get(service, set())
    for operation in sorted(operations(service), key=lambda name: name in may):
        if operation in may and before is not None:
            assert bench.state() == before
            before = None
        code, answer = bench.outcome(service, operation, "web1")
        if (code in DENIED) is (operation in may):
            wrong.append((operation, code or "it was done", answer[:200]))
    assert wrong == []


def test_what_instances_may_is_the_same_twice() -> None:
    told = {service: set(rows) for service, rows in INSTANCES_MAY.items()}
    assert told == {service: set(rows) for service, rows in MAY.items() if service != "s3"}


@pytest.mark.parametrize("operation", SERVICES["jackbean"])
def test_our_own_service(bench: Bench, operation: str) -> None:
    before = bench.state()
    members = {"EnvironmentName": "web2", "InstanceId": bench.environment(bench.ids["web1"]).id}
    status, told = extend(bench, operation, json.dumps(members), bench.keys)
    assert (status, told["__type"]) == (403, "AccessDenied")
    assert bench.state() == before


# Policies: what their owner grants beyond that


def policy(effect: str = "Allow", action: str = "SQS:SendMessage", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": "*", **more}


THEIRS = "arn:aws:s3:::bucket-web2"
ROLE = "arn:aws:iam::123456789012:role/aws-elasticbeanstalk-ec2-role"
TOPIC = {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:web2"}}


@pytest.mark.parametrize(
    ("statements", "sends"),
    [
        ([policy(Principal="*")], True),
        ([policy(Principal={"AWS": ROLE})], True),
        ([policy(Principal={"AWS": ["*"]}, action="sqs:*")], True),
        ([policy(Principal={"AWS": "arn:aws:iam::123456789012:root"})], False),
        ([policy(Principal={"AWS": ROLE + "2"})], False),
        ([policy(Principal="*", Condition=TOPIC)], False),  # the topic may, whoever asks may not
        ([policy(Principal="*", action="SQS:ReceiveMessage")], False),
        ([policy(Principal="*"), policy("Deny", Principal={"AWS": ROLE})], False),
    ],
)
def test_a_queues_policy_grants(bench: Bench, statements: list[Any], sends: bool) -> None:
    owner, url = bench.client("sqs"), _named("AWS::SQS::Queue", "web2")
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    owner.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    code, _ = bench.outcome("sqs", "SendMessage", "web2")
    assert (code not in DENIED) is sends
    assert (bench.outcome("sqs", "SendMessageBatch", "web2")[0] not in DENIED) is sends
    assert bench.outcome("sqs", "DeleteQueue", "web2")[0] in DENIED
    owner.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def test_a_policy_denies_ones_own(bench: Bench) -> None:
    owner, url = bench.client("sqs"), _named("AWS::SQS::Queue", "web1")
    denies = policy("Deny", Principal={"AWS": ROLE}, action="sqs:PurgeQueue")
    document = json.dumps({"Statement": [denies]})
    owner.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    mine = bench.client("sqs", bench.keys)
    status, code, text = bench.refusal(mine.purge_queue, QueueUrl=url)
    assert (status, code) == (403, "AccessDenied")
    assert "policy denies it" in text
    mine.send_message(QueueUrl=url, MessageBody="x")
    owner.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    mine.purge_queue(QueueUrl=url)


@pytest.mark.parametrize("service", ["s3", "sns", "sqs"])
def test_what_a_policy_opens_of_anothers(bench: Bench, service: str) -> None:
    """However wide it is: what programs may do with their own, and not make, set or end it."""
    place = {"s3": {"Resource": [THEIRS, f"{THEIRS}/*"]}}.get(service, {})
    wide = policy(action=f"{service}:*", Principal={"AWS": ROLE}, **place)
    document = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    set_policy(bench, service, document)
    wrong = []
    for operation in operations(service):
        if operation in ABOUT_NOTHING.get(service, ()):
            continue
        code, answer = bench.outcome(service, operation, "web2")
        if (code in DENIED) is (operation in MAY[service]):
            wrong.append((operation, code or "it was done", answer[:200]))
    assert wrong == []
    set_policy(bench, service, "")
    bench.client("s3").put_object(Bucket="bucket-web2", Key="k", Body=b"theirs")
    for operation in sorted(MAY[service]):
        assert bench.outcome(service, operation, "web2")[0] in DENIED, operation


def set_policy(bench: Bench, service: str, document: str) -> None:
    """Set what `web2` has of a service open, or close it again."""
    client = bench.client(service)
    if service == "sqs":
        url = _named("AWS::SQS::Queue", "web2")
        client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    elif service == "sns":
        arn = _named("AWS::SNS::Topic", "web2")
        attribute = {"AttributeName": "Policy", "AttributeValue": document}
        client.set_topic_attributes(TopicArn=arn, **attribute)
    elif document:
        client.put_bucket_policy(Bucket="bucket-web2", Policy=document)
    else:
        client.delete_bucket_policy(Bucket="bucket-web2")


# Of buckets: what each statement lets an instance of another environment, and everybody, do

EVERYTHING = frozenset({"get", "put", "delete", "list"})
BUCKETS: tuple[tuple[list[Any], frozenset[str], frozenset[str]], ...] = (
    ([policy(action="s3:GetObject", Resource=f"{THEIRS}/*", Principal="*")], {"get"}, {"get"}),
    ([policy(action="s3:*", Resource=[THEIRS, f"{THEIRS}/*"], Principal="*")],) + (EVERYTHING,) * 2,
    ([policy(action="s3:Get*", Resource=f"{THEIRS}/*", Principal={"AWS": ROLE})], {"get"}, set()),
    ([policy(action="s3:ListBucket", Resource=THEIRS, Principal={"AWS": ROLE})], {"list"}, set()),
    ([policy(action="s3:PutObject", Resource=f"{THEIRS}/k", Principal="*")], {"put"}, {"put"}),
    ([policy(action="s3:GetObject", Resource=f"{THEIRS}/other/*", Principal="*")], set(), set()),
    (
        [
            policy(action="s3:*", Resource=f"{THEIRS}/*", Principal="*"),
            policy("Deny", "s3:DeleteObject", Resource=f"{THEIRS}/*", Principal={"AWS": ROLE}),
        ],
        {"get", "put"},
        {"get", "put", "delete"},
    ),
)


@pytest.mark.parametrize(("statements", "instances", "everybody"), BUCKETS)
def test_a_buckets_policy_grants(
    bench: Bench, statements: list[Any], instances: set[str], everybody: set[str]
) -> None:
    owner = bench.client("s3")
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    owner.put_bucket_policy(Bucket="bucket-web2", Policy=document)
    assert owner.get_bucket_policy(Bucket="bucket-web2")["Policy"] == document
    anonymous = bench.client("s3", NOBODY)
    for client, may in ((bench.client("s3", bench.keys), instances), (anonymous, everybody)):
        assert allowed(client) == may
        for manage in ("delete_bucket", "get_bucket_policy", "delete_bucket_policy"):
            assert bench.refusal(getattr(client, manage), Bucket="bucket-web2")[0] == 403
        put = bench.refusal(client.put_bucket_policy, Bucket="bucket-web2", Policy=document)
        assert put[:2] == (403, "AccessDenied")
        owner.put_object(Bucket="bucket-web2", Key="k", Body=b"theirs")
    owner.delete_bucket_policy(Bucket="bucket-web2")
    assert allowed(anonymous) == set()


def allowed(client: Any) -> set[str]:
    """Return what a client may do with the bucket of another environment, and its object."""
    one = {"Bucket": "bucket-web2", "Key": "k"}
    tried = {
        "get": lambda: client.get_object(**one),
        "list": lambda: client.list_objects_v2(Bucket="bucket-web2"),
        "put": lambda: client.put_object(**one, Body=b"theirs"),
        "delete": lambda: client.delete_object(**one),
    }
    return {name for name, call in tried.items() if _done(call)}


def _done(call: Any) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        return False
    return True


def test_a_bucket_denies_its_own_environment(bench: Bench) -> None:
    """Also by what is said of the way: nothing here goes in the clear over the internet."""
    owner, mine = bench.client("s3"), bench.client("s3", bench.keys)
    place = {"Resource": "arn:aws:s3:::bucket-web1/*", "Principal": "*"}
    clear = policy("Deny", "s3:*", **place, Condition={"Bool": {"aws:SecureTransport": "false"}})
    keeps = policy("Deny", "s3:DeleteObject", **place)
    owner.put_bucket_policy(Bucket="bucket-web1", Policy=json.dumps({"Statement": [clear, keeps]}))
    mine.put_object(Bucket="bucket-web1", Key="kept", Body=b"mine")
    deleted = bench.refusal(mine.delete_object, Bucket="bucket-web1", Key="kept")
    assert deleted[:2] == (403, "AccessDenied")
    owner.delete_bucket_policy(Bucket="bucket-web1")
    mine.delete_object(Bucket="bucket-web1", Key="kept")


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        json.dumps({"Statement": []}),
        json.dumps({"Statement": [policy("Permit", Principal="*")]}),
        json.dumps({"Statement": [policy(Principal="*", Resource="arn:aws:s3:::bucket-web1/*")]}),
        json.dumps(
            {"Statement": [policy(Principal="*", Resource=f"{THEIRS}/*", Sid="x" * 20_480)]}
        ),
    ],
)
def test_a_buckets_policy_is_one_of_itself(bench: Bench, document: str) -> None:
    owner = bench.client("s3")
    refused = bench.refusal(owner.put_bucket_policy, Bucket="bucket-web2", Policy=document)
    assert refused[:2] == (400, "MalformedPolicy")
    gone = bench.refusal(owner.get_bucket_policy, Bucket="bucket-web2")
    assert gone[:2] == (404, "NoSuchBucketPolicy")


def test_one_instances_own_part_of_the_storage_bucket(bench: Bench) -> None:
    bucket, s3_ = bench.eb.create_storage_location()["S3Bucket"], bench.client("s3", bench.keys)
    mine, theirs = (f"resources/environments/{bench.ids[name]}/x" for name in ("web1", "web2"))
    s3_.put_object(Bucket=bucket, Key=mine, Body=b"mine")
    assert s3_.get_object(Bucket=bucket, Key=mine)["Body"].read() == b"mine"
    bench.client("s3").put_object(Bucket=bucket, Key=theirs, Body=b"theirs")
    for call, given in (
        (s3_.get_object, {"Key": theirs}),
        (s3_.put_object, {"Key": theirs, "Body": b""}),
        (s3_.copy_object, {"Key": mine, "CopySource": f"{bucket}/{theirs}"}),
        (s3_.list_objects_v2, {}),
        (s3_.list_objects_v2, {"Prefix": f"resources/environments/{bench.ids['web1']}/"}),
    ):
        assert bench.refusal(call, Bucket=bucket, **given)[:2] == (403, "AccessDenied")


def test_what_a_stack_says_in_whatever_words_is_ones_own(rig: PlantRig) -> None:
    """A name, a URL or an ARN; and not what only begins like it."""
    sqs = rig.client("sqs")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("a", "b", "c", "cc")}
    arn = "arn:aws:sqs:us-east-1:123456789012:c"
    told = ("a", f"https://sqs.us-east-1.amazonaws.com{urls['b'].partition('8700')[2]}", arn)
    rig.give(rig.launch(), *(Resource(name, "AWS::SQS::Queue", name) for name in told))
    mine = rig.client("sqs", rig.instance_keys())
    for name in ("a", "b", "c"):
        mine.send_message(QueueUrl=urls[name], MessageBody="x")
    sent = {"QueueUrl": urls["cc"], "MessageBody": "x"}
    assert rig.refusal(mine.send_message, **sent)[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("state", [State.MAKING, State.REMOVING])
def test_a_name_is_nobodys_before_it_is_made(rig: PlantRig, state: State) -> None:
    """A bundle may ask for a name that is another environment's, and be refused a moment later."""
    url = rig.client("sqs").create_queue(QueueName="theirs")["QueueUrl"]
    rig.give(rig.launch(), Resource("Mine", "AWS::SQS::Queue", "theirs", state))
    mine = rig.client("sqs", rig.instance_keys())
    sent = {"QueueUrl": url, "MessageBody": "x"}
    assert rig.refusal(mine.send_message, **sent)[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_links_that_an_instance_makes_are_its_own(bench: Bench, signature: str) -> None:
    """A session token in the query is part of what is signed, the old way too."""
    made = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://{HOST}",
        aws_access_key_id=bench.keys[0],
        aws_secret_access_key=bench.keys[1],
        aws_session_token=bench.keys[2],
        config=Config(signature_version=signature, s3={"addressing_style": "path"}),
    )
    bench.client("s3").put_object(Bucket="bucket-web1", Key="linked", Body=b"mine")
    for bucket, key, status in (("bucket-web1", "linked", 200), ("bucket-web2", "k", 403)):
        given = {"Bucket": bucket, "Key": key}
        url = made.generate_presigned_url("get_object", Params=given, ExpiresIn=60)
        assert bench.run(ask(bench.door, "GET", url, {"Host": HOST})).status == status
        other = url.replace(quote(bench.keys[2], safe=""), quote(bench.keys[2][:-1] + "x", safe=""))
        assert other != url
        assert bench.run(ask(bench.door, "GET", other, {"Host": HOST})).status == 403
