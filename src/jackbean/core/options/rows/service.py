"""What the service itself does with an environment: deployments, health, logs, updates, workers."""

from __future__ import annotations

from functools import partial

from jackbean.core.options.domains import Boolean, Choice, Json, Text, Variable, Whole
from jackbean.core.options.option import APPLICATION, WORKER, Apply, ChangeSeverity, Option

NAME = Text(length_max=512)
SECONDS = partial(Whole, maximum=43_200)
THRESHOLD = Choice(("Ok", "Warning", "Degraded", "Severe"))
RETENTION = Choice(
    tuple(
        str(days)
        for days in (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653)
    )
)
PATH = Text(r"/[!-~]*", "a path that begins with /", 1024)
HEALTH_URL = Text(
    r"/[!-~]*|(HTTP|HTTPS|TCP|SSL):[0-9]{1,5}(/[!-~]*)?",
    "a path such as /health, or one after a protocol and a port: HTTPS:443/health",
    1024,
)
WEEKLY = Text(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([01][0-9]|2[0-3]):[0-5][0-9]",
    "a weekly time in the form Day:HH:MM, such as Tue:09:00",
)
VARIABLE_NAME = r"[A-Za-z0-9_.:/+\\@-]{1,128}"

_logs = partial(
    Option, "aws:elasticbeanstalk:cloudwatch:logs", apply=Apply.ON_INSTANCE, checked=True
)
_health_logs = partial(
    Option,
    "aws:elasticbeanstalk:cloudwatch:logs:health",
    apply=Apply.CONTROL_PLANE,
    checked=True,
)
_command = partial(Option, "aws:elasticbeanstalk:command", apply=Apply.CONTROL_PLANE, checked=True)
_environment = partial(Option, "aws:elasticbeanstalk:environment", checked=True)
_health = partial(
    Option,
    "aws:elasticbeanstalk:healthreporting:system",
    apply=Apply.CONTROL_PLANE,
    checked=True,
)
_managed = partial(
    Option, "aws:elasticbeanstalk:managedactions", apply=Apply.CONTROL_PLANE, checked=True
)
_platform_update = partial(
    Option,
    "aws:elasticbeanstalk:managedactions:platformupdate",
    apply=Apply.CONTROL_PLANE,
    checked=True,
)
_topics = partial(Option, "aws:elasticbeanstalk:sns:topics", checked=True)
_sqsd = partial(
    Option,
    "aws:elasticbeanstalk:sqsd",
    apply=Apply.ON_INSTANCE,
    checked=True,
    where=(WORKER,),
)
_splitting = partial(
    Option,
    "aws:elasticbeanstalk:trafficsplitting",
    apply=Apply.CONTROL_PLANE,
    checked=True,
    where=(APPLICATION,),
)

SERVICE: tuple[Option, ...] = (
    Option(
        "aws:elasticbeanstalk:application",
        "Application Healthcheck URL",
        "Path that the load balancer probes; a TCP connection where not set. Processes of "
        "application and network load balancers have paths of their own, this is their default",
        HEALTH_URL,
        checked=True,
    ),
    Option(
        "aws:elasticbeanstalk:application:environment",
        "*",
        "Environment property handed to the application",
        Variable(),
        apply=Apply.ON_INSTANCE,
        checked=True,
        user_defined=True,
        secret=True,
        name_pattern=VARIABLE_NAME,
    ),
    Option(
        "aws:elasticbeanstalk:application:environmentsecrets",
        "*",
        "Environment property whose value is kept as a secret; the value here is its ARN",
        Text(length_max=2048),
        apply=Apply.ON_INSTANCE,
        checked=True,
        user_defined=True,
        secret=True,
        name_pattern=VARIABLE_NAME,
    ),
    _logs("StreamLogs", "Stream proxy and deployment logs to log groups", Boolean(), "false"),
    _logs("DeleteOnTerminate", "Remove log groups when the environment ends", Boolean(), "false"),
    _logs("RetentionInDays", "Days to keep log events", RETENTION, "7", unit="days"),
    _health_logs(
        "HealthStreamingEnabled", "Archive health transitions to a log group", Boolean(), "false"
    ),
    _health_logs(
        "DeleteOnTerminate", "Remove the health log group at termination", Boolean(), "false"
    ),
    _health_logs(
        "RetentionInDays", "Days to keep archived health records", RETENTION, "7", unit="days"
    ),
    _command(
        "DeploymentPolicy",
        "Strategy for application version deployments; Rolling where a BatchSize other than 100 % "
        "is set and no policy, in load-balanced environments",
        Choice(
            ("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting")
        ),
        "AllAtOnce",
    ),
    _command(
        "Timeout", "Seconds an instance has to finish commands", Whole(1, 3600), "600", unit="s"
    ),
    _command(
        "BatchSizeType", "How BatchSize is meant", Choice(("Percentage", "Fixed")), "Percentage"
    ),
    _command(
        "BatchSize",
        "Share or number of instances deployed together",
        Whole(1, 10_000),
        "100",
    ),
    _command(
        "IgnoreHealthCheck",
        "Keep deploying even if batches stay unhealthy",
        Boolean(),
        "false",
    ),
    _command(
        "HealthCheckSuccessThreshold",
        "Another name of the option in aws:elasticbeanstalk:healthreporting:system",
        THRESHOLD,
        alias_of=("aws:elasticbeanstalk:healthreporting:system", "HealthCheckSuccessThreshold"),
    ),
    _environment(
        "EnvironmentType",
        "One instance without balancer, or scalable",
        Choice(("SingleInstance", "LoadBalanced")),
        "LoadBalanced",
        Apply.REPLACE,
    ),
    _environment(
        "ServiceRole",
        "Role the service uses to manage resources: name, path/name or ARN",
        Text(length_max=500),
        apply=Apply.CONTROL_PLANE,
    ),
    _environment(
        "LoadBalancerType",
        "Kind of load balancer",
        Choice(("classic", "application", "network")),
        "classic",
        Apply.CREATE_ONLY,
    ),
    _environment(
        "LoadBalancerIsShared",
        "Use a shared load balancer that somebody else owns",
        Boolean(),
        "false",
        Apply.CREATE_ONLY,
    ),
    _environment(
        "ExternalExtensionsS3Bucket",
        "Bucket that holds further .ebextensions",
        Text(length_max=255),
        apply=Apply.REPLACE,
        checked=False,
    ),
    _environment(
        "ExternalExtensionsS3Key",
        "Key of further .ebextensions",
        Text(length_max=1024),
        apply=Apply.REPLACE,
        checked=False,
    ),
    _health(
        "SystemType",
        "Which health reporting system is active",
        Choice(("basic", "enhanced")),
        "enhanced",
        severity=ChangeSeverity.RESTART_ENVIRONMENT,
    ),
    _health(
        "ConfigDocument",
        "Which health metrics are published, and rules for 4xx answers",
        Json(),
    ),
    _health(
        "EnhancedHealthAuthEnabled",
        "Require that instances prove who they are when they report health",
        Boolean(),
        "true",
    ),
    _health(
        "HealthCheckSuccessThreshold", "Worst status still counted as passing", THRESHOLD, "Ok"
    ),
    Option(
        "aws:elasticbeanstalk:hostmanager",
        "LogPublicationControl",
        "Upload rotated logs to the storage bucket",
        Boolean(),
        "false",
        Apply.ON_INSTANCE,
        checked=True,
    ),
    _managed("ManagedActionsEnabled", "Turn managed updates on", Boolean(), "false"),
    _managed("PreferredStartTime", "Start of the weekly two-hour maintenance window, UTC", WEEKLY),
    _managed("ServiceRoleForManagedUpdates", "Role used while applying managed updates", NAME),
    _platform_update(
        "UpdateLevel", "Largest version step applied automatically", Choice(("patch", "minor"))
    ),
    _platform_update(
        "InstanceRefreshEnabled",
        "Replace all instances every week; needs managed updates",
        Boolean(),
        "false",
    ),
    Option(
        "aws:elasticbeanstalk:monitoring",
        "Automatically Terminate Unhealthy Instances",
        "Replacement of failing instances, which only legacy environments had",
        Boolean(),
        "true",
        Apply.CONTROL_PLANE,
    ),
    _topics("Notification Endpoint", "Subscriber for important events: e-mail, URL or queue", NAME),
    _topics(
        "Notification Protocol",
        "Delivery protocol of the subscriber",
        Choice(("http", "https", "email", "email-json", "sqs")),
        "email",
    ),
    _topics("Notification Topic ARN", "Existing topic to use, never deleted by us", NAME),
    _topics("Notification Topic Name", "Topic that we manage and delete", Text(length_max=256)),
    _sqsd(
        "WorkerQueueURL",
        "Queue the worker daemon drains; one is made where not set",
        Text(length_max=2048),
    ),
    _sqsd("HttpPath", "Path that receives each message by POST", PATH, "/"),
    _sqsd(
        "MimeType",
        "Content type of the POST",
        Text(r"[!-~ ]*", "a MIME type", 256),
        "application/json",
    ),
    _sqsd("HttpConnections", "Parallel connections per instance", Whole(1, 100), "50"),
    _sqsd(
        "ConnectTimeout",
        "Seconds to establish the local connection",
        Whole(1, 60),
        "5",
        unit="s",
    ),
    _sqsd(
        "InactivityTimeout",
        "Seconds to wait for the application's answer",
        Whole(1, 36_000),
        "299",
        unit="s",
    ),
    _sqsd(
        "VisibilityTimeout", "Seconds a fetched message stays hidden", SECONDS(0), "300", unit="s"
    ),
    _sqsd(
        "ErrorVisibilityTimeout",
        "Seconds before a failed message returns",
        SECONDS(0),
        "2",
        unit="s",
    ),
    _sqsd(
        "RetentionPeriod",
        "Seconds a message remains valid",
        Whole(60, 1_209_600),
        "345600",
        unit="s",
    ),
    _sqsd("MaxRetries", "Attempts before the dead-letter queue", Whole(1, 100), "10"),
    _splitting(
        "NewVersionPercent",
        "Traffic share sent to the new version first",
        Whole(1, 100),
        "10",
        unit="%",
    ),
    _splitting(
        "EvaluationTime",
        "Minutes of healthy canary before all traffic shifts",
        Whole(3, 600),
        "5",
        unit="min",
    ),
    Option(
        "aws:elasticbeanstalk:xray",
        "XRayEnabled",
        "Run the tracing daemon on instances",
        Boolean(),
        "false",
        Apply.ON_INSTANCE,
        checked=True,
    ),
)
