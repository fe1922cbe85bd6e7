"""What reaches the environment's template directly, and options that users and platforms invent.

Nothing here is checked: their values are whatever the template or the application makes of them.
"""

from __future__ import annotations

from functools import partial

from jackbean.core.options.domains import Boolean, Choice, Pairs, Text, Whole
from jackbean.core.options.option import Apply, ChangeSeverity, Option

ANYTHING = Text(length_max=65_536)

_parameter = partial(
    Option,
    "aws:cloudformation:template:parameter",
    domain=ANYTHING,
    severity=ChangeSeverity.UNKNOWN,
)
_control = partial(Option, "aws:elasticbeanstalk:control", apply=Apply.CONTROL_PLANE)

TEMPLATE: tuple[Option, ...] = (
    _parameter("*", "Sets a parameter of the environment's template", user_defined=True),
    _parameter("AppSource", "Source used when no version is deployed"),
    _parameter(
        "EnvironmentVariables", "Environment properties in one parameter", legacy=True, secret=True
    ),
    _parameter("HooksPkgUrl", "Package of platform hooks", legacy=True),
    _parameter("InstancePort", "Proxy port on the instance", domain=Whole(1, 65_535), default="80"),
    _parameter("InstanceTypeFamily", "Family of the instance type", legacy=True),
    _parameter("ServerPort", "Application port", domain=Whole(1, 65_535), legacy=True),
    _parameter("StaticFiles", "Static mapping in one parameter", legacy=True),
    _parameter(
        "JVMOptions",
        "Tomcat's JVM options in one parameter",
        domain=Pairs(),
        default="Xms=256m,Xmx=256m,XX:MaxPermSize=64m,JVM Options=",
        apply=Apply.ON_INSTANCE,
        severity=ChangeSeverity.RESTART_APPLICATION_SERVER,
        legacy=True,
    ),
    Option(
        "aws:cloudformation:template:resource:property",
        "*",
        "Overrides a property of a template's resource, which the resource name tells",
        ANYTHING,
        user_defined=True,
        severity=ChangeSeverity.UNKNOWN,
    ),
    _control("DefaultSSHPort", "SSH port", Whole(1, 65_535), "22"),
    _control("LaunchTimeout", "Launch timeout", Whole(0, 86_400), "0", unit="s"),
    _control("LaunchType", "Launch mode", Choice(("Migration", "New")), "Migration"),
    _control("RollbackLaunchOnFailure", "Roll back a failed launch", Boolean(), "false"),
    Option(
        "aws:elasticbeanstalk:customoption",
        "*",
        "User-defined value, for Fn::GetOptionSetting to read",
        ANYTHING,
        user_defined=True,
        secret=True,
    ),
    Option(
        "aws:elasticbeanstalk:container:custom",
        "*",
        "Option that a custom platform defines",
        apply=Apply.ON_INSTANCE,
        user_defined=True,
    ),
    Option(
        "aws:elasticbeanstalk:container:custom:<name>",
        "*",
        "Option that a custom platform defines",
        apply=Apply.ON_INSTANCE,
        user_defined=True,
    ),
)
