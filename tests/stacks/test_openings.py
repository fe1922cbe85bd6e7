"""What security groups open, and that nothing they can say opens more or does harm."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.openings import Opening
from jackbean.core.options.settings import Setting, Settings
from jackbean.stacks.openings import RULES_MAX, Meaningless, opening, openings, vain
from jackbean.stacks.synthesis import LAUNCH
from jackbean.stacks.values import Unresolved, Value

OWN, GROUP, INGRESS = (
    "AWSEBSecurityGroup",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupIngress",
)
EVERYBODY = IPv4Network("0.0.0.0/0")
WEB = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}
DOOR = {"IpProtocol": "tcp", "FromPort": "5000", "ToPort": 5002, "CidrIp": "0.0.0.0/0"}
OPEN = Opening(6, 5000, 5002, EVERYBODY)


class Around:
    """stacks.values.Resolver: a resource's name is its logical id with a mark."""

    def __init__(self, **conditions: bool) -> None:
        self.conditions = conditions

    def ref(self, name: str) -> Value:
        return f"sg-{name}"

    def attribute(self, resource: str, name: str) -> Value:
        return f"sg-{resource}" if name == "GroupId" else f"{resource}.{name}"

    def option(self, namespace: str, name: str) -> str | None:
        raise Unresolved(f"{namespace} {name}")

    def mapped(self, mapping: str, first: str, second: str) -> Value:
        raise Unresolved(f"{mapping} {first} {second}")

    def condition(self, name: str) -> Value:
        return {"Fn::Equals": [self.conditions.get(name, False), True]}

    def exported(self, name: str) -> Value:
        raise Unresolved(name)

    def zones(self, region: str) -> list[str]:
        return [region]


def group(*rules: Any, **more: Any) -> dict[str, Any]:
    return {"Type": GROUP, "Properties": {"SecurityGroupIngress": list(rules), **more}}


def ingress(of: str, rule: dict[str, Any] = DOOR, **more: Any) -> dict[str, Any]:
    properties = {"GroupId": {"Fn::GetAtt": [of, "GroupId"]}, **rule}
    return {"Type": INGRESS, "Properties": properties, **more}


def found(resources: dict[str, Any], around: Around | None = None, **options: str) -> list[Opening]:
    settings = Settings(Setting(LAUNCH, name, value) for name, value in options.items())
    return list(openings({"Resources": resources}, settings, around or Around()))


def told(resources: dict[str, Any]) -> list[str]:
    return [f"{name}: {text}" for name, text in vain(resources)]


def test_the_load_balancers_port_is_no_opening_of_its_own() -> None:
    assert found({OWN: group(WEB)}) == []


@pytest.mark.parametrize(
    "resources",
    [
        {OWN: group(WEB, DOOR)},
        {OWN: {"Type": GROUP, "Properties": {"SecurityGroupIngress": DOOR}}},
        {OWN: group(WEB), "Door": ingress(OWN)},
        {OWN: group(WEB, DOOR), "Door": ingress(OWN)},
        {OWN: group(), "Door": ingress(OWN, {**DOOR, "FromPort": {"Ref": "x"}}), "D": ingress(OWN)},
    ],
)
def test_the_environments_own_group_opens(resources: dict[str, Any]) -> None:
    assert found(resources) == [OPEN]


def test_other_groups_open_where_the_option_names_them() -> None:
    named = {**group(DOOR), "Properties": {"SecurityGroupIngress": [DOOR], "GroupName": "mine"}}
    resources = {OWN: group(WEB), "Mine": named, "Door": ingress("Mine", {**DOOR, "ToPort": 6000})}
    both = [OPEN, Opening(6, 5000, 6000, EVERYBODY)]
    assert found(resources) == []
    for names in (
        "sg-Mine",
        "elsewhere, mine",
        '`{"Ref": "Mine"}`',
        '`{"Fn::GetAtt": ["Mine", "GroupId"]}`',
    ):
        assert found(resources, SecurityGroups=names) == both, names
    assert found(resources, SecurityGroups='`{"Ref": "Mine"') == []


def test_the_own_group_can_be_left_out() -> None:
    resources = {OWN: group(DOOR)}
    assert found(resources, DisableDefaultEC2SecurityGroup="true", SecurityGroups="other") == []


def test_conditions_count() -> None:
    resources = {OWN: group(), "Door": ingress(OWN, Condition="Wanted")}
    assert found(resources) == []
    assert found(resources, Around(Wanted=True)) == [OPEN]


def test_a_group_has_so_many_rules_and_no_more() -> None:
    rules = [{**DOOR, "FromPort": n, "ToPort": n} for n in range(1000, 1000 + RULES_MAX + 5)]
    resources = {OWN: group(*rules)}
    assert [one.first for one in found(resources)] == list(range(1000, 1000 + RULES_MAX))
    assert told(resources) == [
        f"{OWN}: it has {RULES_MAX + 5} rules; those after the first {RULES_MAX} open nothing"
    ]


@pytest.mark.parametrize(
    ("rule", "opens"),
    [
        ({**DOOR, "IpProtocol": "UDP"}, Opening(17, 5000, 5002, EVERYBODY)),
        ({**DOOR, "IpProtocol": 6}, OPEN),
        ({**DOOR, "CidrIp": "10.1.2.3/8"}, Opening(6, 5000, 5002, IPv4Network("10.0.0.0/8"))),
        ({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}, Opening(None, 0, 65535, EVERYBODY)),
        ({"IpProtocol": -1, "CidrIp": "0.0.0.0/0"}, Opening(None, 0, 65535, EVERYBODY)),
        (
            {**DOOR, "IpProtocol": "icmp", "FromPort": 8, "ToPort": -1},
            Opening(1, 0, 65535, EVERYBODY),
        ),
        ({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "CidrIpv6": "::/0"}, None),
    ],
)
def test_what_a_rule_opens(rule: dict[str, Any], opens: Opening | None) -> None:
    assert opening(rule) == opens


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"FromPort": 65536, "ToPort": 65536}, "ports '65536' to '65536'"),
        ({"FromPort": 5003}, "ports '5003' to '5002'"),
        ({"FromPort": -1, "ToPort": -1}, "ports '-1'"),
        ({"FromPort": None}, "ports 'None'"),
        ({"FromPort": "9" * 5000}, "ports '999"),
        ({"CidrIp": "0.0.0.0/33"}, "CidrIp '0.0.0.0/33'"),
        ({"CidrIp": ["0.0.0.0/0"]}, "CidrIp"),
        ({"CidrIp": 0}, "CidrIp '0'"),
        ({"IpProtocol": "carrier pigeon"}, "IpProtocol 'carrier pigeon'"),
        ({"IpProtocol": 256}, "IpProtocol '256'"),
        ({"SourceSecurityGroupId": "sg-other"}, "instances never reach one another"),
    ],
)
def test_what_opens_nothing_is_told(change: dict[str, Any], says: str) -> None:
    rule = {**DOOR, **change}
    with pytest.raises(Meaningless):
        opening(rule)
    assert found({OWN: group(rule)}) == []
    (text,) = told({"Door": ingress(OWN, rule)})
    assert text.startswith("Door: ")
    assert says in text
    assert len(text) < 200


@pytest.mark.parametrize(
    "source",
    [
        {"Fn::GetAtt": ["AWSEBLoadBalancer", "SourceSecurityGroup.GroupName"]},
        {"Fn::GetAtt": ["AWSEBLoadBalancerSecurityGroup", "GroupId"]},
        {"Ref": "AWSEBLoadBalancerSecurityGroup"},
    ],
)
def test_the_load_balancers_group_needs_no_word(source: Any) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "SourceSecurityGroupId": source}
    assert told({OWN: group(rule)}) == []
    assert "never" in told({OWN: group({**rule, "SourceSecurityGroupId": {"Ref": OWN}})})[0]


def test_what_is_not_known_yet_is_not_judged() -> None:
    assert told({"Door": ingress(OWN, {**DOOR, "CidrIp": {"Ref": "Office"}})}) == []


KEYS = ["Type", "Properties", "SecurityGroupIngress", "GroupId", "GroupName", "IpProtocol"]
KEYS += ["FromPort", "ToPort", "CidrIp", "SourceSecurityGroupId", "Ref", "Fn::GetAtt", "Condition"]
anything = st.recursive(
    st.none()
    | st.text(max_size=4)
    | st.integers()
    | st.sampled_from([GROUP, INGRESS, OWN, "tcp", "0.0.0.0/0", "-1", "AWSEBLoadBalancer"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
)


@given(st.dictionaries(st.sampled_from([OWN, "A", "B"]), anything, max_size=3))
def test_no_template_does_harm(resources: dict[str, Any]) -> None:
    list(vain(resources))


@given(anything, anything)
def test_no_properties_do_harm(first: Any, second: Any) -> None:
    resources = {
        OWN: {"Type": GROUP, "Properties": {"SecurityGroupIngress": first}},
        "A": {"Type": GROUP, "Properties": first},
        "B": {"Type": INGRESS, "Properties": second},
    }
    for one in found(resources, SecurityGroups="sg-A"):
        assert 0 <= one.first <= one.last <= 65535
        assert one.protocol is None or 0 <= one.protocol < 256


ports = st.integers(-2, 70000)
rules = st.builds(
    lambda protocol, first, last, source: {
        "IpProtocol": protocol, "FromPort": first, "ToPort": last, "CidrIp": source
    },
    st.sampled_from(["tcp", "udp", "-1", "icmp", "sctp"]),
    ports,
    ports,
    st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32", "300.0.0.0/8", ""]),
)  # fmt: skip


@given(st.lists(rules, max_size=8))
def test_nothing_opens_that_no_rule_asks_for(asked: list[dict[str, Any]]) -> None:
    for one in found({OWN: group(*asked)}):
        assert any(
            str(one.source) == rule["CidrIp"]
            and (
                rule["IpProtocol"] in {"-1", "icmp"}
                or (one.first, one.last) == (rule["FromPort"], rule["ToPort"])
            )
            for rule in asked
        )
    assert found({OWN: group()}) == []
