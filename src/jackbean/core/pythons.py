"""What Python environments of the platform have before an application's own packages.

Shipped with the agent, so it needs the standard library only.
"""

from __future__ import annotations

SETUPTOOLS = "setuptools<81"  # the last ones with pkg_resources
SETUPTOOLS_MINOR_MAX = 11


def beforehand(runtime: str) -> tuple[str, ...]:
    """Return what is there before an application's own, which may want another version.

    Environments on Elastic Beanstalk are made by Python itself: up to 3.11 those have setuptools,
    and older packages count on its pkg_resources without saying so.
    """
    minor = runtime.partition(".")[2]
    return (SETUPTOOLS,) if minor and int(minor) <= SETUPTOOLS_MINOR_MAX else ()
