"""Which environment an instance belongs to, and what it is to do."""

from __future__ import annotations

from jackbean.control.logs import LogRequests
from jackbean.control.manifests import compile_manifest
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.fleet import Assignment, Member
from jackbean.core.protocol import Order, to_json
from jackbean.ports.store import EnvironmentQuery


class Roster:
    """Answers for instances. What it remembers is only where to look first."""

    def __init__(self, world: World, logs: LogRequests) -> None:
        self._world = world
        self._logs = logs
        self._homes: dict[str, str] = {}

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
        if member.assignment is None:
            return Order(logs=logs)
        manifest = await self._manifest(environment, member.assignment)
        return Order(
            serial=member.assignment.serial,
            work=member.assignment.work,
            leader=member.assignment.leader,
            manifest=manifest,
            logs=logs,
        )

    async def bundle(self, instance: str) -> frozenset[str]:
        """Return the digests of the bundles that `instance` may fetch."""
        home = await self.home(instance)
        if home is None or home[1].assignment is None:
            return frozenset()
        manifest = await self._manifest(home[0], home[1].assignment)
        return frozenset({str(manifest["digest"])})

    async def _manifest(
        self, environment: Environment, assignment: Assignment
    ) -> dict[str, object]:
        release = await self._world.store.release(environment.id, assignment.release)
        if release is None:
            raise AssertionError(f"release {assignment.release} of {environment.name} is gone")
        platform = self._world.platforms.of(environment)
        sample = self._world.platforms.sample(platform)
        made = compile_manifest(self._world.installation, environment, release, platform, sample)
        return to_json(made)
