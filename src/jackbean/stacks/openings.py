"""What the security groups of an environment's instances open, and what they say in vain.

Instances have the environment's own group, unless an option takes it away, and those that the
option `SecurityGroups` names. A group opens what it says itself, and what resources of type
`AWS::EC2::SecurityGroupIngress` say of it. The load balancer's port is open anyway, and instances
never reach one another, so nothing follows from a rule whose source is a group; nor from one for
IPv6, which instances do not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from itertools import islice
from typing import Any

from jackbean.core.openings import Opening
from jackbean.core.options.settings import Settings
from jackbean.stacks.functions import evaluate, is_function
from jackbean.stacks.graph import holds, references
from jackbean.stacks.synthesis import CLASSIC, LAUNCH, SECURITY_GROUP
from jackbean.stacks.values import SHOWN_MAX, Resolver, Value, listed, properties

GROUP, INGRESS = "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"
RULES_MAX = 60  # that a group has on AWS, inbound
GROUPS_MAX = 16  # that an instance has on AWS
WEB = (6, 80, 80)  # protocol and ports that the load balancer calls
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
WITH_PORTS = (6, 17)
PORTS = range(1 << 16)
BALANCERS = frozenset({CLASSIC, "AWSEBLoadBalancerSecurityGroup"})
JUDGED = ("IpProtocol", "FromPort", "ToPort", "CidrIp")
PEERS = ("SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId")
# Properties that something comes of, or that describe and say nothing.
EFFECTIVE = {
    GROUP: frozenset(["GroupDescription", "GroupName", "SecurityGroupIngress", "Tags", "VpcId"]),
    INGRESS: frozenset(
        (
            *("CidrIp", "CidrIpv6", "Description", "FromPort", "GroupId", "GroupName"),
            *("IpProtocol", "SourceSecurityGroupOwnerId", "ToPort", *PEERS),
        )
    ),
}

Template = Mapping[str, Any]


class Meaningless(ValueError):
    """Why a rule opens nothing."""


class FromGroup(Meaningless):
    """Its source is no network."""


def openings(template: Template, settings: Settings, resolver: Resolver) -> tuple[Opening, ...]:
    """Return what instances admit besides the load balancer; what cannot be read opens nothing."""
    bodies = {
        name: body
        for name, body in template.get("Resources", {}).items()
        if body.get("Type") in EFFECTIVE and holds(body, resolver)
    }
    groups = dict(islice(_attached(bodies, settings, resolver), GROUPS_MAX))
    found = dict.fromkeys(
        opening
        for name, names in groups.items()
        for rule in islice(_rules(name, names, bodies, resolver), RULES_MAX)
        if (opening := _opened(rule)) is not None
    )
    return tuple(found)


def vain(resources: Template) -> Iterator[tuple[str, str]]:
    """Yield logical ids of groups and rules of a template, and what nothing comes of."""
    for name, one in resources.items():
        body = one if isinstance(one, dict) else {}
        if str(body.get("Type")) not in EFFECTIVE:
            continue
        rules = _said(body, properties(body))
        if rules and body["Type"] == GROUP and name != SECURITY_GROUP:
            yield name, "it opens ports of instances that have it by the option SecurityGroups"
        if len(rules) > RULES_MAX:
            yield name, f"it has {len(rules)} rules; those after the first {RULES_MAX} open nothing"
        for text in dict.fromkeys(why for rule in rules[:RULES_MAX] for why in _vain(rule)):
            yield name, text


def _attached(
    bodies: Template, settings: Settings, resolver: Resolver
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the groups that instances have, each with all its names."""
    chosen = settings.text(LAUNCH, "SecurityGroups") or ""
    told, faults = evaluate(chosen, resolver, backticks=True)
    asked = set() if faults else {one.strip() for one in str(told).split(",")} - {""}
    for name, body in bodies.items():
        if body["Type"] != GROUP:
            continue
        names = _names(name, body, resolver)
        own = name == SECURITY_GROUP and not settings.flag(LAUNCH, "DisableDefaultEC2SecurityGroup")
        if own or asked & names:
            yield name, names


def _names(name: str, body: Template, resolver: Resolver) -> frozenset[str]:
    asked = [{"Ref": name}, {"Fn::GetAtt": [name, "GroupId"]}, properties(body).get("GroupName")]
    found, _ = evaluate(asked, resolver)
    return frozenset(one for one in found or () if isinstance(one, str) and one)


def _rules(
    group: str, names: frozenset[str], bodies: Template, resolver: Resolver
) -> Iterator[Value]:
    for name, body in bodies.items():
        said, faults = evaluate(properties(body), resolver)
        if faults or not isinstance(said, dict):
            continue
        if name == group or (body["Type"] == INGRESS and _of(said, names)):
            yield from _said(body, said)


def _of(rule: Template, names: frozenset[str]) -> bool:
    groups = (rule.get("GroupId"), rule.get("GroupName"))
    return any(isinstance(one, str) and one in names for one in groups)


def _said(body: Template, said: Template) -> list[Value]:
    if body["Type"] == INGRESS:
        return [said]
    return listed(said.get("SecurityGroupIngress"))


def _opened(rule: Value) -> Opening | None:
    try:
        found = opening(rule)
    except Meaningless:
        return None
    if found is not None and (found.protocol, found.first, found.last) == WEB:
        return None
    return found


def opening(rule: Value) -> Opening | None:
    """Return what a rule opens; None for one that is about IPv6. Raises Meaningless."""
    if not isinstance(rule, dict):
        raise Meaningless("a rule is a mapping with IpProtocol, FromPort, ToPort and CidrIp")
    for key in PEERS:
        if rule.get(key):
            raise FromGroup(
                f"{key} opens nothing: the load balancer reaches port 80 without it, and instances "
                "never reach one another"
            )
    if "CidrIp" not in rule and "CidrIpv6" in rule:
        return None
    protocol = _protocol(rule.get("IpProtocol"))
    first, last = _range(rule) if protocol in WITH_PORTS else (PORTS[0], PORTS[-1])
    return Opening(protocol, first, last, _source(rule.get("CidrIp")))


def _protocol(said: Value) -> int | None:
    text = str(said).lower()
    if text == "-1":
        return None
    number = PROTOCOLS.get(text, _number(said))
    if number is None or number not in range(1 << 8):
        raise Meaningless(f"IpProtocol {_shown(said)} opens nothing; tcp, udp, icmp and -1 do")
    return number


def _range(rule: Template) -> tuple[int, int]:
    first, last = _number(rule.get("FromPort")), _number(rule.get("ToPort"))
    if first is None or last is None or not PORTS[0] <= first <= last <= PORTS[-1]:
        said = f"{_shown(rule.get('FromPort'))} to {_shown(rule.get('ToPort'))}"
        raise Meaningless(f"ports {said} open nothing; FromPort and ToPort are between 0 and 65535")
    return first, last


def _source(said: Value) -> IPv4Network:
    try:
        return IPv4Network(str(said), strict=False)
    except ValueError:
        text = f"CidrIp {_shown(said)} opens nothing; networks are written like 10.0.0.0/8"
        raise Meaningless(text) from None


def _number(said: Value) -> int | None:
    text = str(said)
    return int(text) if len(text) <= len("65535") and text.isascii() and text.isdecimal() else None


def _vain(rule: Value) -> Iterator[str]:
    """Yield why a rule opens nothing; what it comes to with its functions is not known yet."""
    source = [rule.get(key) for key in PEERS] if isinstance(rule, dict) else []
    try:
        opening(rule)
    except FromGroup as why:
        if BALANCERS.isdisjoint(references(source)):  # which reaches its port without any rule
            yield str(why)
    except Meaningless as why:
        if not _calls(rule):
            yield str(why)


def _calls(rule: Value) -> bool:
    """Whether functions say what a rule opens."""
    said = [rule.get(key) for key in JUDGED] if isinstance(rule, dict) else []
    return is_function(rule) or any(is_function(value) for value in said)


def _shown(said: Value) -> str:
    return repr(str(said)[:SHOWN_MAX])
