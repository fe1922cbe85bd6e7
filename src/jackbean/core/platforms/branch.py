"""A platform branch: one runtime on one operating system, in successive versions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SYSTEM = "Amazon Linux"
SYSTEM_VERSION = "2023"
OWNER = "AWSElasticBeanstalk"
BITS = "64bit"


class Lifecycle(StrEnum):
    """As clients compare them."""

    BETA = "Beta"
    SUPPORTED = "Supported"
    DEPRECATED = "Deprecated"
    RETIRED = "Retired"


@dataclass(frozen=True, slots=True)
class Branch:
    """One row of the table.

    `running` is what stacks are said to run ("Tomcat 11 Corretto 21"), `label` how the branch says
    it where that differs ("Tomcat 11 with Corretto 21"). `platform_name` is the family that clients
    group branches by. `versions` are X.Y.Z, newest first; the first one is the recommended one.
    `order` is greater for newer branches of a family. `port` is where the application listens by
    default, 0 where that is not a port or not for us to say. `comes_with` ends a sentence on what
    makes the branch run here.
    """

    running: str
    platform_name: str
    language_name: str
    language_version: str
    versions: tuple[str, ...]
    order: int
    port: int = 0
    label: str = ""
    framework: tuple[str, str] | None = None
    lifecycle: Lifecycle = Lifecycle.SUPPORTED
    file_types: tuple[str, ...] = ("zip",)
    comes_with: str = "a later version of Jackbean"
    tiers: tuple[str, ...] = ("WebServer/Standard", "Worker/SQS/HTTP")
    addons: tuple[str, ...] = ("Log/S3", "Monitoring/Healthd", "WorkerDaemon/SQSD")

    @property
    def name(self) -> str:
        return f"{self.label or self.running} running on {BITS} {SYSTEM} {SYSTEM_VERSION}"

    @property
    def recommended(self) -> str:
        return self.versions[0]

    @property
    def retired(self) -> bool:
        return self.lifecycle is Lifecycle.RETIRED


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by. Raises ValueError unless it is numbers and dots."""
    return tuple(int(part) for part in version[:64].split("."))
