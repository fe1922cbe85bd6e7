"""Cases to rehearse, said in a line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.control.scenes import environment, release
from tests.core.fleets import NEW, OLD, many

from jackbean.control.rehearsal.cases import Case
from jackbean.control.rehearsal.pace import ASSUMED
from jackbean.control.rehearsal.rehearse import Rehearsal
from jackbean.core.options.settings import Setting

ASG, COMMAND = "aws:autoscaling:asg", "aws:elasticbeanstalk:command"
UPDATES = "aws:autoscaling:updatepolicy:rollingupdate"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
LAUNCH = "aws:autoscaling:launchconfiguration"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
DEPLOYMENT = "jackbean:deployment"
BEGAN = 1000.0
PACE = replace(ASSUMED, look_s=0.25)  # easy to reckon with

Row = tuple[float, int, int, int]


def case(size: int, policy: str = "Rolling", batch: int = 1, *more: Setting, **facts: Any) -> Case:
    """Return the deployment of another version, with `more` settings in both releases.

    `changes` are those of the new one, `facts` whatever else it is.
    """
    settings = (
        Setting(ASG, "MinSize", str(size)),
        Setting(ASG, "MaxSize", str(size + 2)),
        Setting(COMMAND, "DeploymentPolicy", policy),
        Setting(COMMAND, "BatchSizeType", "Fixed"),
        Setting(COMMAND, "BatchSize", str(batch)),
        Setting(ENVIRONMENT, "LoadBalancerType", "application"),
        *more,
    )
    changes = facts.pop("changes", ())
    old, new = release(OLD, *settings), release(NEW, *settings, *changes, **facts)
    record = environment(many(size), template=old.fingerprint)
    members = tuple(replace(m, template=old.fingerprint) for m in record.members)
    return Case(replace(record, members=members), old, new, BEGAN, PACE)


def single(policy: str = "AllAtOnce", **facts: Any) -> Case:
    """Return the deployment to an environment that is a single instance."""
    return case(1, policy, 1, Setting(ENVIRONMENT, "EnvironmentType", "SingleInstance"), **facts)


def rows(made: Rehearsal) -> list[Row]:
    """Return when how many old and new are in service, and how many instances there are."""
    found: list[Row] = []
    for m in made.moments:
        if not found or found[-1][1:] != (m.old, m.new, m.total):
            found.append((m.at_s, m.old, m.new, m.total))
    return found
