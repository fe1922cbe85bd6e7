"""Rehearsing an update of an environment as it is now. Nothing is saved.

The release is cut as for the update itself, with everything that is refused there; what follows is
pure (`control.rehearsal`) and runs beside the loop, which goes on meanwhile: one at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from jackbean.control.environments import (
    Update,
    current_release,
    described,
    find,
    must_be_ready,
    wanted_release,
)
from jackbean.control.observe import running
from jackbean.control.rehearsal.cases import Case
from jackbean.control.rehearsal.compare import Way, compare
from jackbean.control.rehearsal.pace import CERTIFICATES, Pace, measured
from jackbean.control.rehearsal.recommend import Needs, Recommendation, recommend
from jackbean.control.rehearsal.rehearse import Rehearsal, rehearse
from jackbean.control.releases import Wanted, cut
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.errors import invalid
from jackbean.core.options.views import CapacityOptions, DeploymentOptions, UpdateOptions
from jackbean.core.releases import Release
from jackbean.sources.bundles import extensions_of

SIZE_MAX = 200
WORK_MAX = 3_000  # instances times batches: seconds of work


@dataclass(frozen=True)
class Unpublished:
    """A bundle that is not here yet: what it would be called, and its config files by name."""

    label: str
    config_files: Mapping[str, bytes]


@dataclass(frozen=True)
class Asked:
    """What is to be rehearsed, beside what else could be done where `compare`."""

    update: Update
    bundle: Unpublished | None = None
    compare: bool = False
    needs: Needs | None = None


@dataclass(frozen=True)
class Rehearsed:
    """`known` names the durations of `case.pace` that were measured."""

    case: Case
    known: frozenset[str]
    rehearsal: Rehearsal
    ways: tuple[Way, ...] = ()
    recommendation: Recommendation | None = None
    warnings: tuple[str, ...] = ()


async def rehearse_update(world: World, name_or_id: str, asked: Asked) -> Rehearsed:
    """Rehearse what an update would do. Raises the Faults that it would be refused with."""
    before = await find(world, name_or_id)
    must_be_ready(before)
    old = await current_release(world, before)
    base = described(before, asked.update, world.clock.now())
    made = await cut(world, base, await _release(world, base, old, asked))
    _refuse_endless(before, made.release)
    pace, known = await _pace(world, before)
    case = Case(before, old, made.release, base.updated, pace, running(world.reports, before))
    async with world.rehearsing:
        done = await asyncio.to_thread(_rehearsed, case, asked)
    return replace(done, known=known, warnings=(*made.warnings, *done.rehearsal.plan.warnings))


async def _release(world: World, base: Environment, old: Release, asked: Asked) -> Wanted:
    wanted = await wanted_release(world, base, old, asked.update)
    bundle = asked.bundle
    if bundle is None:
        return wanted
    extensions = await asyncio.to_thread(extensions_of, bundle.config_files)
    made = replace(wanted, label=bundle.label, digest="", extensions=extensions)
    return replace(made, configuration_only=False)


def _rehearsed(case: Case, asked: Asked) -> Rehearsed:
    made = rehearse(case)
    ways = compare(case) if asked.compare or asked.needs else ()
    chosen = recommend(ways, asked.needs) if asked.needs else None
    return Rehearsed(case, frozenset(), made, ways, chosen)


def _refuse_endless(environment: Environment, new: Release) -> None:
    """Raise a Fault for what would take minutes to rehearse."""
    size = CapacityOptions.of(new.settings).clamp(environment.desired)
    batch = min(
        DeploymentOptions.of(new.settings).batch_for(size),
        UpdateOptions.of(new.settings).batch_for(size),
    )
    if size > SIZE_MAX or size * size > WORK_MAX * batch:
        raise invalid(
            f"{size} instances in batches of {batch} are too many to rehearse. Rehearse it with "
            "larger batches: what happens is the same, batch by batch."
        )


async def _pace(world: World, environment: Environment) -> tuple[Pace, frozenset[str]]:
    certificates = await world.store.certificates(environment.id, limit=CERTIFICATES)
    heard = {m.id: world.reports.latest(m.id) for m in environment.members}
    said = {name: latest[0].deployed for name, latest in heard.items() if latest}
    return measured(environment.members, said, certificates)
