"""Templates as AWS takes them."""

from __future__ import annotations

from typing import Any

from jackbean.stacks.portable import Exported, Setting, beanstalk, meant, portable

ASG = "aws:autoscaling:asg"


def plain(value: Any) -> Any:
    def option(namespace: str, name: str) -> str | None:
        return {("ns", "Set"): "7"}.get((namespace, name))

    made = portable({"Resources": {"R": value}}, option, "web")
    return made["Resources"]["R"]


def test_options_are_read() -> None:
    known = {"Fn::GetOptionSetting": {"Namespace": "ns", "OptionName": "Set", "DefaultValue": 1}}
    other = {"Fn::GetOptionSetting": {"OptionName": "Set", "DefaultValue": {"Ref": "X"}}}
    assert plain({"a": [known, other]}) == {"a": ["7", {"Ref": "X"}]}
    assert plain({"Fn::GetOptionSetting": {"OptionName": "Set"}}) == ""


def test_the_name_of_the_environment_is_written_out() -> None:
    assert plain({"Ref": "AWSEBEnvironmentName"}) == "web"
    assert plain({"Fn::Sub": "${AWSEBEnvironmentName}-${Other}"}) == {"Fn::Sub": "web-${Other}"}
    assert plain({"Ref": "Other"}) == {"Ref": "Other"}


def test_what_only_we_know_stays_here_and_what_aws_wants_is_said() -> None:
    given = (Setting("jackbean:deployment", "ParkingTime", "5"), Setting(ASG, "MinSize", "2"))
    found = meant(given)
    assert [(one.namespace, one.name) for one in found] == [
        (ASG, "MinSize"),
        ("aws:autoscaling:launchconfiguration", "IamInstanceProfile"),
    ]
    own = Setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "mine")
    assert meant((own,)) == [own]


def test_an_environment_is_written_down() -> None:
    action = Setting("aws:autoscaling:scheduledaction", "MinSize", "1", "Nightly")
    exported = Exported("app", "web", "64bit ... Python", ("WebServer", "Standard"), (action,))
    template = beanstalk(exported, "bundle.zip")
    properties = template["Resources"]["Environment"]["Properties"]
    assert properties["VersionLabel"] == {"Ref": "Version"}
    (scheduled, _) = sorted(properties["OptionSettings"], key=len, reverse=True)
    assert scheduled == {
        "Namespace": action.namespace,
        "OptionName": "MinSize",
        "ResourceName": "Nightly",
        "Value": "1",
    }
    assert template["Parameters"]["SourceKey"]["Default"] == "bundle.zip"
