"""What a new environment begins with because its request names another one: `eb clone` does so.

The public model has no such member; the EB CLI sends it as TemplateSpecification. A saved
configuration comes the same way, and is refused: without it something else would be made than was
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.control import environments
from jackbean.core.environments import Tier
from jackbean.core.errors import Fault
from jackbean.core.options.settings import Setting


@dataclass(frozen=True)
class Base:
    """The settings that requests have given an environment, its platform's ARN and its tier."""

    settings: tuple[Setting, ...] = ()
    platform: str = ""
    tier: Tier = Tier()  # noqa: RUF009 - immutable


async def base_of(plant: Plant, call: Call) -> Base:
    """Return what is to be cloned: nothing where none is named. Raises a Fault for an unknown."""
    name = str(_source(call).get("EnvironmentName") or "")
    if not name:
        return Base()
    found = await environments.find(plant.world, name)
    release = await environments.current_release(plant.world, found)
    return Base(tuple(release.direct), found.platform_arn, found.tier)


def refuse_base(call: Call) -> None:
    """Raise a Fault where an environment that is there is to take something over."""
    if _source(call).get("EnvironmentName"):
        raise _unsupported("An environment that is there cannot become a clone; make a new one.")


def _source(call: Call) -> Mapping[str, Any]:
    specification = call.members.get("TemplateSpecification") or {}
    source: Mapping[str, Any] = specification.get("TemplateSource") or {}
    if source.get("SourceContents"):
        raise _unsupported(
            "Saved configurations are not available in this version of Jackbean; send the settings "
            "themselves (`eb setenv`, `eb config`, OptionSettings)."
        )
    return source


def _unsupported(text: str) -> Fault:
    return Fault("UnsupportedOperation", text)
