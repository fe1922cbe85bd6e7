"""Environments that know of one another by `env.yaml`: what a link says, and who depends on whom.

A link is looked up when a release is cut, and stays in it: an environment that changes its address
later is found again by the next deployment of those that link to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from jackbean.control.workers import name_of, queue_of
from jackbean.control.world import World
from jackbean.core.environments import Environment, Link, Status
from jackbean.core.errors import invalid
from jackbean.core.links import Declaration, grouped
from jackbean.core.options.settings import Setting
from jackbean.ports.store import EnvironmentQuery
from jackbean.sources.bundles import Extensions, read_extensions

PROPERTIES = "aws:elasticbeanstalk:application:environment"


async def extensions_of(world: World, digest: str | None) -> Extensions:
    """Return what a bundle says to the control plane; the sample application says nothing."""
    if digest is None:
        return Extensions()
    return await asyncio.to_thread(read_extensions, world.blobs.path(digest))


async def declared(world: World, digest: str | None) -> Declaration:
    """Return the `env.yaml` of a bundle. Raises a Fault that names everything wrong in it."""
    extensions = await extensions_of(world, digest)
    return await asyncio.to_thread(extensions.declaration)


async def linked(world: World, environment: Environment, said: Declaration) -> tuple[Link, ...]:
    """Return the links that a bundle asks for in an environment. Raises a Fault of all faults."""
    found = [await _link(world, environment, name, target) for name, target in said.links]
    if faults := [text for text in found if isinstance(text, str)]:
        raise invalid("\n".join(faults))
    return tuple(link for link in found if isinstance(link, Link))


def properties(links: Iterable[Link]) -> tuple[Setting, ...]:
    """Return the environment properties that links are."""
    return tuple(Setting(PROPERTIES, link.name, link.value) for link in links)


async def dependants(world: World, environment: Environment) -> list[str]:
    """Return the names of the environments that link to this one, and stay."""
    others = await world.store.environments(EnvironmentQuery(application=environment.application))
    return [
        other.name
        for other in others
        if other.id != environment.id
        and other.status is not Status.TERMINATING
        and any(link.environment == environment.name for link in other.links)
    ]


async def _link(world: World, environment: Environment, name: str, target: str) -> Link | str:
    """Return a link, or why there is none."""
    wanted = grouped(target, environment.group)
    query = EnvironmentQuery(application=environment.application, names=(wanted,))
    where = f"env.yaml: EnvironmentLinks: {name}"
    found = [e for e in await world.store.environments(query) if e.id != environment.id]
    if not found or found[0].status is Status.TERMINATING:
        return (
            f"{where}: there is no environment {wanted} in application {environment.application}. "
            "Create it first, or both with ComposeEnvironments."
        )
    if not found[0].worker:
        return Link(name, wanted, world.installation.cname(found[0].cname_prefix))
    queue = await _queue(world, found[0])
    if not queue:
        return f"{where}: environment {wanted} has no queue yet; wait until it is Ready."
    url = f"https://sqs.{world.installation.region}.amazonaws.com/{world.installation.account}"
    return Link(name, wanted, f"{url}/{queue}", queue=True)


async def _queue(world: World, worker: Environment) -> str:
    """Return the name of a worker's queue, which may be one that somebody chose."""
    number = worker.release
    release = None if number is None else await world.store.release(worker.id, number)
    return name_of(queue_of(world.installation, worker, release)) if release else ""
