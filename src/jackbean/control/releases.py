"""Cutting a release: one version and one set of settings, every source of settings merged."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from jackbean.control.extensions import Compiled, check_options, compiled
from jackbean.control.linking import extensions_of, linked, properties
from jackbean.control.manifests import concerns_instance
from jackbean.control.placing import placed
from jackbean.control.stacks.surroundings import OWNED, Surroundings
from jackbean.control.stacks.views import exported
from jackbean.control.workers import CHOICE
from jackbean.control.world import World
from jackbean.core.environments import Environment, Link
from jackbean.core.errors import invalid
from jackbean.core.options.legacy import translated
from jackbean.core.options.resolve import Layers, Origin, effective, fixed_at_creation, stored
from jackbean.core.options.secure import unserved
from jackbean.core.options.settings import Key, Setting, Settings
from jackbean.core.options.table import OptionTable
from jackbean.core.options.validate import (
    Context,
    Message,
    fault_in,
    validate,
    validate_removals,
)
from jackbean.core.records import replace
from jackbean.core.releases import Release
from jackbean.core.tasks import Task
from jackbean.sources.bundles import Extensions
from jackbean.stacks.difference import fingerprint
from jackbean.stacks.merging import Merged, merge
from jackbean.stacks.merging import check as check_template
from jackbean.stacks.overriding import Overrides, overrides
from jackbean.stacks.synthesis import Facts, synthesise

SQSD = "aws:elasticbeanstalk:sqsd"
IMPORT = "Fn::ImportValue"


@dataclass(frozen=True)
class Wanted:
    """What the next release is made of.

    `label` is what it is called, `digest` its bundle, None for the sample application; `current` is
    the release that `changes` and `removals` are changes of, None for a new environment.
    `extensions` is what the bundle sets, where that is known without reading it.
    """

    label: str
    digest: str | None
    table: OptionTable
    changes: tuple[Setting, ...] = ()
    removals: tuple[Key, ...] = ()
    current: Release | None = None
    configuration_only: bool = False
    extensions: Extensions | None = None


@dataclass(frozen=True)
class Cut:
    """A release, and what should be told about the settings it was cut from."""

    release: Release
    warnings: tuple[str, ...]


async def cut(world: World, environment: Environment, wanted: Wanted) -> Cut:
    """Return the next release, for the platform that `environment` names.

    Raises a Fault naming every bad setting at once.
    """
    tier = environment.tier.name
    direct = _direct(wanted, tier)
    if wanted.digest is None:
        world.platforms.sample(world.platforms.of(environment))  # or say that there is none
    extensions, links = await _read(world, environment, wanted)
    tasks = await _tasks(environment, extensions)
    bundle, warnings = _accepted(extensions, direct, wanted, tier)
    settings = effective(Layers(direct=direct, bundle=bundle), wanted.table, tier)
    if wanted.current is None:
        direct = direct.with_(fixed_at_creation(settings, wanted.table))
    around = Surroundings(world.installation, environment, settings, extensions.declared)
    facts = Facts(environment.id, environment.name, environment.platform_arn, tier)
    around, merged, more = _merged(around, facts, wanted)
    settings, template = around.settings, merged.template
    told = await _checked(around, extensions, merged)
    _check_queue(tasks, settings)
    before = wanted.current.settings if wanted.current else None
    if environment.worker:
        await _check_choice(world, settings, before)
    release = Release(
        environment_id=environment.id,
        number=environment.releases + 1,
        version_label=wanted.label,
        digest=wanted.digest,
        direct=direct,
        settings=settings,
        template=template,
        fingerprint=fingerprint(template),
        created=world.clock.now(),
        configuration_only=wanted.configuration_only,
        stack=environment.stack,
        platform_arn=environment.platform_arn,
        extensions=extensions.declared,
        tasks=tasks,
        links=links,
    )
    if wanted.configuration_only:  # instances will do nothing of it now
        told = ()
    secure = unserved(settings, before, tier)
    return Cut(release, (*extensions.warnings, *warnings, *more, *secure, *told))


def _merged(
    around: Surroundings, facts: Facts, wanted: Wanted
) -> tuple[Surroundings, Merged, tuple[str, ...]]:
    """Return what is around with the bundle's overrides in its settings, the template, warnings."""
    changed, warnings = _overridden(around, facts, wanted)
    settings = around.settings.without(changed.instead).with_(changed.settings)
    template = merge(synthesise(facts, settings), around.declared, OWNED, changed.unmet)
    return replace(around, settings=settings), template, warnings


def _overridden(
    around: Surroundings, facts: Facts, wanted: Wanted
) -> tuple[Overrides, tuple[str, ...]]:
    """Return what the bundle makes of Elastic Beanstalk's own resources, and warnings.

    Raises a Fault for a value that the option of the same effect cannot have.
    """
    if not around.declared.resources:
        return Overrides(), ()
    own = synthesise(facts, around.settings)
    found = overrides(own, around.declared.resources, around)
    given = Settings(found.settings)
    base = around.settings.without(found.instead)
    context = Context(wanted.table, Origin.BUNDLE, facts.tier, Layers(direct=base))
    messages = validate(given, context)
    fault = fault_in(messages)
    if fault is not None:
        names = ", ".join(found.unmet)
        raise invalid(f".ebextensions: Resources: {names}: {fault.message}")
    passed_over = [(m.namespace, m.name) for m in messages]
    kept = tuple(given.without(passed_over))
    return replace(found, settings=kept), tuple(m.message for m in messages)


async def _checked(around: Surroundings, extensions: Extensions, merged: Merged) -> tuple[str, ...]:
    """Return what to tell of what instances will do. Raises a Fault of all that is wrong."""
    if around.declared.empty:
        found = _found(around, extensions, merged)  # at once: there is nothing to work on
    else:
        found = await asyncio.to_thread(_found, around, extensions, merged)
    options = check_options(around.settings, around, concerns_instance)
    if faults := (*found.faults, *options.faults):
        raise invalid("\n".join(faults))
    return (*found.warnings, *options.warnings, *(f"{one}." for one in found.advice))


def _found(around: Surroundings, extensions: Extensions, merged: Merged) -> Compiled:
    """Return what the bundle comes to, its template and what instances do alike."""
    ours = around.declared.empty  # a template that is all our own has nothing wrong
    wrong = merged.faults or ([] if ours else check_template(merged.template, around))
    found = compiled(around, extensions.lines)
    return replace(
        found,
        faults=(*placed(wrong, extensions.lines), *found.faults),
        warnings=(*placed(merged.warnings, extensions.lines), *found.warnings),
    )


def _direct(wanted: Wanted, tier: str) -> Settings:
    """Return what the environment will have stored."""
    base = wanted.current.direct if wanted.current else Settings()
    context = Context(
        wanted.table, tier=tier, layers=Layers(direct=base), running=wanted.current is not None
    )
    faults = validate_removals(wanted.removals, wanted.changes, context)
    fault = fault_in((*validate(wanted.changes, context), *faults))
    if fault is not None:
        raise fault
    changes = Settings(wanted.changes)
    return stored(base, wanted.table, changes=changes, removals=wanted.removals)


async def _read(
    world: World, environment: Environment, wanted: Wanted
) -> tuple[Extensions, tuple[Link, ...]]:
    """Return what the bundle says, and its links, which are among its settings."""
    extensions = wanted.extensions or await extensions_of(world, wanted.digest)
    extensions = await _imported(world, environment, extensions)
    links = await _links(world, environment, extensions, wanted)
    settings = extensions.settings.with_(Settings(properties(links)))
    return replace(extensions, settings=settings), links


async def _tasks(environment: Environment, extensions: Extensions) -> tuple[Task, ...]:
    """Return the periodic tasks of a worker's bundle."""
    if not environment.worker or extensions.cron is None:
        return ()
    return await asyncio.to_thread(extensions.tasks)


async def _links(
    world: World, environment: Environment, extensions: Extensions, wanted: Wanted
) -> tuple[Link, ...]:
    """Return what the bundle links to: looked up anew by a deployment, not by new settings."""
    if wanted.configuration_only and wanted.current:
        return wanted.current.links
    if extensions.env is None:
        return ()
    return await linked(world, environment, await asyncio.to_thread(extensions.declaration))


async def _imported(world: World, environment: Environment, extensions: Extensions) -> Extensions:
    """Return what a bundle says with what it imports of other stacks: it stays as it is now."""
    declared = extensions.declared
    if declared.empty or IMPORT not in json.dumps(declared, default=vars):
        return extensions
    found = await exported(world, environment.id)
    return replace(extensions, declared=replace(declared, imports=found))


async def _check_choice(world: World, settings: Settings, before: Settings | None) -> None:
    """Raise a Fault for a queue that is chosen now and is not there.

    One that a function names is known only once the bundle's resources are made.
    """
    chosen = settings.text(*CHOICE, "")
    if not chosen or "`" in chosen or (before and before.text(*CHOICE, "") == chosen):
        return
    if await world.depths.look(chosen) is None:
        raise invalid(
            f"Invalid option specification (Namespace: '{SQSD}', OptionName: 'WorkerQueueURL'): "
            f"There is no queue '{chosen[:200]}' here. Make it first, or leave the option out: a "
            "queue comes with the environment."
        )


def _check_queue(tasks: tuple[Task, ...], settings: Settings) -> None:
    """Raise a Fault for tasks that cannot be sent: lanes are nothing that they have."""
    queue = settings.text(*CHOICE, "")
    if tasks and queue.endswith(".fifo"):
        raise invalid(
            f"cron.yaml: periodic tasks need a standard queue, and {SQSD}:WorkerQueueURL names a "
            "first-in-first-out one. Choose another queue, or leave cron.yaml out of the bundle."
        )


def _accepted(
    extensions: Extensions, direct: Settings, wanted: Wanted, tier: str
) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings of the bundle that have a meaning here, and warnings for the others."""
    bundle = extensions.settings
    context = Context(wanted.table, Origin.BUNDLE, tier, Layers(direct=direct))
    found = validate(bundle, replace(context, running=wanted.current is not None))
    messages = [_placed(message, extensions) for message in found]
    fault = fault_in(messages)
    if fault is not None:
        raise fault
    passed_over = [(m.namespace, m.name) for m in messages]
    accepted = translated(bundle).with_(bundle.without(passed_over))
    return accepted, tuple(m.message for m in messages)


def _placed(message: Message, extensions: Extensions) -> Message:
    """Return a message that begins with file and line."""
    place = extensions.places.get((message.namespace, message.name))
    return replace(message, message=f"{place}: {message.message}") if place else message
