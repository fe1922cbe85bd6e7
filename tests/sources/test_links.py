"""`env.yaml`: what it may say, and what is told of one that says something else."""

from __future__ import annotations

import pytest

from jackbean.core.environments import Tier
from jackbean.core.errors import Fault
from jackbean.core.links import Declaration, check_group, grouped
from jackbean.core.options.settings import Setting, Settings
from jackbean.sources.bundles import extensions_of
from jackbean.sources.links import BYTES_MAX, read_declaration

WHOLE = b"""\
AWSConfigurationTemplateVersion: 1.1.0.0
SolutionStack: 64bit Amazon Linux 2023 running Python 3.11
OptionSettings:
  aws:elasticbeanstalk:command:
    BatchSize: 30
  AWSEBV2LoadBalancer.aws:elbv2:loadbalancer:
    IdleTimeout: 60
Tags:
  Cost Center: WebApp Dev
CName: front-A08G28LG+
EnvironmentName: front+
EnvironmentTier: {Name: Worker, Type: SQS/HTTP}
EnvironmentLinks:
  "WORKERQUEUE": "worker+"
"""


def test_everything_it_may_say() -> None:
    assert read_declaration(WHOLE) == Declaration(
        name="front+",
        cname="front-A08G28LG+",
        platform="64bit Amazon Linux 2023 running Python 3.11",
        tier=Tier("Worker", "SQS/HTTP", "2.3"),
        settings=Settings(
            [
                Setting("aws:elasticbeanstalk:command", "BatchSize", "30"),
                Setting("aws:elbv2:loadbalancer", "IdleTimeout", "60", "AWSEBV2LoadBalancer"),
            ]
        ),
        tags=(("Cost Center", "WebApp Dev"),),
        links=(("WORKERQUEUE", "worker+"),),
    )


def test_a_platform_by_its_arn_and_nothing_else() -> None:
    said = b"AWSConfigurationTemplateVersion: 1.1.0.0\nPlatform: {PlatformArn: 'arn:aws:x'}\n"
    assert read_declaration(said) == Declaration(platform="arn:aws:x")


def test_every_fault_is_told_with_its_line() -> None:
    said = b"""\
AWSConfigurationTemplateVersion: 2.0
EnvironmentName: "no good"
EnvironmentTier: {Name: Middle}
EnvironmentLinks:
  "A=B": worker
  QUEUE: ""
Tags: [a]
"""
    with pytest.raises(Fault) as caught:
        read_declaration(said)
    for line in (
        "env.yaml: line 1: AWSConfigurationTemplateVersion: '2.0' is not 1.1.0.0",
        "env.yaml: line 2: EnvironmentName: 'no good' is not a name of letters",
        "env.yaml: line 3: EnvironmentTier: the tiers that there are",
        "env.yaml: line 5: EnvironmentLinks: A=B: this cannot be the name",
        "env.yaml: line 6: EnvironmentLinks: QUEUE: the name of an environment is expected",
        "env.yaml: line 7: Tags: a mapping of tags is expected here, not a list",
    ):
        assert line in caught.value.message


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"", "'AWSConfigurationTemplateVersion: 1.1.0.0' is missing"),
        (b"- a", "a mapping of keys is expected here, not a list"),
        (b"a: [", "env.yaml is not YAML"),
        (b"\xff", "env.yaml is not UTF-8 text"),
        (b"a: &a [*a]", "it is nested more than 50 deep."),
        (b"x" * (BYTES_MAX + 1), f"at most {BYTES_MAX} are read"),
    ],
)
def test_what_is_no_manifest(said: bytes, text: str) -> None:
    with pytest.raises(Fault) as caught:
        read_declaration(said)
    assert text in caught.value.message


def test_a_group_takes_the_place_of_the_plus() -> None:
    assert grouped("front+", "dev") == "front-dev"
    assert grouped("front", "dev") == "front"
    with pytest.raises(Fault, match="give its name as GroupName"):
        grouped("front+", "")
    for bad in ("-dev", "a" * 20, "a b"):
        with pytest.raises(Fault, match="GroupName"):
            check_group(bad)
    check_group("")


def test_a_bundle_without_one_says_nothing_and_one_inside_a_folder_is_not_it() -> None:
    assert extensions_of({}).declaration() == Declaration()
    assert extensions_of({"env.yaml": WHOLE}).declaration().name == "front+"
