"""What instances may use: what their own environment's stack has, and the queue that it was given.

On AWS an instance profile says so. Here nobody has to write one: a program reaches what belongs to
its environment, and what a policy of a queue or a topic grants to its role.
"""

from __future__ import annotations

from jackbean.control.principals import DEFAULT_ROLE, InstancePrincipal
from jackbean.control.roster import Roster
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.releases import Release
from jackbean.core.resources import Resource, State

LAUNCH = "aws:autoscaling:launchconfiguration"
DAEMON = "aws:elasticbeanstalk:sqsd"
OWN_QUEUE = "WorkerQueueURL"
REMEMBERED_MAX = 200
# A name that a bundle asks for belongs to its stack once it has been made there: until then, and
# after it could not be, the name may be somebody else's.
OWN = frozenset({State.READY, State.CHANGING})


class Rights:
    """Answers for instances. What it remembers are releases, which never change."""

    def __init__(self, world: World, roster: Roster) -> None:
        self._world = world
        self._roster = roster
        self._releases: dict[tuple[str, int], Release] = {}

    async def principal(self, instance: str) -> InstancePrincipal | None:
        """Return who a program on `instance` is; None if it is no member of an environment."""
        home = await self._roster.home(instance)
        if home is None:
            return None
        environment, member = home
        assigned = member.assignment.release if member.assignment else None
        number = assigned if environment.release is None else environment.release
        release = await self._release(environment, number)
        given = {*_given(release), *_given(await self._release(environment, assigned))}
        return InstancePrincipal(
            instance,
            environment.id,
            role_of(release),
            (*(r for r in environment.resources if r.state in OWN), *given),
        )

    async def _release(self, environment: Environment, number: int | None) -> Release | None:
        if number is None:
            return None
        key = (environment.id, number)
        if key not in self._releases:
            found = await self._world.store.release(environment.id, number)
            if found is None:
                return None
            while len(self._releases) >= REMEMBERED_MAX:
                del self._releases[next(iter(self._releases))]
            self._releases[key] = found
        return self._releases[key]


def role_of(release: Release | None) -> str:
    """Return the name of the role that instances have: that of their profile, as on AWS."""
    profile = release.settings.text(LAUNCH, "IamInstanceProfile") if release else None
    return (profile or "").rpartition("/")[2] or DEFAULT_ROLE


def _given(release: Release | None) -> tuple[Resource, ...]:
    """Return the queue that a worker environment was told to work on, and those it is linked to."""
    if release is None:
        return ()
    chosen = release.settings.text(DAEMON, OWN_QUEUE)
    urls = {link.name: link.value for link in release.links if link.queue} | {OWN_QUEUE: chosen}
    return tuple(Resource(name, "AWS::SQS::Queue", url) for name, url in urls.items() if url)
