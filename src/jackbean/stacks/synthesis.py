"""An environment's CloudFormation template, from its settings.

Logical ids are those that Elastic Beanstalk itself uses, so that what people write against them
means the same here. Everything about an environment that is a resource is in the template, and
what a change of settings does to resources and instances is read from the difference of two
templates, nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jackbean.core.options.settings import Settings
from jackbean.core.options.workers import WorkerOptions
from jackbean.stacks.graph import references
from jackbean.stacks.scaling import scaling

ASG = "aws:autoscaling:asg"
LAUNCH = "aws:autoscaling:launchconfiguration"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
PROCESS = "aws:elasticbeanstalk:environment:process:default"
VPC = "aws:ec2:vpc"

GROUP = "AWSEBAutoScalingGroup"
LAUNCH_TEMPLATE = "AWSEBEC2LaunchTemplate"
SECURITY_GROUP = "AWSEBSecurityGroup"
CLASSIC = "AWSEBLoadBalancer"
BALANCER = "AWSEBV2LoadBalancer"
LISTENER = "AWSEBV2LoadBalancerListener"
TARGET_GROUP = "AWSEBV2LoadBalancerTargetGroup"
QUEUE, DEAD_LETTERS = "AWSEBWorkerQueue", "AWSEBWorkerDeadLetterQueue"
CRON = "AWSEBWorkerCronLeaderRegistry"
DEAD_LETTERS_KEPT_S = 1_209_600  # as long as a queue can

# What only whoever takes a template to AWS knows, where no option says it.
PARAMETERS = {
    "ImageId": {"Type": "AWS::EC2::Image::Id", "Description": "Base image"},
    "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>", "Description": "Of the load balancer"},
    "VpcId": {"Type": "AWS::EC2::VPC::Id", "Description": "Of the target group"},
}

Resource = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What a template is made of besides settings."""

    environment_id: str
    environment_name: str
    platform_arn: str
    tier: str = "WebServer"


def synthesise(facts: Facts, settings: Settings) -> dict[str, Any]:
    """Return the environment's template, in an order that depends on nothing but its content."""
    worker = facts.tier == "Worker"
    balancer = {} if worker else _balancer(settings)
    resources = {
        SECURITY_GROUP: _security_group(facts, worker=worker),
        LAUNCH_TEMPLATE: _launch_template(facts, settings),
        **(_worker(WorkerOptions.of(settings)) if worker else {}),
        **balancer,
        GROUP: _group(settings, balancer),
    }
    if worker or balancer:
        resources.update(scaling(settings, GROUP, CLASSIC if CLASSIC in balancer else ""))
    wanted = set(references(resources))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Elastic Beanstalk environment {facts.environment_name}",
        "Parameters": {name: told for name, told in PARAMETERS.items() if name in wanted},
        "Resources": resources,
    }


def _group(settings: Settings, balancer: dict[str, Resource]) -> Resource:
    single = settings.text(ENVIRONMENT, "EnvironmentType") == "SingleInstance"
    low, high = ("1", "1") if single else (_size(settings, "MinSize"), _size(settings, "MaxSize"))
    properties: Resource = {
        "MinSize": low,
        "MaxSize": high,
        "AvailabilityZones": {"Fn::GetAZs": ""},
        "LaunchTemplate": {
            "LaunchTemplateId": {"Ref": LAUNCH_TEMPLATE},
            "Version": {"Fn::GetAtt": [LAUNCH_TEMPLATE, "LatestVersionNumber"]},
        },
    }
    if TARGET_GROUP in balancer:
        properties["TargetGroupARNs"] = [{"Ref": TARGET_GROUP}]
    if CLASSIC in balancer:
        properties["LoadBalancerNames"] = [{"Ref": CLASSIC}]
    return {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": properties}


def _size(settings: Settings, name: str) -> str:
    return settings.text(ASG, name) or ("1" if name == "MinSize" else "4")


def _launch_template(facts: Facts, settings: Settings) -> Resource:
    data: Resource = {
        "ImageId": {"Ref": "ImageId"},
        "InstanceType": settings.text(LAUNCH, "InstanceType") or "t3.micro",
        "SecurityGroupIds": [{"Fn::GetAtt": [SECURITY_GROUP, "GroupId"]}],
        "TagSpecifications": [
            {
                "ResourceType": "instance",
                "Tags": [{"Key": "elasticbeanstalk:platform", "Value": facts.platform_arn}],
            }
        ],
    }
    if profile := settings.text(LAUNCH, "IamInstanceProfile"):
        data["IamInstanceProfile"] = {"Name": profile}
    if key := settings.text(LAUNCH, "EC2KeyName"):
        data["KeyName"] = key
    return {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}}


def _security_group(facts: Facts, *, worker: bool) -> Resource:
    properties: Resource = {"GroupDescription": f"Instances of {facts.environment_name}"}
    if not worker:  # nobody calls a worker: it fetches its work
        properties["SecurityGroupIngress"] = [
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}
        ]
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}


def _worker(options: WorkerOptions) -> dict[str, Resource]:
    """Return what a worker environment has: queues, unless somebody has chosen one."""
    return {**({} if options.queue_url else _queues(options)), CRON: _cron_registry()}


def _queues(options: WorkerOptions) -> dict[str, Resource]:
    redrive = {
        "deadLetterTargetArn": {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]},
        "maxReceiveCount": options.max_retries,
    }
    return {
        DEAD_LETTERS: {
            "Type": "AWS::SQS::Queue",
            "Properties": {"MessageRetentionPeriod": DEAD_LETTERS_KEPT_S},
        },
        QUEUE: {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "MessageRetentionPeriod": options.retention_period_s,
                "RedrivePolicy": redrive,
                "VisibilityTimeout": options.visibility_timeout_s,
            },
        },
    }


def _cron_registry() -> Resource:
    """Return where instances on AWS agree on who runs cron jobs. Nobody needs it here."""
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": "registry_key", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "registry_key", "KeyType": "HASH"}],
        },
    }


def _balancer(settings: Settings) -> dict[str, Resource]:
    if settings.text(ENVIRONMENT, "EnvironmentType") == "SingleInstance":
        return {}
    kind = settings.text(ENVIRONMENT, "LoadBalancerType") or "classic"
    return {CLASSIC: _classic()} if kind == "classic" else _v2(kind, settings)


def _classic() -> Resource:
    return {
        "Type": "AWS::ElasticLoadBalancing::LoadBalancer",
        "Properties": {
            "AvailabilityZones": {"Fn::GetAZs": ""},
            "Listeners": [{"LoadBalancerPort": "80", "InstancePort": "80", "Protocol": "HTTP"}],
        },
    }


def _v2(kind: str, settings: Settings) -> dict[str, Resource]:
    protocol = "TCP" if kind == "network" else "HTTP"
    group: Resource = {
        "Port": 80,
        "Protocol": protocol,
        "VpcId": settings.text(VPC, "VPCId") or {"Ref": "VpcId"},
        "TargetGroupAttributes": [
            {
                "Key": "deregistration_delay.timeout_seconds",
                "Value": settings.text(PROCESS, "DeregistrationDelay") or "20",
            }
        ],
    }
    if kind == "application":
        group["HealthCheckPath"] = settings.text(PROCESS, "HealthCheckPath") or "/"
    return {
        BALANCER: {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Subnets": _subnets(settings), "Type": kind},
        },
        TARGET_GROUP: {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": group,
        },
        LISTENER: {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": BALANCER},
                "Port": 80,
                "Protocol": protocol,
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": TARGET_GROUP}}],
            },
        },
    }


def _subnets(settings: Settings) -> Any:
    said = settings.text(VPC, "ELBSubnets") or settings.text(VPC, "Subnets")
    return [one.strip() for one in said.split(",")] if said else {"Ref": "Subnets"}
