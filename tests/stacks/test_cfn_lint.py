"""Templates of every kind of environment are valid on AWS, in the eyes of AWS's own linter."""

from __future__ import annotations

import json
import os
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.stacks.test_synthesis import FACTS

from jackbean.control.stacks.surroundings import OWNED
from jackbean.core.extensions import Declared
from jackbean.core.options.resolve import Layers, effective
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.table import options
from jackbean.stacks.merging import merge
from jackbean.stacks.portable import Exported, beanstalk, portable
from jackbean.stacks.portable import Setting as Chosen
from jackbean.stacks.synthesis import ASG, ENVIRONMENT, LAUNCH, Facts, synthesise

LINTER = os.environ.get("JACKBEAN_CFN_LINT", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LINTER, reason="JACKBEAN_CFN_LINT is not set: the path of cfn-lint"),
]
POLICY, UPDATES = "aws:elasticbeanstalk:command", "aws:autoscaling:updatepolicy:rollingupdate"
KINDS: dict[str, tuple[str, tuple[Setting, ...]]] = {
    "single": ("WebServer", (Setting(ENVIRONMENT, "EnvironmentType", "SingleInstance"),)),
    **{
        kind: ("WebServer", (Setting(ENVIRONMENT, "LoadBalancerType", kind),))
        for kind in ("classic", "application", "network")
    },
    "worker": ("Worker", ()),
    "worker, queue given": (
        "Worker",
        (Setting("aws:elasticbeanstalk:sqsd", "WorkerQueueURL", "https://sqs/1/q"),),
    ),
}
POLICIES = ("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting")
PACES = ("", "Time", "Health", "Immutable")
MORE = {
    "plain": (),
    "chosen": (
        Setting("aws:ec2:vpc", "VPCId", "vpc-0123456789abcdef0"),
        Setting("aws:ec2:vpc", "Subnets", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"),
        Setting(ASG, "MinSize", "2"),
        Setting(LAUNCH, "IamInstanceProfile", "profile"),
        Setting(LAUNCH, "EC2KeyName", "key"),
        Setting("aws:autoscaling:trigger", "MeasureName", "CPUUtilization"),
        Setting("aws:autoscaling:trigger", "Unit", "Percent"),
    ),
}
BUNDLE = Declared(
    resources={
        "Jobs": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "VisibilityTimeout": {
                    "Fn::GetOptionSetting": {"OptionName": "Wait", "DefaultValue": 30}
                },
                "Tags": [{"Key": "of", "Value": {"Ref": "AWSEBEnvironmentName"}}],
            },
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
        },
        "News": {"Type": "AWS::SNS::Topic"},
        "Subscribed": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "News"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Jobs", "Arn"]},
            },
        },
        "AWSEBAutoScalingGroup": {"Properties": {"HealthCheckGracePeriod": 120}},
    },
    outputs={"JobsUrl": {"Value": {"Ref": "Jobs"}}},
)


def every() -> dict[str, dict[str, Any]]:
    """Return a template for each combination."""
    found = {}
    for kind, policy, pace, more in product(KINDS, POLICIES, PACES, MORE):
        tier, own = KINDS[kind]
        paced = (Setting(UPDATES, "RollingUpdateType", pace),) if pace else ()
        settings = Settings(
            (*own, *MORE[more], Setting(POLICY, "DeploymentPolicy", policy), *paced)
        )
        facts = Facts(FACTS.environment_id, FACTS.environment_name, FACTS.platform_arn, tier)
        held = effective(Layers(direct=settings), options("Python"), tier)
        made = synthesise(facts, held)
        found[f"{kind}, {policy}, {pace}, {more}"] = made
        merged = merge(made, BUNDLE, OWNED).template
        found[f"{kind}, {policy}, {pace}, {more}, bundle"] = portable(merged, held.text, "web")
        found[f"{kind}, {policy}, {pace}, {more}, exported"] = written_down(tier, settings)
    return found


def written_down(tier: str, settings: Settings) -> dict[str, Any]:
    """Return the other template of an export."""
    chosen = tuple(Chosen(s.namespace, s.name, s.value or "") for s in settings)
    kind = "SQS/HTTP" if tier == "Worker" else "Standard"
    platform = "64bit Amazon Linux 2023 v4.13.7 running Python 3.11"
    return beanstalk(Exported("app", "shop-web", platform, (tier, kind), chosen), "bundle.zip")


def lint(templates: dict[str, dict[str, Any]], folder: Path) -> list[str]:
    """Return what is found wrong; the same template is looked at once."""
    texts = {json.dumps(template, indent=1): name for name, template in templates.items()}
    names = {}
    for number, (text, name) in enumerate(texts.items()):
        file = folder / f"{number}.json"
        file.write_text(text)
        names[str(file)] = name
    argv = [LINTER, "--format", "json", "--regions", "us-east-1", "--", *names]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return [f"{names[one['Filename']]}: {one['Message']}" for one in json.loads(done.stdout)]


def test_every_combination_is_clean(tmp_path: Path) -> None:
    templates = every()
    assert len(templates) == 3 * len(KINDS) * len(POLICIES) * len(PACES) * len(MORE)
    assert lint(templates, tmp_path) == []


def test_the_linter_finds_what_is_wrong(tmp_path: Path) -> None:
    broken = next(iter(every().values()))
    broken["Resources"]["AWSEBAutoScalingGroup"]["Properties"]["MaxSize"] = ["many"]
    (found,) = lint({"broken": broken}, tmp_path)
    assert "broken" in found
