"""Load balancers: processes, listeners, rules, health checks and stickiness, classic and current.

Health checks default to a second here, where an instance is up in one: Elastic Beanstalk's defaults
are kept beside ours, and a value that is set is used as it is.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from jackbean.core.options.domains import Boolean, Choice, Codes, Items, Text, Whole
from jackbean.core.options.option import (
    APPLICATION,
    CLASSIC,
    NETWORK,
    Apply,
    ChangeSeverity,
    Option,
)

PORT = Whole(1, 65_535)
NAME = Text(length_max=512)
PROCESS = Text(r"[A-Za-z0-9_-]{1,64}", "the name of a process")
PATH = Text(r"/[!-~]*", "a path that begins with /", 1024)
CURRENT = (APPLICATION, NETWORK)
NAMED_PROCESS = "aws:elasticbeanstalk:environment:process:<process_name>"

_classic = partial(Option, resource_name="AWSEBLoadBalancer", where=(CLASSIC,))
_process = partial(
    Option, "aws:elasticbeanstalk:environment:process:default", checked=True, where=CURRENT
)
_policy = partial(_classic, "aws:elb:policies:<policy_name>")
_rule = partial(Option, "aws:elbv2:listenerrule:<rule_name>", checked=True, where=(APPLICATION,))
_balancer = partial(
    Option,
    "aws:elbv2:loadbalancer",
    resource_name="AWSEBV2LoadBalancer",
    checked=True,
    where=(APPLICATION,),
)


_PROCESS: tuple[Option, ...] = (
    _process(
        "DeregistrationDelay",
        "Drain seconds before a target leaves; DrainTimeout of jackbean:deployment where not set",
        Whole(0, 3600),
        unit="s",
        default_aws="20",
    ),
    _process(
        "HealthCheckInterval",
        "Seconds between balancer probes",
        Whole(1, 300),
        "1",
        unit="s",
        default_aws="15",
    ),
    _process(
        "HealthCheckPath",
        "HTTP path probed by the balancer",
        PATH,
        "/",
        where=(APPLICATION,),
    ),
    _process(
        "HealthCheckTimeout",
        "Seconds to wait for the answer to a probe",
        Whole(1, 60),
        "2",
        unit="s",
        default_aws="5",
        where=(APPLICATION,),
    ),
    _process(
        "HealthyThresholdCount",
        "Passing probes needed to become healthy; 5 for a network load balancer",
        Whole(2, 10),
        "3",
    ),
    _process(
        "MatcherHTTPCode",
        "Status codes counted as healthy, or ranges of them",
        Codes(200, 499),
        "200",
    ),
    _process("Port", "Port the process listens on", PORT, "80"),
    _process(
        "Protocol",
        "Protocol the process speaks; TCP for a network load balancer",
        Choice(("TCP", "HTTP", "HTTPS")),
        "HTTP",
    ),
    _process(
        "StickinessEnabled",
        "Pin clients to one instance",
        Boolean(),
        "false",
        where=(APPLICATION,),
    ),
    _process(
        "StickinessLBCookieDuration",
        "Sticky cookie lifetime",
        Whole(1, 604_800),
        "86400",
        unit="s",
        where=(APPLICATION,),
    ),
    _process(
        "StickinessType",
        "Stickiness mechanism",
        Choice(("lb_cookie",)),
        "lb_cookie",
        where=(APPLICATION,),
    ),
    _process(
        "UnhealthyThresholdCount",
        "Failing probes needed to become unhealthy",
        Whole(2, 10),
        "5",
    ),
)


def _listener(namespace: str) -> tuple[Option, ...]:
    listener = partial(Option, namespace, checked=True, where=CURRENT)
    return (
        listener("DefaultProcess", "Process served when no rule matches", PROCESS, "default"),
        listener("ListenerEnabled", "Include this listener at all", Boolean(), "true"),
        listener(
            "Protocol",
            "Client-side protocol; TCP for a network load balancer",
            Choice(("HTTP", "HTTPS", "TCP", "TLS")),
            "HTTP",
        ),
        listener(
            "Rules",
            "Listener rules to evaluate; all that applies to a shared load balancer",
            Items(Text(r"[A-Za-z0-9_-]{1,64}", "the name of a rule")),
            where=(APPLICATION,),
        ),
        listener("SSLCertificateArns", "Certificate bound to the listener, by ARN", NAME),
        listener("SSLPolicy", "TLS policy; the balancer's default where not set", NAME),
    )


def _classic_listener(namespace: str, protocols: tuple[str, ...]) -> tuple[Option, ...]:
    listener = partial(_classic, namespace)
    return (
        listener("ListenerProtocol", "Protocol accepted on the port", Choice(protocols), "HTTP"),
        listener(
            "InstanceProtocol",
            "Backend protocol, of the same layer as the listener's; that one's where not set",
            Choice(("HTTP", "HTTPS", "TCP", "SSL")),
        ),
        listener("PolicyNames", "Policies bound to this listener", Items()),
        listener(
            "ListenerEnabled",
            "Include this listener at all",
            Boolean(),
            "true",
            severity=ChangeSeverity.UNKNOWN if namespace == "aws:elb:listener" else None,
        ),
    )


def _stickiness(namespace: str) -> tuple[Option, ...]:
    return (
        _classic(
            namespace,
            "Stickiness Cookie Expiration",
            "Sticky cookie lifetime",
            Whole(0, 1_000_000),
            "0",
            unit="s",
        ),
        _classic(namespace, "Stickiness Policy", "Session affinity", Boolean(), "false"),
    )


BALANCING: tuple[Option, ...] = (
    *_PROCESS,
    *(replace(row, namespace=NAMED_PROCESS) for row in _PROCESS),
    _classic(
        "aws:elb:healthcheck",
        "HealthyThreshold",
        "Passing probes needed to become healthy",
        Whole(2, 10),
        "3",
        checked=True,
    ),
    _classic(
        "aws:elb:healthcheck",
        "Interval",
        "Seconds between probes",
        Whole(1, 300),
        "1",
        checked=True,
        unit="s",
        default_aws="10",
    ),
    _classic(
        "aws:elb:healthcheck",
        "Timeout",
        "Seconds to wait for the answer to a probe",
        Whole(1, 60),
        "2",
        checked=True,
        unit="s",
        default_aws="5",
    ),
    _classic(
        "aws:elb:healthcheck",
        "UnhealthyThreshold",
        "Failing probes needed to become unhealthy",
        Whole(2, 10),
        "5",
        checked=True,
    ),
    _classic(
        "aws:elb:healthcheck",
        "Target",
        "Old probe target; use Application Healthcheck URL",
        Text(
            r"(HTTP|HTTPS|TCP|SSL):[0-9]{1,5}(/[!-~]*)?",
            "a target in the form PROTOCOL:PORT/PATH",
            1024,
        ),
        "TCP:80",
        checked=True,
    ),
    _classic(
        "aws:elb:loadbalancer",
        "CrossZone",
        "Balance across zones evenly",
        Boolean(),
        "false",
        checked=True,
    ),
    _classic("aws:elb:loadbalancer", "SecurityGroups", "Groups attached to the balancer", Items()),
    _classic(
        "aws:elb:loadbalancer",
        "ManagedSecurityGroup",
        "Group whose traffic instances must admit",
        NAME,
    ),
    _classic(
        "aws:elb:loadbalancer",
        "LoadBalancerHTTPPort",
        "Old plain listener's port",
        Choice(("OFF", "80")),
        "80",
    ),
    _classic(
        "aws:elb:loadbalancer",
        "LoadBalancerPortProtocol",
        "Old plain listener's protocol",
        Choice(("HTTP", "TCP")),
        "HTTP",
    ),
    _classic(
        "aws:elb:loadbalancer",
        "LoadBalancerHTTPSPort",
        "Old secure listener's port",
        Choice(("OFF", "443", "8443")),
        "OFF",
    ),
    _classic(
        "aws:elb:loadbalancer",
        "LoadBalancerSSLPortProtocol",
        "Old secure listener's protocol",
        Choice(("HTTPS", "SSL")),
        "HTTPS",
    ),
    _classic("aws:elb:loadbalancer", "SSLCertificateId", "Old secure listener's certificate", NAME),
    *_classic_listener("aws:elb:listener", ("HTTP", "TCP")),
    _classic("aws:elb:listener", "InstancePort", "Backend port", PORT, "80"),
    *_classic_listener("aws:elb:listener:<listener_port>", ("HTTP", "HTTPS", "TCP", "SSL")),
    _classic(
        "aws:elb:listener:<listener_port>",
        "InstancePort",
        "Backend port; the listener's where not set",
        PORT,
    ),
    _classic(
        "aws:elb:listener:<listener_port>",
        "SSLCertificateId",
        "Certificate for a secure listener, by ARN",
        NAME,
    ),
    _classic(
        "aws:elb:policies",
        "ConnectionDrainingEnabled",
        "Let requests in flight finish on leaving instances; here they always may, unless false "
        "is set",
        Boolean(),
        "true",
        checked=True,
        default_aws="false",
    ),
    _classic(
        "aws:elb:policies",
        "ConnectionDrainingTimeout",
        "Longest drain in seconds; DrainTimeout of jackbean:deployment where not set",
        Whole(1, 3600),
        checked=True,
        unit="s",
        default_aws="20",
    ),
    _classic(
        "aws:elb:policies",
        "ConnectionSettingIdleTimeout",
        "Idle seconds before closing a connection",
        Whole(1, 3600),
        "60",
        checked=True,
        unit="s",
    ),
    _classic(
        "aws:elb:policies",
        "LoadBalancerPorts",
        "Listener ports using the default stickiness policy, or :all",
        Items(),
    ),
    *_stickiness("aws:elb:policies"),
    _policy("CookieName", "Application cookie that drives affinity"),
    _policy("InstancePorts", "Backend ports the policy covers, or :all", Items()),
    _policy("LoadBalancerPorts", "Listener ports the policy covers, or :all", Items()),
    _policy("ProxyProtocol", "Prepend the client's address for TCP messages", Boolean()),
    _policy("PublicKey", "Key trusted when authenticating backends", Text(length_max=16_384)),
    _policy(
        "PublicKeyPolicyNames", "Key policies forming a backend authentication policy", Items()
    ),
    _policy("SSLProtocols", "TLS protocols the balancer accepts", Items()),
    _policy("SSLReferencePolicy", "Predefined TLS policy to activate", NAME),
    *_stickiness("aws:elb:policies:<policy_name>"),
    *_listener("aws:elbv2:listener:default"),
    *_listener("aws:elbv2:listener:<listener_port>"),
    _rule(
        "HostHeaders",
        "Host names that select this rule, with up to three wildcards each",
        Items(Text(r"[A-Za-z0-9.*?_-]{1,128}", "a host name or pattern"), 5),
    ),
    _rule(
        "PathPatterns",
        "URL paths that select this rule, with up to three wildcards each",
        Items(Text(r"[!-~]{1,128}", "a path or pattern"), 5),
    ),
    _rule("Priority", "Evaluation order; lowest first, unique", Whole(1, 1000), "1"),
    _rule("Process", "Process that receives matching requests", PROCESS, "default"),
    _balancer("AccessLogsS3Bucket", "Where access logs are written", Text(length_max=63)),
    _balancer("AccessLogsS3Enabled", "Store access logs", Boolean(), "false"),
    _balancer("AccessLogsS3Prefix", "Folder prefix ahead of AWSLogs", NAME),
    _balancer("IdleTimeout", "Idle seconds before closing connections", Whole(1, 3600), unit="s"),
    _balancer(
        "IpAddressType",
        "Address families that the balancer is reached by",
        Choice(("ipv4", "dualstack")),
        "ipv4",
        where=CURRENT,
    ),
    _balancer("ManagedSecurityGroup", "Group whose traffic instances must admit", NAME),
    _balancer("SecurityGroups", "Groups attached to the balancer", Items()),
    _balancer(
        "SharedLoadBalancer",
        "Shared balancer to use, by ARN",
        NAME,
        apply=Apply.CREATE_ONLY,
    ),
    _balancer(
        "SSLCertificateId",
        "Certificate that the EB CLI sends for its ssl-certificate argument",
        NAME,
        checked=False,
    ),
)
