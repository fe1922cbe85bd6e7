"""Which environment an instance belongs to, and what it is to do."""

from __future__ import annotations

from dataclasses import replace

from jackbean.control.extensions import compiled
from jackbean.control.intake import polls
from jackbean.control.logs.requests import LogRequests
from jackbean.control.manifests import compile_manifest, for_newcomer
from jackbean.control.stacks.surroundings import Surroundings
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.fleet import Assignment, Member
from jackbean.core.instructions import Extension
from jackbean.core.instructions import to_json as to_json_extension
from jackbean.core.protocol import Order, to_json
from jackbean.core.releases import Release
from jackbean.ports.store import EnvironmentQuery

COMPILED_MAX = 50  # releases whose config files are remembered as compiled


class Roster:
    """Answers for instances. What it remembers is where to look first, and what it made before."""

    def __init__(self, world: World, logs: LogRequests) -> None:
        self._world = world
        self._logs = logs
        self._homes: dict[str, str] = {}
        self._compiled: dict[tuple[object, ...], tuple[Extension, ...]] = {}

    async def home(self, instance: str) -> tuple[Environment, Member] | None:
        """Return the environment that has this member, and the member; None for a stranger."""
        known = self._homes.get(instance)
        if known and (environment := await self._world.store.environment(known)):
            for member in environment.members:
                if member.id == instance:
                    return environment, member
        for environment in await self._world.store.environments(EnvironmentQuery()):
            for member in environment.members:
                self._homes[member.id] = environment.id
                if member.id == instance:
                    return environment, member
        self._homes.pop(instance, None)
        return None

    async def order(self, instance: str) -> Order:
        """Return what `instance` is to do now."""
        home = await self.home(instance)
        if home is None:
            return Order()
        environment, member = home
        logs = self._logs.wanted(instance)
        polling = not environment.worker or polls(member)
        follow = self._logs.following.wanted(environment.id, instance)
        if member.assignment is None:
            return Order(logs=logs, follow=follow, polling=polling)
        manifest = await self._manifest(environment, instance, member.assignment)
        return Order(
            serial=member.assignment.serial,
            work=member.assignment.work,
            leader=member.assignment.leader,
            manifest=manifest,
            logs=logs,
            polling=polling,
            follow=follow,
        )

    async def bundle(self, instance: str) -> frozenset[str]:
        """Return the digests of the bundles that `instance` may fetch."""
        home = await self.home(instance)
        assignment = home[1].assignment if home else None
        if home is None or assignment is None:
            return frozenset()
        environment, _ = home
        release = await self._release(environment, assignment.release)
        return frozenset({self._digest(environment, release)})

    async def objects(self, instance: str) -> frozenset[tuple[str, str]]:
        """Return bucket and key of each object that `instance` may fetch."""
        home = await self.home(instance)
        if home is None or home[1].assignment is None:
            return frozenset()
        release = await self._release(home[0], home[1].assignment.release)
        extensions = self._extensions(home[0], release)
        return frozenset((o.bucket, o.key) for e in extensions for o in e.origins if o.bucket)

    async def _manifest(
        self, environment: Environment, instance: str, assignment: Assignment
    ) -> dict[str, object]:
        world = self._world
        release = await self._release(environment, assignment.release)
        digest = self._digest(environment, release)
        platform = world.platforms.of(environment, release)
        as_of = _as_of(environment, release)
        made = compile_manifest(world.installation, as_of, release, platform, digest)
        extensions = [to_json_extension(one) for one in self._extensions(environment, release)]
        made = replace(made, extensions=extensions)
        has_it = assignment.serial > 1 and await self._runs(environment, instance, digest)
        return to_json(made if has_it else for_newcomer(made))

    def _extensions(self, environment: Environment, release: Release) -> tuple[Extension, ...]:
        """Return the compiled config files of a release; what they refer to may change."""
        if release.extensions.empty:
            return ()
        environment = _as_of(environment, release)
        key = (environment.id, release.number, environment.resources)
        if key not in self._compiled:
            while len(self._compiled) >= COMPILED_MAX:
                del self._compiled[next(iter(self._compiled))]
            installation = self._world.installation
            around = Surroundings(installation, environment, release.settings, release.extensions)
            found = compiled(around)
            if found.faults:
                raise AssertionError(f"release {release.number}: {found.faults[0]}")
            self._compiled[key] = found.extensions
        return self._compiled[key]

    async def _runs(self, environment: Environment, instance: str, digest: str) -> bool:
        """Whether an instance runs that bundle, of whatever release."""
        heard = self._world.reports.latest(instance)
        if heard is None or heard[0].running is None:
            return False
        running = await self._world.store.release(environment.id, heard[0].running)
        return running is not None and self._digest(environment, running) == digest

    async def _release(self, environment: Environment, number: int) -> Release:
        release = await self._world.store.release(environment.id, number)
        if release is None:
            raise AssertionError(f"release {number} of {environment.name} is gone")
        return release

    def _digest(self, environment: Environment, release: Release) -> str:
        platforms = self._world.platforms
        return release.digest or platforms.sample(platforms.of(environment, release))


def _as_of(environment: Environment, release: Release) -> Environment:
    """Return the environment with the resources that a release refers to."""
    return replace(environment, resources=environment.resources_of(release.number))
