"""What functions in config files and option values refer to: an environment and its settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.core.environments import Environment
from jackbean.core.extensions import Declared
from jackbean.core.installation import Installation
from jackbean.core.options.settings import Settings
from jackbean.stacks.names import SUFFIX_LENGTH, physical, stack_of
from jackbean.stacks.types import STACK, Reality
from jackbean.stacks.types import kind as kind_of
from jackbean.stacks.values import Unresolved, Value

# What Elastic Beanstalk owns of an environment, by logical id: bundles may refer to all of it.
OWNED: Mapping[str, str] = {
    "AWSEBAutoScalingGroup": "AWS::AutoScaling::AutoScalingGroup",
    "AWSEBAutoScalingLaunchConfiguration": "AWS::AutoScaling::LaunchConfiguration",
    "AWSEBAutoScalingScaleDownPolicy": "AWS::AutoScaling::ScalingPolicy",
    "AWSEBAutoScalingScaleUpPolicy": "AWS::AutoScaling::ScalingPolicy",
    "AWSEBBeanstalkMetadata": "AWS::CloudFormation::WaitConditionHandle",
    "AWSEBCloudwatchAlarmHigh": "AWS::CloudWatch::Alarm",
    "AWSEBCloudwatchAlarmLow": "AWS::CloudWatch::Alarm",
    "AWSEBEC2LaunchTemplate": "AWS::EC2::LaunchTemplate",
    "AWSEBInstanceLaunchWaitCondition": "AWS::CloudFormation::WaitCondition",
    "AWSEBInstanceLaunchWaitHandle": "AWS::CloudFormation::WaitConditionHandle",
    "AWSEBLoadBalancer": "AWS::ElasticLoadBalancing::LoadBalancer",
    "AWSEBLoadBalancerSecurityGroup": "AWS::EC2::SecurityGroup",
    "AWSEBRDSDatabase": "AWS::RDS::DBInstance",
    "AWSEBSecurityGroup": "AWS::EC2::SecurityGroup",
    "AWSEBV2LoadBalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWSEBV2LoadBalancerListener": "AWS::ElasticLoadBalancingV2::Listener",
    "AWSEBV2LoadBalancerListenerRule": "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWSEBV2LoadBalancerTargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWSEBWorkerCronLeaderRegistry": "AWS::DynamoDB::Table",
    "AWSEBWorkerDeadLetterQueue": "AWS::SQS::Queue",
    "AWSEBWorkerQueue": "AWS::SQS::Queue",
}
# What an option is that nobody has set and that has no default of its own.
IMPLIED = {("aws:autoscaling:launchconfiguration", "InstanceType"): "t3.micro"}
ENVIRONMENT_NAME = "AWSEBEnvironmentName"
LIST_TYPES = ("CommaDelimitedList", "List<")
SHOWN_MAX = 80


@dataclass(frozen=True)
class Surroundings:
    """stacks.values.Resolver for one environment and one release of it.

    What is not built has a name all the same, which is the same every time.
    """

    installation: Installation
    environment: Environment
    settings: Settings
    declared: Declared

    def ref(self, name: str) -> Value:
        if name in (pseudo := self._pseudo()):
            return pseudo[name]
        if name in self.declared.parameters:
            return self._parameter(name)
        return self._resource(name)

    def attribute(self, resource: str, name: str) -> Value:
        found = self.environment.resource(resource)
        if found is not None and name in (told := dict(found.attributes)):
            return self.installation.reached(told[name])
        kind = self._kind(resource)
        check_attribute(resource, kind, name)
        physical_name = self._name(resource)
        match name:
            case "Arn" | "TopicArn" | "LoadBalancerArn":
                service = (
                    kind.split("::")[1].lower() if kind.count("::") == 2 else "elasticbeanstalk"
                )
                return self.installation.arn(physical_name, service)
            case "DNSName" | "Endpoint.Address" if "LoadBalancing" in kind:
                return self.installation.hostname(self.environment.cname_prefix)
            case "GroupId" | "GroupName" | "QueueName" | "TopicName":
                return physical_name
            case _:
                return f"{physical_name}/{name[:SHOWN_MAX]}"

    def option(self, namespace: str, name: str) -> str | None:
        return self.settings.text(namespace, name) or IMPLIED.get((namespace, name))

    def mapped(self, mapping: str, first: str, second: str) -> Value:
        found: Any = self.declared.mappings
        for name in (mapping, first, second):
            if not isinstance(found, dict) or name not in found:
                where = ".".join((mapping, first, second))
                raise Unresolved(f"there is no {_shown(where)} in Mappings")
            found = found[name]
        return found

    def condition(self, name: str) -> Value:
        if name not in self.declared.conditions:
            raise Unresolved(f"there is no condition {_shown(name)}")
        return self.declared.conditions[name]

    def exported(self, name: str) -> Value:
        if name not in self.declared.imports:
            raise Unresolved(f"no other stack exports {_shown(name)} here")
        return self.declared.imports[name]

    def zones(self, region: str) -> list[str]:
        return [f"{region or self.installation.region}a"]

    def _pseudo(self) -> dict[str, Value]:
        stack = stack_of(self.environment.id)
        return {
            ENVIRONMENT_NAME: self.environment.name,
            "AWS::AccountId": self.installation.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": self.installation.region,
            "AWS::StackId": self.installation.arn(f"stack/{stack}", "cloudformation"),
            "AWS::StackName": stack,
            "AWS::URLSuffix": "amazonaws.com",
        }

    def _parameter(self, name: str) -> Value:
        said = self.declared.parameters[name]
        default = said.get("Default") if isinstance(said, dict) else None
        if default is None:
            raise Unresolved(
                f"parameter {_shown(name)} has no Default, and Elastic Beanstalk gives it no value"
            )
        kind = str(said.get("Type", "String"))
        if isinstance(default, str) and kind.startswith(LIST_TYPES):
            return [item.strip() for item in default.split(",")]
        return default

    def _resource(self, name: str) -> str:
        found = self.environment.resource(name)
        return self.installation.reached(found.referred) if found else self._name(name)

    def _name(self, name: str) -> str:
        """Return the physical name of a resource, made up where it has none yet."""
        found = self.environment.resource(name)
        if found is not None:
            return found.name
        kind = self._kind(name)
        if not kind:
            raise Unresolved(f"there is no resource or parameter {_shown(name)}")
        mark = f"{self.environment.id}/{name}"
        suffix = hashlib.sha256(mark.encode()).hexdigest()[:SUFFIX_LENGTH].upper()
        return physical(self.installation, (name, kind), stack_of(self.environment.id), suffix)

    def _kind(self, name: str) -> str:
        """Return the type of a resource, built or not; empty if nobody speaks of it."""
        found = self.environment.resource(name)
        if found is not None:
            return found.type
        said = self.declared.resources.get(name)
        said_type = said.get("Type") if isinstance(said, dict) else None
        if isinstance(said_type, str) and said_type:
            return said_type
        return OWNED.get(name, "AWS::CloudFormation::CustomResource" if said is not None else "")


def check_attribute(resource: str, kind: str, name: str) -> None:
    """Raise Unresolved for an attribute that resources of a type are known not to have."""
    known = kind_of(kind, resource)
    if kind == STACK and name.startswith("Outputs."):
        return  # which a nested stack has only when it is there
    if known is None or known.reality is not Reality.PROVIDED or name in known.attributes:
        return
    has = ", ".join(sorted(known.attributes)) or "none"
    raise Unresolved(f"{kind} {_shown(resource)} has no attribute {_shown(name)}; it has {has}")


def _shown(name: str) -> str:
    return repr(name[:SHOWN_MAX])
