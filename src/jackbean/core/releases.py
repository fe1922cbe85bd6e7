"""A release: one version on one platform with one set of settings, frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jackbean.core.environments import Link
from jackbean.core.extensions import Declared
from jackbean.core.options.settings import Settings
from jackbean.core.records import replace
from jackbean.core.tasks import Task


@dataclass(frozen=True)
class Release:
    """`number` counts from 1 per environment and is also the deployment id that clients see.

    `digest` names the bundle's bytes, None stands for the platform's sample application. `direct`
    are the settings given by requests and templates (rank 1 and 2), `settings` the effective ones,
    every source merged. `template` is the environment's CloudFormation template, `fingerprint` that
    of the launch template in it. `stack` and `platform_arn` are the platform that it was cut for;
    they are empty in releases of earlier programs. `extensions` is what the bundle declares in
    `.ebextensions` besides option settings, `tasks` what it asks for by the clock: in worker
    environments only. `links` are the environments that its settings tell of, as they were then.
    """

    environment_id: str
    number: int
    version_label: str
    digest: str | None
    direct: Settings
    settings: Settings
    template: dict[str, Any]
    fingerprint: str
    created: float = 0.0
    configuration_only: bool = False  # same version as before: instances reconfigure
    restarts: bool = False  # the same as before in everything: instances only restart it
    stack: str = ""
    platform_arn: str = ""
    extensions: Declared = field(default_factory=Declared)
    tasks: tuple[Task, ...] = ()
    links: tuple[Link, ...] = ()
    repeats: bool = False  # the same as before in all that people chose: no way back leads to it

    def after(self, old: Release) -> Release:
        """Return it as what follows `old`, which it may repeat."""
        return replace(self, repeats=self._substance == old._substance)

    @property
    def _substance(self) -> tuple[Any, ...]:
        version = (self.version_label, self.digest, self.stack, self.platform_arn)
        return (*version, self.direct, self.settings, self.template, self.links)
