"""What the settings of a release mean for the loop."""

from __future__ import annotations

import pytest

from jackbean.control.terms import Terms
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.releases import Release
from jackbean.ports.router import Sticky

BALANCER = "aws:elasticbeanstalk:environment"
PROCESS = "aws:elasticbeanstalk:environment:process:default"
POLICIES = "aws:elb:policies"

Row = tuple[str, str, str]
CURRENT: Row = (BALANCER, "LoadBalancerType", "application")


def terms(*rows: Row) -> Terms:
    settings = Settings(Setting(*row) for row in rows)
    return Terms.of(Release("e-1", 1, "one", None, Settings(), settings, {}, "f"))


@pytest.mark.parametrize(
    ("rows", "sticky"),
    [
        ((CURRENT, (PROCESS, "StickinessEnabled", "true")), Sticky("AWSALB", 86_400)),
        (((POLICIES, "Stickiness Policy", "true"),), Sticky("AWSELB", 0)),
        ((CURRENT,), None),
        ((), None),
    ],
)
def test_each_kind_of_load_balancer_has_its_cookie(
    rows: tuple[Row, ...], sticky: Sticky | None
) -> None:
    assert terms(*rows).sticky == sticky
