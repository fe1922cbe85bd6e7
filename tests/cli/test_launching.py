"""What `jb create` sends for its flags."""

from __future__ import annotations

import click
import pytest

from jackbean.cli import launching
from jackbean.cli.verbs.create import command
from jackbean.core.options.table import options


def sent(line: list[str], *, single: bool = False, variables: str = "") -> dict[str, str]:
    parsed = click.Command("x", params=list(launching.flags())).make_context("x", line).params
    found = launching.settings(parsed, single=single, balancer="application", variables=variables)
    return {f"{s['Namespace']} {s['OptionName']}": s["Value"] for s in found}


BALANCER = "aws:elasticbeanstalk:environment LoadBalancerType"
KIND = "aws:elasticbeanstalk:environment EnvironmentType"


def test_without_flags_it_is_what_eb_sends() -> None:
    found = sent([])
    assert found["aws:elasticbeanstalk:healthreporting:system SystemType"] == "enhanced"
    assert found["aws:elasticbeanstalk:command BatchSize"] == "30"
    assert found[BALANCER] == "application"
    assert found["aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType"] == "Health"
    assert KIND not in found


def test_a_single_instance_has_no_balancer() -> None:
    found = sent([], single=True)
    assert found[KIND] == "SingleInstance"
    assert BALANCER not in found
    assert not [name for name in found if "rollingupdate" in name]


def test_a_worker_has_no_balancer_and_replaces_instances_like_others() -> None:
    parsed = click.Command("x", params=list(launching.flags())).make_context("x", []).params
    found = launching.settings(parsed, single=False, balancer="", variables="")
    names = {s["OptionName"] for s in found}
    assert "LoadBalancerType" not in names
    assert "RollingUpdateType" in names


def test_flags_set_options() -> None:
    line = "--scale 3 -i t3.large -es -sm 0.1 --vpc.elbpublic --vpc.id vpc-1 -ip mine -db.size 5"
    found = sent(line.split(), variables="A=1,B=x=y")
    assert found["aws:autoscaling:asg MinSize"] == found["aws:autoscaling:asg MaxSize"] == "3"
    assert found["aws:autoscaling:launchconfiguration InstanceType"] == "t3.large"
    assert found["aws:autoscaling:launchconfiguration IamInstanceProfile"] == "mine"
    assert found["aws:ec2:instances EnableSpot"] == "true"
    assert found["aws:ec2:vpc ELBScheme"] == "public"
    assert found["aws:rds:dbinstance DBAllocatedStorage"] == "5"
    assert found["aws:elasticbeanstalk:application:environment B"] == "x=y"


def test_a_shared_balancer_is_said_to_be_shared() -> None:
    found = sent(["-ls", "arn:aws:x"])
    assert found["aws:elasticbeanstalk:environment LoadBalancerIsShared"] == "true"


@pytest.mark.parametrize("row", launching.ROWS, ids=lambda row: row.name)
def test_every_row_is_a_flag_of_create_and_an_option_there_is(row: launching.Row) -> None:
    flags = {name for p in command.params for name in p.opts}
    assert set(row.flags) <= flags
    table = options("Python")
    assert all(table.find(row.namespace, name) for name in row.options)
