"""From what a bundle declares to what instances are told, in the surroundings of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.control.rig import ASG, PROPERTIES, Rig
from tests.control.scenes import INSTALLATION, environment, release

from jackbean.control.environments import Update, update
from jackbean.control.extensions import check_options, compiled, evaluated
from jackbean.control.logs.requests import LogRequests
from jackbean.control.manifests import concerns_instance
from jackbean.control.roster import Roster
from jackbean.control.stacks.surroundings import Surroundings
from jackbean.core.events import Severity
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.protocol import Manifest, from_json
from jackbean.core.resources import Resource
from jackbean.sources.bundles import Extensions, extensions_of
from jackbean.stacks.functions import evaluate

FILE = ".ebextensions/01.config"
QUEUE = Resource("AWSEBWorkerQueue", "AWS::SQS::Queue", "awseb-e-real")


def around(text: str = "", *settings: Setting) -> tuple[Surroundings, Extensions]:
    found = extensions_of({FILE: text.encode()})
    given = environment(resources=(QUEUE,))
    held = release(1, *found.settings, *settings).settings
    return Surroundings(INSTALLATION, given, held, found.declared), found


def value(expression: Any, text: str = "", *settings: Setting) -> Any:
    found, faults = evaluate(expression, around(text, *settings)[0], backticks=True)
    assert faults == ()
    return found


TEMPLATE = """
Parameters:
  Plain: {Type: String, Default: text}
  Number: {Type: Number, Default: 5}
  List: {Type: CommaDelimitedList, Default: 'a, b'}
Mappings: {M: {us-east-1: {K: found}}}
Conditions: {Here: {"Fn::Equals": [{Ref: "AWS::Region"}, us-east-1]}}
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
  Balancer: {Type: "AWS::ElasticLoadBalancingV2::LoadBalancer"}
"""
VALUES: dict[str, tuple[Any, Any]] = {
    "the environment's name": ({"Ref": "AWSEBEnvironmentName"}, "web1"),
    "the region": ({"Ref": "AWS::Region"}, "us-east-1"),
    "the account": ({"Ref": "AWS::AccountId"}, "123456789012"),
    "the stack": ({"Ref": "AWS::StackName"}, "awseb-e-abcdefghij-stack"),
    "a parameter": ({"Ref": "Plain"}, "text"),
    "a number": ({"Ref": "Number"}, "5"),
    "a list": ({"Ref": "List"}, ["a", "b"]),
    "a mapping": ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "K"]}, "found"),
    "a condition": ({"Fn::If": ["Here", "yes", "no"]}, "yes"),
    "a resource that is built": ({"Ref": "AWSEBWorkerQueue"}, "awseb-e-real"),
    "its name": ({"Fn::GetAtt": ["AWSEBWorkerQueue", "QueueName"]}, "awseb-e-real"),
    "its ARN": (
        {"Fn::GetAtt": ["AWSEBWorkerQueue", "Arn"]},
        "arn:aws:sqs:us-east-1:123456789012:awseb-e-real",
    ),
    "a load balancer's name": (
        {"Fn::GetAtt": ["AWSEBV2LoadBalancer", "DNSName"]},
        "web1.us-east-1.elasticbeanstalk.localhost",
    ),
    "an option": (
        {"Fn::GetOptionSetting": {"Namespace": ASG, "OptionName": "MinSize"}},
        "1",
    ),
    "an option that nobody has set": (
        {
            "Fn::GetOptionSetting": {
                "Namespace": "aws:autoscaling:launchconfiguration",
                "OptionName": "InstanceType",
            }
        },
        "t3.micro",
    ),
    "zones": ({"Fn::GetAZs": ""}, ["us-east-1a"]),
}


@pytest.mark.parametrize(("expression", "wanted"), VALUES.values(), ids=VALUES)
def test_values(expression: Any, wanted: Any) -> None:
    assert value(expression, TEMPLATE) == wanted


def test_what_is_not_built_has_a_name_that_stays() -> None:
    names = [value({"Ref": name}, TEMPLATE) for name in ("Topic", "Topic", "Balancer")]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("awseb-e-abcdefghij-stack-Topic-")
    assert value({"Ref": "AWSEBAutoScalingScaleUpPolicy"}) == value(
        {"Ref": "AWSEBAutoScalingScaleUpPolicy"}
    )


FAULTS = {
    "a name": ("files: {/a: {content: {Ref: Nothing}}}", "line 1: files: /a: content: there is no"),
    "a parameter without a default": (
        "Parameters: {P: {Type: String}}\nfiles: {/a: {content: {Ref: P}}}",
        "line 2: files: /a: content: parameter 'P' has no Default",
    ),
    "a mapping": ("files: {/a: {content: {'Fn::FindInMap': [A, B, C]}}}", "no 'A.B.C' in Mappings"),
    "an export": ("files: {/a: {content: {'Fn::ImportValue': x}}}", "no other stack exports 'x'"),
    "inside of a command": (
        'commands: {a: {command: \'x `{"Ref":"N"}`\'}}',
        "there is no resource",
    ),
    "an attribute": ("commands: {a: {test: x}}", "line 1: commands: a: it has no `command`"),
}


@pytest.mark.parametrize(("text", "says"), FAULTS.values(), ids=FAULTS)
def test_faults_name_file_line_and_key(text: str, says: str) -> None:
    given, extensions = around(text)
    faults = compiled(given, extensions.lines).faults
    assert any(says in fault and fault.startswith(FILE) for fault in faults), faults


def test_what_instances_are_told_is_bounded() -> None:
    text = f"Parameters: {{P: {{Default: '{'x' * 300_000}'}}}}\nfiles:\n"
    text += "".join(f"  /{n}: {{content: {{Ref: P}}}}\n" for n in range(4))
    given, extensions = around(text)
    (fault,) = compiled(given, extensions.lines).faults
    assert "at most 1048576" in fault


def test_functions_in_options() -> None:
    text = """
option_settings:
  aws:elasticbeanstalk:application:environment:
    REGION: '`{"Ref": "AWS::Region"}`'
    BAD: '`{"Ref": "Nothing"}`'
  aws:elb:listener:443:
    SSLCertificateId: {Ref: "AWS::Region"}
"""
    given, _ = around(text)
    found = check_options(given.settings, given, concerns_instance)
    assert [f.split(":")[-1].strip() for f in found.faults] == [
        "there is no resource or parameter 'Nothing'."
    ]
    (warning,) = found.warnings
    assert "SSLCertificateId: functions are not evaluated there" in warning
    told = evaluated(given.settings.namespace(PROPERTIES), given)
    assert told == {"REGION": "us-east-1", "BAD": '`{"Ref": "Nothing"}`'}


# A whole release


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        yield rig


def manifest(rig: Rig) -> Manifest:
    roster = Roster(rig.world, LogRequests(rig.world))
    order = rig.run(roster.order(rig.environment().members[0].id))
    return from_json(Manifest, order.manifest)


def test_an_instance_is_told_results_and_others_expressions(rig: Rig) -> None:
    text = """
option_settings: [{option_name: REGION, value: '`{"Ref": "AWS::Region"}`'}]
commands: {a: {command: 'echo `{"Ref": "AWS::Region"}` `date`'}}
"""
    rig.version("v3", {".ebextensions/02.config": text, ".ebextensions/01.config": "users: {a: }"})
    rig.create(label="v3")
    rig.until(lambda: bool(rig.environment().members))
    told = manifest(rig)
    assert told.environment == {"REGION": "us-east-1"}
    assert [extension["name"] for extension in told.extensions] == [
        ".ebextensions/01.config",
        ".ebextensions/02.config",
    ]
    assert told.extensions[1]["commands"][0]["line"] == "echo us-east-1 `date`"
    kept = rig.release(1).settings.text(PROPERTIES, "REGION")
    assert kept == '`{"Ref": "AWS::Region"}`'


def test_mistake_11_values_from_files_rank_below_and_vanish_with_the_file(rig: Rig) -> None:
    text = f"option_settings: {{'{ASG}': {{MinSize: 2, MaxSize: 3}}}}"
    rig.version("v3", {".ebextensions/01.config": text})
    rig.version("v4", {"application.py": ""})

    def size(number: int) -> str | None:
        return rig.release(number).settings.text(ASG, "MinSize")

    rig.running(label="v3", settings=(Setting(ASG, "MaxSize", "5"), Setting(ASG, "MinSize", "4")))
    assert size(1) == "4"
    rig.update(remove=((ASG, "MinSize", ""),))
    rig.settle(rig.environment().id)
    assert size(2) == "2"
    rig.update(label="v4")
    rig.settle(rig.environment().id)
    assert size(3) == "1"


def test_warnings_are_told_at_deployments_only(rig: Rig) -> None:
    text = "commands: {a: {command: 'yum install x'}}"
    rig.version("v3", {".ebextensions/01.config": text})
    rig.running(label="v3", request_id="first")

    def warnings(request: str) -> list[str]:
        told = rig.events(request_id=request)
        return [event.message for event in told if event.severity is Severity.WARN]

    assert len(warnings("first")) == 1
    rig.update(settings=(Setting(PROPERTIES, "A", "b"),), request_id="second")
    rig.settle(rig.environment().id)
    assert warnings("second") == []


def test_objects_are_those_that_the_release_names(rig: Rig) -> None:
    text = """
files:
  /a: {source: "s3://mine/a"}
  /b: {source: "https://example.com/b"}
sources: {/c: "https://mine.s3.amazonaws.com/c.zip"}
"""
    rig.version("v3", {".ebextensions/01.config": text})
    rig.create(label="v3")
    rig.until(lambda: bool(rig.environment().members))
    roster = Roster(rig.world, LogRequests(rig.world))
    member = rig.environment().members[0].id
    assert rig.run(roster.objects(member)) == {("mine", "a"), ("mine", "c.zip")}
    assert rig.run(roster.objects("i-stranger")) == frozenset()


def test_settings_are_not_changed_by_what_they_refer_to() -> None:
    settings = Settings([Setting(PROPERTIES, "A", "plain `date`")])
    assert evaluated(settings.namespace(PROPERTIES), around()[0]) == {"A": "plain `date`"}


def test_values_that_cannot_be_are_told_with_file_and_line(tmp_path: Path) -> None:
    text = (
        "option_settings:\n  aws:elasticbeanstalk:command:\n    BatchSize: 0\n    Timeout: long\n"
    )
    with Rig(tmp_path) as rig:
        rig.running()
        rig.version("v3", {FILE: text})
        fault = rig.fault(update(rig.world, "web1", Update("r", label="v3")))
    assert f"{FILE}: line 3: Invalid option specification" in fault.message
    assert f"{FILE}: line 4: Invalid option specification" in fault.message
