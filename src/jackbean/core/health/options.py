"""What an environment's settings say about its health."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from jackbean.core.options.resolve import COMMAND
from jackbean.core.options.settings import Settings
from jackbean.core.options.views import CapacityOptions

REPORTING = "aws:elasticbeanstalk:healthreporting:system"
LAUNCH = "aws:autoscaling:launchconfiguration"
DOCUMENT_MAX = 65_536  # characters of the document of rules
RULE_4XX = ("Rules", "Environment", "Application", "ApplicationRequests4xx")


@dataclass(frozen=True, slots=True)
class HealthOptions:
    """`minimum` is the Auto Scaling group's, None where it is not known.

    `enhanced` False is the basic system: a colour and no status. `erring` is whether requests
    answered 4xx count. `timeout_s` is how long an instance may take over an operation.
    """

    enhanced: bool = True
    minimum: int | None = None
    erring: bool = True
    timeout_s: float = 600.0
    instance_type: str = "t3.micro"

    @classmethod
    def of(cls, settings: Settings) -> HealthOptions:
        return cls(
            enhanced=settings.text(REPORTING, "SystemType") != "basic",
            minimum=CapacityOptions.of(settings).minimum,
            erring=_enabled(settings.text(REPORTING, "ConfigDocument", ""), RULE_4XX),
            timeout_s=settings.number(COMMAND, "Timeout", 600),
            instance_type=settings.text(LAUNCH, "InstanceType") or "t3.micro",
        )


UNSET = HealthOptions()


def _enabled(document: str, path: tuple[str, ...]) -> bool:
    """Return whether a rule is on: it is, unless the document says otherwise in so many words."""
    if len(document) > DOCUMENT_MAX:
        return True
    try:
        found: Any = json.loads(document or "{}")
    except (ValueError, RecursionError):
        return True
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return not (isinstance(found, dict) and found.get("Enabled") is False)
