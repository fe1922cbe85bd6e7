"""Settings that retired platforms had, in the words of today's: bundles still carry them."""

from __future__ import annotations

import re

from jackbean.core.options.settings import Setting, Settings

STATIC = re.compile(r"aws:elasticbeanstalk:container:(?:python|nodejs|java|golang):staticfiles")
STATIC_TODAY = "aws:elasticbeanstalk:environment:proxy:staticfiles"


def translated(settings: Settings) -> Settings:
    """Return what the legacy ones among `settings` mean today; those that mean nothing are left."""
    return Settings(
        Setting(STATIC_TODAY, "/" + s.name.strip("/"), s.value.strip("/"))
        for s in settings
        if STATIC.fullmatch(s.namespace) and s.value is not None
    )
