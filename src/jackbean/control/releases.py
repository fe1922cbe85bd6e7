"""Cutting a release: one version and one set of settings, every source of settings merged."""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.control.world import World
from jackbean.core.applications import Version
from jackbean.core.environments import Environment
from jackbean.core.options.resolve import effective
from jackbean.core.options.settings import Settings
from jackbean.core.options.validate import Context, Message, refuse, validate
from jackbean.core.releases import Release
from jackbean.sources.bundles import Extensions, read_extensions
from jackbean.stacks.difference import fingerprint
from jackbean.stacks.synthesis import Facts, synthesise


@dataclass(frozen=True)
class Wanted:
    """What the next release is made of; `version` None is the sample application."""

    label: str
    version: Version | None
    direct: Settings
    context: Context
    configuration_only: bool = False


@dataclass(frozen=True)
class Cut:
    """A release, and what should be told about the settings it was cut from."""

    release: Release
    warnings: tuple[str, ...]


async def cut(world: World, environment: Environment, wanted: Wanted) -> Cut:
    """Return the environment's next release. Raises a Fault naming every bad setting at once."""
    refuse(validate(wanted.direct, wanted.context))
    digest = wanted.version.digest if wanted.version else None
    extensions = Extensions() if digest is None else read_extensions(world.blobs.path(digest))
    messages = validate(extensions.settings, wanted.context.of_bundle())
    accepted = extensions.settings.without(m.key for m in messages)
    settings = effective(wanted.direct, accepted, wanted.context)
    facts = Facts(environment.id, environment.name, environment.platform_arn)
    template = synthesise(facts, settings)
    release = Release(
        environment_id=environment.id,
        number=environment.releases + 1,
        version_label=wanted.label,
        digest=digest,
        direct=wanted.direct,
        settings=settings,
        template=template,
        fingerprint=fingerprint(template),
        created=world.clock.now(),
        configuration_only=wanted.configuration_only,
    )
    return Cut(release, (*extensions.warnings, *map(_warning, messages)))


def _warning(message: Message) -> str:
    return message.message
