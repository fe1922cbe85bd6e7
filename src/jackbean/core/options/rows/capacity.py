"""How many instances there are, of what kind, where, and how they are replaced."""

from __future__ import annotations

from functools import partial

from jackbean.core.options.domains import (
    Boolean,
    Choice,
    Decimal,
    Duration,
    Items,
    Text,
    Timestamp,
    Whole,
)
from jackbean.core.options.option import APPLICATION, CLASSIC, NETWORK, Apply, Option

COUNT = Whole(0, 10_000)
NAME = Text(length_max=512)
INSTANCE_TYPE = Text(r"[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}", "an instance type such as t3.micro")
PERIOD = Whole(1, 600)
BALANCED = (CLASSIC, APPLICATION, NETWORK)

_group = partial(Option, "aws:autoscaling:asg", resource_name="AWSEBAutoScalingGroup", checked=True)
_launch = partial(
    Option,
    "aws:autoscaling:launchconfiguration",
    resource_name="AWSEBAutoScalingLaunchConfiguration",
    apply=Apply.REPLACE,
    checked=True,
)
_scheduled = partial(
    Option,
    "aws:autoscaling:scheduledaction",
    resource_name="<scheduled action name>",
    checked=True,
)
_trigger = partial(
    Option, "aws:autoscaling:trigger", resource_name="AWSEBCloudwatchAlarmLow", checked=True
)
_update = partial(
    Option,
    "aws:autoscaling:updatepolicy:rollingupdate",
    resource_name="AWSEBAutoScalingGroup",
    apply=Apply.CONTROL_PLANE,
    checked=True,
)
_instances = partial(Option, "aws:ec2:instances", apply=Apply.REPLACE, checked=True)
_vpc = partial(Option, "aws:ec2:vpc", apply=Apply.REPLACE, checked=True)

CAPACITY: tuple[Option, ...] = (
    _group(
        "Availability Zones",
        "How many zones the group spreads its instances over",
        Choice(("Any", "Any 1", "Any 2", "Any 3")),
        "Any",
        apply=Apply.REPLACE,
    ),
    _group(
        "Cooldown",
        "Seconds after a scaling activity before another may begin",
        COUNT,
        "360",
        unit="s",
    ),
    _group(
        "Custom Availability Zones",
        "Explicit zones to place instances in",
        Items(),
        apply=Apply.REPLACE,
        checked=False,
    ),
    _group(
        "EnableCapacityRebalancing",
        "Proactively swap Spot instances facing interruption",
        Boolean(),
        "false",
    ),
    _group("MinSize", "Lower bound of the group size", COUNT, "1"),
    _group("MaxSize", "Upper bound of the group size", COUNT, "4"),
    _launch(
        "DisableDefaultEC2SecurityGroup",
        "Leave out the security group that environments get by default",
        Boolean(),
        "false",
        resource_name="",
    ),
    _launch("DisableIMDSv1", "Force metadata service v2 only", Boolean(), "true", resource_name=""),
    _launch("EC2KeyName", "Key pair for SSH login", Text(length_max=255)),
    _launch("IamInstanceProfile", "Role container that instances assume, by name or ARN", NAME),
    _launch("ImageId", "Custom machine image replacing the platform image", NAME, checked=False),
    _launch(
        "InstanceType",
        "Single instance type; superseded by InstanceTypes",
        INSTANCE_TYPE,
        resource_name="",
    ),
    _launch(
        "LaunchTemplateTagPropagationEnabled",
        "Pass the environment's tags to what the launch template makes",
        Boolean(),
        "false",
        resource_name="",
    ),
    _launch(
        "MonitoringInterval",
        "Granularity of instance metrics",
        Choice(("1 minute", "5 minute")),
        "5 minute",
    ),
    _launch(
        "SecurityGroups",
        "Security groups attached to instances, by id or template reference",
        Items(),
        "elasticbeanstalk-default",
    ),
    _launch(
        "SSHSourceRestriction",
        "Who may reach SSH on instances: protocol, first port, last port, source",
        NAME,
        apply=Apply.RESOURCE,
        checked=False,
        resource_name="",
    ),
    _launch(
        "BlockDeviceMappings",
        "Extra volumes per instance: device=[snapshot]:[GB]:[delete]:[type]:[iops], and so on",
        Items(),
        checked=False,
    ),
    _launch(
        "RootVolumeType",
        "Type of the boot disk",
        Choice(("standard", "gp2", "gp3", "io1")),
    ),
    _launch("RootVolumeSize", "Boot disk size in whole gigabytes", Whole(8, 16_384), unit="GB"),
    _launch("RootVolumeIOPS", "Provisioned IOPS of the boot disk", Whole(100, 20_000)),
    _launch(
        "RootVolumeThroughput",
        "Throughput of a gp3 boot disk",
        Whole(125, 1000),
        unit="MiB/s",
        resource_name="",
    ),
    _scheduled("StartTime", "When the action runs or becomes active", Timestamp()),
    _scheduled("EndTime", "When recurrence stops; sizes are not reverted", Timestamp()),
    _scheduled("MaxSize", "Group maximum to set when it fires", COUNT),
    _scheduled("MinSize", "Group minimum to set when it fires", COUNT),
    _scheduled("DesiredCapacity", "Desired count to set; triggers adjust it afterwards", COUNT),
    _scheduled(
        "Recurrence",
        "Repeat schedule as a cron expression in UTC; absent means run once",
        Text(r"[0-9A-Za-z*/,\-]+( +[0-9A-Za-z*/,\-]+){4}", "a cron expression of five fields"),
    ),
    _scheduled("Suspend", "Temporarily disable a recurring action", Boolean(), "false"),
    _trigger(
        "BreachDuration",
        "Minutes out of range before the trigger fires: Period times EvaluationPeriods",
        PERIOD,
        "5",
        unit="min",
    ),
    _trigger(
        "LowerBreachScaleIncrement",
        "Instance count change on a low breach (negative removes)",
        Whole(-10_000, 10_000),
        "-1",
        resource_name="AWSEBAutoScalingScaleDownPolicy",
    ),
    _trigger(
        "LowerThreshold",
        "Scale in when the metric falls under this",
        Decimal(0, 20_000_000),
        "2000000",
    ),
    _trigger(
        "MeasureName",
        "Metric that drives scaling",
        Choice(
            (
                "CPUUtilization",
                "NetworkIn",
                "NetworkOut",
                "DiskWriteOps",
                "DiskReadBytes",
                "DiskReadOps",
                "DiskWriteBytes",
                "Latency",
                "RequestCount",
                "HealthyHostCount",
                "UnhealthyHostCount",
                "TargetResponseTime",
            )
        ),
        "NetworkOut",
    ),
    _trigger("Period", "Minutes between metric samples", PERIOD, "5", unit="min"),
    _trigger("EvaluationPeriods", "Consecutive periods that must breach", PERIOD, "1"),
    _trigger(
        "Statistic",
        "Aggregation applied to the metric",
        Choice(("Minimum", "Maximum", "Sum", "Average")),
        "Average",
    ),
    _trigger(
        "Unit",
        "Measurement unit of the metric",
        Choice(
            (
                "Seconds",
                "Percent",
                "Bytes",
                "Bits",
                "Count",
                "Bytes/Second",
                "Bits/Second",
                "Count/Second",
                "None",
            )
        ),
        "Bytes",
    ),
    _trigger(
        "UpperBreachScaleIncrement",
        "Instances to add on a high breach",
        Whole(-10_000, 10_000),
        "1",
        resource_name="AWSEBAutoScalingScaleUpPolicy",
    ),
    _trigger(
        "UpperThreshold",
        "Scale out when the metric exceeds this",
        Decimal(0, 20_000_000),
        "6000000",
        resource_name="AWSEBCloudwatchAlarmHigh",
    ),
    _update(
        "MaxBatchSize",
        "Instances replaced per batch; a third of MinSize, rounded up, where not set",
        Whole(1, 10_000),
    ),
    _update(
        "MinInstancesInService",
        "Instances kept running while others are replaced; the lower of MinSize and MaxSize - 1 "
        "where not set",
        Whole(0, 9999),
    ),
    _update(
        "RollingUpdateEnabled",
        "Replace instances in batches; true where MaxBatchSize, MinInstancesInService or PauseTime "
        "is set",
        Boolean(),
        "false",
    ),
    _update(
        "RollingUpdateType",
        "How batches are paced, or immutable replacement",
        Choice(("Time", "Health", "Immutable")),
        "Time",
    ),
    _update(
        "PauseTime",
        "Wait between batches for time-based updates",
        Duration(0, 3600),
        "PT10S",
        default_aws="computed from the instance type",
        implied=True,
    ),
    _update(
        "Timeout",
        "Limit for a batch to turn healthy before cancelling",
        Duration(300, 3600),
        "PT30M",
    ),
    _instances("EnableSpot", "Allow Spot requests in the group", Boolean(), "false"),
    _instances(
        "InstanceTypes",
        "Ordered instance types of one architecture; only the first is used without Spot",
        Items(INSTANCE_TYPE, 40),
    ),
    _instances(
        "SpotAllocationStrategy",
        "How Spot instances are picked from what is available",
        Choice(
            (
                "capacity-optimized",
                "price-capacity-optimized",
                "capacity-optimized-prioritized",
                "lowest-price",
            )
        ),
        "capacity-optimized",
    ),
    _instances("SpotFleetOnDemandBase", "On-demand instances launched before any Spot", COUNT, "0"),
    _instances(
        "SpotFleetOnDemandAboveBasePercentage",
        "On-demand share of capacity above the base; 0 in single-instance environments",
        Whole(0, 100),
        "70",
        unit="%",
    ),
    _instances(
        "SpotMaxPrice",
        "Highest hourly USD bid per Spot instance; null means the on-demand price",
        Decimal(0.001, 20.0, none="null"),
    ),
    _instances(
        "SupportedArchitectures",
        "CPU architectures the environment may use",
        Items(Choice(("arm64", "x86_64", "i386"))),
        apply=Apply.CREATE_ONLY,
    ),
    _vpc(
        "VPCId",
        "Network that hosts the environment",
        NAME,
        apply=Apply.CREATE_ONLY,
        resource_name="AWSEBSecurityGroup",
    ),
    _vpc("Subnets", "Subnets for the instances", Items(), resource_name="AWSEBAutoScalingGroup"),
    _vpc(
        "ELBSubnets",
        "Subnets for the load balancer",
        Items(),
        apply=Apply.RESOURCE,
        where=BALANCED,
    ),
    _vpc(
        "ELBScheme",
        "Internet-facing or internal load balancer; any other value is ignored",
        Choice(("public", "internal")),
        "public",
        apply=Apply.RESOURCE,
        checked=False,
        where=BALANCED,
    ),
    _vpc("DBSubnets", "Subnets for the coupled database", Items(), apply=Apply.DATABASE),
    _vpc(
        "AssociatePublicIpAddress",
        "Give instances public addresses",
        Boolean(),
        resource_name="AWSEBAutoScalingLaunchConfiguration",
    ),
)
