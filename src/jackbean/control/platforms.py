"""The platforms of this installation: what can run here, and the sample application of each."""

from __future__ import annotations

from collections.abc import Mapping

from jackbean.core.environments import Environment
from jackbean.core.errors import invalid
from jackbean.core.platforms.catalogue import Catalogue, PlatformVersion
from jackbean.core.releases import Release


class Platforms:
    """`samples` maps a platform's name ("Python") to the digest of its sample bundle."""

    def __init__(self, catalogue: Catalogue, samples: Mapping[str, str]) -> None:
        self.catalogue = catalogue
        self._samples = dict(samples)

    def of(self, environment: Environment, release: Release | None = None) -> PlatformVersion:
        """Return what an environment is on, or what one of its releases was cut for."""
        arn = release.platform_arn if release else ""
        return self.catalogue.find(arn or environment.platform_arn)

    @property
    def samples(self) -> frozenset[str]:
        """The digests of all sample bundles."""
        return frozenset(self._samples.values())

    def sample(self, platform: PlatformVersion) -> str:
        """Return the digest of the sample bundle. Raises a Fault where a platform has none."""
        name = platform.branch.platform_name
        if name not in self._samples:
            raise invalid(f"There is no sample application for {name}; give a VersionLabel.")
        return self._samples[name]
