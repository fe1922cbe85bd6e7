"""The flags of `jb create` that are option settings, as a table.

What the EB CLI sends with every new environment is sent here, too, so that both make the same one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click

from jackbean.cli.labels import pairs

LAUNCH = "aws:autoscaling:launchconfiguration"
GROUP = "aws:autoscaling:asg"
INSTANCES = "aws:ec2:instances"
VPC = "aws:ec2:vpc"
DATABASE = "aws:rds:dbinstance"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
VARIABLES = "aws:elasticbeanstalk:application:environment"
BALANCER = "aws:elbv2:loadbalancer"

BALANCERS = ("application", "classic", "network")
PROFILE, ROLE = "aws-elasticbeanstalk-ec2-role", "aws-elasticbeanstalk-service-role"

Setting = dict[str, str]


@dataclass(frozen=True)
class Row:
    """A flag that sets options. `value` is what a flag without a value stands for."""

    flags: tuple[str, ...]
    namespace: str
    options: tuple[str, ...]
    help: str
    value: str = ""

    @property
    def name(self) -> str:
        longest = max(self.flags, key=len)
        return longest.strip("-").replace("-", "_").replace(".", "_")

    def click(self) -> click.Option:
        kind: dict[str, Any] = {"is_flag": True} if self.value else {"default": ""}
        return click.Option((*self.flags, self.name), help=self.help, show_default=False, **kind)


def _row(flags: str, namespace: str, options: str, text: str, value: str = "") -> Row:
    return Row(tuple(flags.split()), namespace, tuple(options.split()), text, value)


ROWS: tuple[Row, ...] = (
    _row("--scale", GROUP, "MinSize MaxSize", "How many instances, neither fewer nor more."),
    _row("-im --min-instances", GROUP, "MinSize", "How many instances at least."),
    _row("-ix --max-instances", GROUP, "MaxSize", "How many instances at most."),
    _row("-i --instance_type --instance-type", LAUNCH, "InstanceType", "How large instances are."),
    _row("-it --instance-types", INSTANCES, "InstanceTypes", "Several types, with commas."),
    _row("-ip --instance_profile", LAUNCH, "IamInstanceProfile", "What instances may do on AWS."),
    _row("-sr --service-role", ENVIRONMENT, "ServiceRole", "What Elastic Beanstalk may do on AWS."),
    _row("-k --keyname", LAUNCH, "EC2KeyName", "The EC2 key pair to log in with."),
    _row("-es --enable-spot", INSTANCES, "EnableSpot", "Take Spot Instances.", "true"),
    _row("-sm --spot-max-price", INSTANCES, "SpotMaxPrice", "What they may cost."),
    _row(
        "-sb --on-demand-base-capacity",
        INSTANCES,
        "SpotFleetOnDemandBase",
        "How many instances are On-Demand before any is Spot.",
    ),
    _row(
        "-sp --on-demand-above-base-capacity",
        INSTANCES,
        "SpotFleetOnDemandAboveBasePercentage",
        "Of those above it, how many in a hundred are On-Demand.",
    ),
    _row("-ls --shared-lb", BALANCER, "SharedLoadBalancer", "ARN of a load balancer to share."),
    _row("--vpc.id", VPC, "VPCId", "The VPC."),
    _row("--vpc.ec2subnets", VPC, "Subnets", "Subnets of instances."),
    _row("--vpc.elbsubnets", VPC, "ELBSubnets", "Subnets of the load balancer."),
    _row("--vpc.elbpublic", VPC, "ELBScheme", "A load balancer for the internet.", "public"),
    _row("--vpc.publicip", VPC, "AssociatePublicIpAddress", "Instances get addresses.", "true"),
    _row("--vpc.securitygroups", LAUNCH, "SecurityGroups", "Security groups of instances."),
    _row("--vpc.dbsubnets", VPC, "DBSubnets", "Subnets of the database."),
    _row("-db.engine --database.engine", DATABASE, "DBEngine", "A database: which."),
    _row("-db.version --database.version", DATABASE, "DBEngineVersion", "Its version."),
    _row("-db.size --database.size", DATABASE, "DBAllocatedStorage", "Its size in GB."),
    _row("-db.i --database.instance", DATABASE, "DBInstanceClass", "Its instance class."),
    _row("-db.user --database.username", DATABASE, "DBUser", "Its user."),
    _row("-db.pass --database.password", DATABASE, "DBPassword", "The user's password."),
)


def flags() -> list[click.Option]:
    """Return the table as flags of a command."""
    return [row.click() for row in ROWS]


ALWAYS: tuple[tuple[str, str, str], ...] = (
    ("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced"),
    ("aws:elasticbeanstalk:command", "BatchSize", "30"),
    ("aws:elasticbeanstalk:command", "BatchSizeType", "Percentage"),
    (LAUNCH, "IamInstanceProfile", PROFILE),
    (ENVIRONMENT, "ServiceRole", ROLE),
)
BALANCED: tuple[tuple[str, str, str], ...] = (
    ("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateEnabled", "true"),
    ("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateType", "Health"),
)


def settings(
    given: Mapping[str, Any], *, single: bool, balancer: str, variables: str
) -> list[Setting]:
    """Return the OptionSettings of a new environment: of the same option, the last one holds.

    `balancer` is "" for a worker, which has none. Raises ValueError where `variables` is not
    KEY=VALUE,...
    """
    found: dict[tuple[str, str], str] = {}
    for namespace, option, value in (*ALWAYS, *(() if single else BALANCED)):
        found[namespace, option] = value
    if single:
        found[ENVIRONMENT, "EnvironmentType"] = "SingleInstance"
    elif balancer:
        found[ENVIRONMENT, "LoadBalancerType"] = balancer
    found |= dict(_chosen(given))
    if (BALANCER, "SharedLoadBalancer") in found:
        found[ENVIRONMENT, "LoadBalancerIsShared"] = "true"
    for name, value in pairs(variables, "--envvars").items():
        found[VARIABLES, name] = value
    return [
        {"Namespace": namespace, "OptionName": option, "Value": value}
        for (namespace, option), value in found.items()
    ]


def _chosen(given: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    for row in ROWS:
        value = given.get(row.name)
        for option in row.options if value else ():
            yield (row.namespace, option), row.value or str(value)
