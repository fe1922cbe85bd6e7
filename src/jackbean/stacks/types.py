"""Types of resources: what each is here, what names it, what of it cannot be changed in place.

A type is *provided* where something real is made of it; *followed* where it is a record whose
reality are the loop and the router; *inert* where it has no meaning on one's own machines: it has a
name to refer to, and nothing else; *unbuilt* where it will have one. A type of a service that is
spoken of here must be one of its types; of the others, which are inert, any will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Reality(StrEnum):
    PROVIDED = "provided"
    FOLLOWED = "followed"
    INERT = "inert"
    UNBUILT = "unbuilt"


@dataclass(frozen=True)
class Kind:
    """What a type is.

    `named_by` is the property that may give the physical name, `replaced_by` are those that cannot
    be changed in place, `attributes` what GetAtt gives; these are known only of what is provided.
    """

    reality: Reality
    named_by: str = ""
    replaced_by: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()


def _provided(named_by: str, replaced_by: str = "", attributes: str = "") -> Kind:
    fixed = _words(f"{replaced_by} {named_by}")
    return Kind(Reality.PROVIDED, named_by, fixed, _words(attributes))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FOLLOWED, INERT, UNBUILT = Kind(Reality.FOLLOWED), Kind(Reality.INERT), Kind(Reality.UNBUILT)

STACK = "AWS::CloudFormation::Stack"
KINDS: Mapping[str, Kind] = {
    STACK: _provided(""),
    "AWS::S3::Bucket": _provided(
        "BucketName",
        attributes="Arn DomainName DualStackDomainName RegionalDomainName WebsiteURL",
    ),
    "AWS::S3::BucketPolicy": _provided("", "Bucket"),
    "AWS::SNS::Subscription": _provided("", "Endpoint Protocol TopicArn", "Arn"),
    "AWS::SNS::Topic": _provided("TopicName", "FifoTopic", "TopicArn TopicName"),
    "AWS::SNS::TopicPolicy": _provided(""),
    "AWS::SQS::Queue": _provided("QueueName", "FifoQueue", "Arn QueueName QueueUrl"),
    "AWS::SQS::QueuePolicy": _provided(""),
    "AWS::DynamoDB::Table": _provided("TableName", "KeySchema LocalSecondaryIndexes", "Arn"),
    "AWS::AutoScaling::AutoScalingGroup": FOLLOWED,
    "AWS::AutoScaling::LaunchConfiguration": FOLLOWED,
    "AWS::EC2::LaunchTemplate": FOLLOWED,
    "AWS::EC2::SecurityGroup": FOLLOWED,
    "AWS::EC2::SecurityGroupIngress": FOLLOWED,
    "AWS::ElasticLoadBalancing::LoadBalancer": FOLLOWED,
    "AWS::ElasticLoadBalancingV2::Listener": FOLLOWED,
    "AWS::ElasticLoadBalancingV2::ListenerRule": FOLLOWED,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": FOLLOWED,
    "AWS::ElasticLoadBalancingV2::TargetGroup": FOLLOWED,
    "AWS::CloudFormation::CustomResource": INERT,
    "AWS::CloudFormation::WaitCondition": _provided("", attributes="Data"),
    "AWS::CloudFormation::WaitConditionHandle": _provided(""),
}
# Services of which no type, or only those above, have a meaning here; of the second kind, yet.
INERT_SERVICES = _words(
    """
    ACMPCA APS AccessAnalyzer Amplify ApiGateway ApiGatewayV2 AppConfig AppFlow AppRunner
    AppStream AppSync ApplicationAutoScaling ApplicationInsights Athena AuditManager AutoScaling
    AutoScalingPlans Backup Batch Bedrock BedrockAgent Budgets CE Cassandra CertificateManager
    Chatbot Cloud9 CloudFront CloudTrail CloudWatch CodeArtifact CodeBuild CodeCommit
    CodeConnections CodeDeploy CodePipeline CodeStarConnections CodeStarNotifications Cognito
    Config Connect DLM DataSync Detective DevOpsGuru DirectoryService EC2 ECR ECS EFS EKS EMR
    EMRServerless ElasticBeanstalk ElasticLoadBalancing ElasticLoadBalancingV2 EventSchemas
    Events Evidently FSx Firehose GlobalAccelerator Glue Grafana GuardDuty IAM IVS ImageBuilder
    Inspector InspectorV2 IoT IoTAnalytics KMS KinesisAnalytics KinesisAnalyticsV2 KinesisVideo
    LakeFormation Lambda Lex Lightsail Location Logs Macie MediaConvert NetworkFirewall OpsWorks
    Organizations Pinpoint Pipes QuickSight RAM RUM Rekognition ResourceGroups RolesAnywhere
    Route53 Route53Resolver S3Express S3ObjectLambda S3Outposts SDB SES SSM SSMContacts
    SSMIncidents SSO SageMaker Scheduler SecurityHub ServiceCatalog ServiceDiscovery Shield
    Signer StepFunctions Synthetics Transfer VpcLattice WAF WAFRegional WAFv2 Wisdom WorkSpaces
    XRay
    """
)
UNBUILT_SERVICES = _words(
    """
    AmazonMQ DAX DMS DocDB ElastiCache Elasticsearch Kinesis MSK MemoryDB Neptune
    OpenSearchService RDS Redshift SecretsManager Timestream
    """
)
# What Elastic Beanstalk brings itself and nothing here needs: the loop chooses who runs cron jobs,
# and knows by itself when an instance has been launched.
INERT_IDS = frozenset(
    {
        "AWSEBBeanstalkMetadata",
        "AWSEBInstanceLaunchWaitCondition",
        "AWSEBInstanceLaunchWaitHandle",
        "AWSEBWorkerCronLeaderRegistry",
    }
)
SNAPSHOTS = frozenset(
    {
        "AWS::DocDB::DBCluster",
        "AWS::EC2::Volume",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::Neptune::DBCluster",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::Redshift::Cluster",
    }
)


def kind(name: str, logical_id: str = "") -> Kind | None:
    """Return what a type is here; None: it is not known."""
    if logical_id in INERT_IDS:
        return INERT
    if name in KINDS:
        return KINDS[name]
    first, _, rest = name.partition("::")
    if first == "Custom" and rest:
        return INERT
    service, _, own = rest.partition("::")
    if first != "AWS" or not own:
        return None
    if service in INERT_SERVICES:
        return INERT
    return UNBUILT if service in UNBUILT_SERVICES else None


def provided(name: str, logical_id: str = "") -> bool:
    """Whether something real is made of a resource of that type."""
    found = kind(name, logical_id)
    return found is not None and found.reality is Reality.PROVIDED


def nearest(name: str) -> list[str]:
    """Return the types, or services, that somebody could have meant."""
    services = [f"AWS::{service}::*" for service in INERT_SERVICES | UNBUILT_SERVICES]
    return get_close_matches(name, sorted([*KINDS, *services]), n=3, cutoff=0.7)
