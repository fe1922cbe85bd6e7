"""What properties resources of the types that are real here have, as CloudFormation's schemas say.

Tables, and nothing else: `stacks.properties` reads them. `UNREALISED` are properties that are taken
and of which nothing comes here; people are told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Leaf(StrEnum):
    """What a single value is."""

    TEXT = "String"
    WHOLE = "Integer"
    FLAG = "Boolean"
    DOCUMENT = "Json"  # an object, or the text of one
    ANY = "Any"  # of whatever shape: nothing comes of it here


@dataclass(frozen=True)
class Many:
    """A list; one value is taken for a list of it."""

    of: Shape


@dataclass(frozen=True)
class Members:
    """An object, and which of its members must be there."""

    known: Mapping[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()


Shape = Leaf | Many | Members
TEXT, WHOLE, FLAG, DOCUMENT, ANY = Leaf.TEXT, Leaf.WHOLE, Leaf.FLAG, Leaf.DOCUMENT, Leaf.ANY


def _members(required: str = "", **known: Shape) -> Members:
    return Members(known, frozenset(required.split()))


def _any(names: str) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), ANY)


TAGS = Many(_members("Key Value", Key=TEXT, Value=TEXT))
KEY_SCHEMA = Many(_members("AttributeName KeyType", AttributeName=TEXT, KeyType=TEXT))
PROJECTION = _members(ProjectionType=TEXT, NonKeyAttributes=Many(TEXT))
THROUGHPUT = _members(
    "ReadCapacityUnits WriteCapacityUnits", ReadCapacityUnits=WHOLE, WriteCapacityUnits=WHOLE
)

TABLE_UNREALISED = """
    ContributorInsightsSpecification ImportSourceSpecification KinesisStreamSpecification
    OnDemandThroughput PointInTimeRecoverySpecification ResourcePolicy SSESpecification
    StreamSpecification WarmThroughput
"""
BUCKET_UNREALISED = """
    AbacStatus AccelerateConfiguration AccessControl AnalyticsConfigurations BucketEncryption
    BucketNamePrefix BucketNamespace CorsConfiguration IntelligentTieringConfigurations
    InventoryConfigurations LifecycleConfiguration LoggingConfiguration MetadataConfiguration
    MetadataTableConfiguration MetricsConfigurations NotificationConfiguration
    ObjectLockConfiguration ObjectLockEnabled OwnershipControls PublicAccessBlockConfiguration
    ReplicationConfiguration Tags VersioningConfiguration WebsiteConfiguration
"""
SCHEMAS: Mapping[str, Members] = {
    "AWS::SQS::Queue": _members(
        QueueName=TEXT,
        FifoQueue=FLAG,
        ContentBasedDeduplication=FLAG,
        DeduplicationScope=TEXT,
        DelaySeconds=WHOLE,
        FifoThroughputLimit=TEXT,
        KmsDataKeyReusePeriodSeconds=WHOLE,
        KmsMasterKeyId=TEXT,
        MaximumMessageSize=WHOLE,
        MessageRetentionPeriod=WHOLE,
        ReceiveMessageWaitTimeSeconds=WHOLE,
        RedriveAllowPolicy=DOCUMENT,
        RedrivePolicy=DOCUMENT,
        SqsManagedSseEnabled=FLAG,
        Tags=TAGS,
        VisibilityTimeout=WHOLE,
    ),
    "AWS::SQS::QueuePolicy": _members(
        "PolicyDocument Queues", PolicyDocument=DOCUMENT, Queues=Many(TEXT)
    ),
    "AWS::SNS::Topic": _members(
        ArchivePolicy=DOCUMENT,
        ContentBasedDeduplication=FLAG,
        DataProtectionPolicy=DOCUMENT,
        DeliveryPolicy=DOCUMENT,
        DeliveryStatusLogging=ANY,
        DisplayName=TEXT,
        FifoThroughputScope=TEXT,
        FifoTopic=FLAG,
        KmsMasterKeyId=TEXT,
        SignatureVersion=TEXT,
        Subscription=Many(_members("Endpoint Protocol", Endpoint=TEXT, Protocol=TEXT)),
        Tags=TAGS,
        TopicName=TEXT,
        TracingConfig=TEXT,
    ),
    "AWS::SNS::TopicPolicy": _members(
        "PolicyDocument Topics", PolicyDocument=DOCUMENT, Topics=Many(TEXT)
    ),
    "AWS::SNS::Subscription": _members(
        "Protocol TopicArn",
        DeliveryPolicy=DOCUMENT,
        Endpoint=TEXT,
        FilterPolicy=DOCUMENT,
        FilterPolicyScope=TEXT,
        Protocol=TEXT,
        RawMessageDelivery=FLAG,
        RedrivePolicy=DOCUMENT,
        Region=TEXT,
        ReplayPolicy=ANY,
        SubscriptionRoleArn=TEXT,
        TopicArn=TEXT,
    ),
    "AWS::S3::Bucket": Members({"BucketName": TEXT, **_any(BUCKET_UNREALISED)}),
    "AWS::S3::BucketPolicy": _members(
        "Bucket PolicyDocument", Bucket=TEXT, PolicyDocument=DOCUMENT
    ),
    "AWS::DynamoDB::Table": _members(
        "KeySchema",
        AttributeDefinitions=Many(
            _members("AttributeName AttributeType", AttributeName=TEXT, AttributeType=TEXT)
        ),
        BillingMode=TEXT,
        DeletionProtectionEnabled=FLAG,
        GlobalSecondaryIndexes=Many(
            _members(
                "IndexName KeySchema Projection",
                IndexName=TEXT,
                KeySchema=KEY_SCHEMA,
                Projection=PROJECTION,
                ProvisionedThroughput=THROUGHPUT,
                **_any("ContributorInsightsSpecification OnDemandThroughput WarmThroughput"),
            )
        ),
        KeySchema=KEY_SCHEMA,
        LocalSecondaryIndexes=Many(
            _members(
                "IndexName KeySchema Projection",
                IndexName=TEXT,
                KeySchema=KEY_SCHEMA,
                Projection=PROJECTION,
            )
        ),
        ProvisionedThroughput=THROUGHPUT,
        TableClass=TEXT,
        TableName=TEXT,
        Tags=TAGS,
        TimeToLiveSpecification=_members("Enabled", AttributeName=TEXT, Enabled=FLAG),
        **_any(TABLE_UNREALISED),
    ),
    "AWS::CloudFormation::Stack": _members(
        "TemplateURL",
        NotificationARNs=Many(TEXT),
        Parameters=DOCUMENT,
        Tags=TAGS,
        TemplateURL=TEXT,
        TimeoutInMinutes=WHOLE,
    ),
    "AWS::CloudFormation::WaitCondition": _members(
        Count=WHOLE,
        Handle=TEXT,
        Timeout=TEXT,
        CreationPolicy=_members(
            "ResourceSignal",
            ResourceSignal=_members(Count=WHOLE, Timeout=TEXT),
            **_any("AutoScalingCreationPolicy"),
        ),
    ),
    "AWS::CloudFormation::WaitConditionHandle": _members(),
}

UNREALISED: Mapping[str, frozenset[str]] = {
    "AWS::CloudFormation::Stack": frozenset({"NotificationARNs", "TimeoutInMinutes"}),
    "AWS::S3::Bucket": frozenset(BUCKET_UNREALISED.split()),
    "AWS::DynamoDB::Table": frozenset(TABLE_UNREALISED.split()),
    "AWS::SNS::Topic": frozenset(
        {"ArchivePolicy", "DataProtectionPolicy", "DeliveryStatusLogging"}
    ),
    "AWS::SNS::Subscription": frozenset({"Region", "ReplayPolicy", "SubscriptionRoleArn"}),
    "AWS::SQS::Queue": frozenset({"KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId"}),
}
