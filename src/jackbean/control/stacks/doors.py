"""What the instances of each environment admit, worked out once per release and stack."""

from __future__ import annotations

from jackbean.control.stacks.surroundings import Surroundings
from jackbean.core.environments import Environment
from jackbean.core.installation import Installation
from jackbean.core.openings import Opening
from jackbean.core.releases import Release
from jackbean.core.resources import Resource
from jackbean.stacks.openings import openings

Known = tuple[int, tuple[Resource, ...], tuple[Opening, ...]]


class Doors:
    """Everything that it remembers may be lost."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._known: dict[str, Known] = {}

    def of(self, environment: Environment, release: Release) -> tuple[Opening, ...]:
        """Return what a release's security groups open; names of groups are the stack's."""
        number, stack, found = self._known.get(environment.id, (-1, (), ()))
        if number != release.number or stack != environment.resources:
            around = Surroundings(
                self._installation, environment, release.settings, release.extensions
            )
            found = openings(release.template, release.settings, around)
            self._known[environment.id] = release.number, environment.resources, found
        return found

    def forget(self, environment_id: str) -> None:
        self._known.pop(environment_id, None)
