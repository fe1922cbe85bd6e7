"""The load balancer that an environment wants, from its record and what its instances run.

Instances are grouped by the release that they run. So whatever the proxy counts it counts by
release, for every policy: also where old and new ones are of one group of the membership, and
where an instance gets another release in place. The share of a canary is that of its release.
"""

from __future__ import annotations

from functools import lru_cache

from jackbean.control.observe import Look
from jackbean.control.terms import Terms
from jackbean.core.environments import Environment
from jackbean.core.fleet import PARKED, Member, Service
from jackbean.core.installation import Installation
from jackbean.core.traffic import group_of
from jackbean.ports.engine import Address
from jackbean.ports.router import Routes, Split, Target

TARGETS_KEPT_MAX = 4096


def routes(
    installation: Installation, environment: Environment, look: Look, terms: Terms
) -> Routes:
    """Return the load balancer that `environment` wants, as far as its machines have addresses."""
    running = {i.id: i.sight.running for i in look.fleet}
    targets = tuple(
        [
            _target(m.id, look.addresses[m.id], m.service, _group(m, running.get(m.id)))
            for m in environment.members
            if m.service is not Service.OUT and m.id in look.addresses
        ]
    )
    return Routes(
        environment_id=environment.id,
        slot=environment.slot,
        hostnames=(installation.hostname(environment.cname_prefix),),
        targets=targets,
        health=terms.health,
        split=_split(environment),
        sticky=terms.sticky,
        revision=environment.revision,
        idle_s=terms.idle_s,
    )


@lru_cache(maxsize=TARGETS_KEPT_MAX)
def _target(instance: str, address: Address, service: Service, group: str) -> Target:
    """Return a target: at each look the same one, which is soon compared."""
    return Target(instance, address, draining=service is Service.DRAINING, group=group)


def _group(member: Member, running: int | None) -> str:
    """Return the group of an instance; one that says nothing is taken at what it was told."""
    if member.group == PARKED:
        return PARKED
    told = member.assignment.release if member.assignment else 0
    return group_of(told if running is None else running)


def _split(environment: Environment) -> Split | None:
    """Return who gets which share: parked instances none, and they can have all at once."""
    rollout = environment.operation.rollout if environment.operation else None
    if environment.split is None or rollout is None:
        parked = any(m.group == PARKED for m in environment.members)
        return Split(PARKED, 0) if parked else None
    return Split(group_of(rollout.goal), environment.split)
