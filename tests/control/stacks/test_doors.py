"""What instances admit, from a bundle's security groups to their engine, and back."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from tests.control.rig import ASG, LAUNCH, Rig

from jackbean.core.events import Severity
from jackbean.core.openings import Opening
from jackbean.core.options.settings import Setting
from jackbean.simulator.engine import Behaviour

OPEN = Opening(6, 5000, 5000, IPv4Network("0.0.0.0/0"))
RULE = "{IpProtocol: tcp, FromPort: 5000, ToPort: 5000, CidrIp: 0.0.0.0/0}"
OWN = f"Resources: {{AWSEBSecurityGroup: {{Properties: {{SecurityGroupIngress: [{RULE}]}}}}}}"
BESIDE = """
Resources:
  Door:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: {"Fn::GetAtt": [AWSEBSecurityGroup, GroupId]}
      IpProtocol: tcp
      FromPort: 5000
      ToPort: 5000
      CidrIp: 0.0.0.0/0
"""
OTHER = f"""
Resources:
  Mine:
    Type: AWS::EC2::SecurityGroup
    Properties: {{GroupDescription: mine, SecurityGroupIngress: [{RULE}]}}
option_settings:
  aws:autoscaling:launchconfiguration:
    SecurityGroups: '`{{"Ref": "Mine"}}`'
"""
TWO = (Setting(ASG, "MinSize", "2"), Setting(ASG, "MaxSize", "2"))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def version(rig: Rig, label: str, config: str) -> str:
    rig.version(label, {".ebextensions/01.config": config, "application.py": ""})
    return label


def deployed(rig: Rig, label: str, config: str) -> None:
    rig.update(label=version(rig, label, config))
    rig.settle()


def admitted(rig: Rig) -> list[tuple[Opening, ...]]:
    return [node.admits for node in rig.universe.engine.nodes.values()]


def warned(rig: Rig) -> list[str]:
    return [e.message for e in rig.events() if e.severity is Severity.WARN]


@pytest.mark.parametrize("config", [OWN, BESIDE, OTHER])
def test_what_a_bundle_opens_is_open_while_it_is_there(rig: Rig, config: str) -> None:
    rig.create(label=version(rig, "shut", ""), settings=TWO)
    rig.settle()
    assert admitted(rig) == [(), ()]
    deployed(rig, "open", config)
    assert admitted(rig) == [(OPEN,), (OPEN,)]
    assert not [text for text in warned(rig) if "not evaluated" in text or "alone" in text]
    deployed(rig, "closed", "")
    assert admitted(rig) == [(), ()]


def test_newcomers_admit_it_too(rig: Rig) -> None:
    rig.create(label=version(rig, "open", BESIDE), settings=TWO)
    rig.settle()
    rig.update(settings=(Setting(ASG, "MinSize", "3"), Setting(ASG, "MaxSize", "3")))
    rig.settle()
    assert admitted(rig) == [(OPEN,)] * 3


def test_a_release_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    with Rig(tmp_path, behaviour=Behaviour(fails_activating=frozenset({2}))) as rig:
        rig.create(label=version(rig, "shut", ""), settings=TWO)
        rig.settle()
        deployed(rig, "open", BESIDE)
        assert rig.environment().release == 1
        rig.until(lambda: set(admitted(rig)) == {()})


def test_without_the_own_group_its_rules_open_nothing(rig: Rig) -> None:
    off = Setting(LAUNCH, "DisableDefaultEC2SecurityGroup", "true")
    groups = Setting(LAUNCH, "SecurityGroups", "another")
    rig.create(label=version(rig, "open", BESIDE), settings=(*TWO, off, groups))
    rig.settle()
    assert admitted(rig) == [(), ()]
