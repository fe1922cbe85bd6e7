"""The steady state is a policy too: keep what is wanted, with what each instance has."""

from __future__ import annotations

from jackbean.core.acts import Act, Attach, Launch
from jackbean.core.fleet import Fleet, Instance, Service
from jackbean.rollouts.verbs import retire

YOUNG_S = 30.0


def maintain(fleet: Fleet, launch: Launch, now: float) -> tuple[Act, ...]:
    """Keep as many instances as `launch` counts: replace the dead, attach the able, end the rest.

    A fleet that a failed deployment left mixed stays mixed: nobody is given another release. Those
    who die young are not replaced at once: their successors might die the same way, for ever.
    """
    alive = fleet.alive
    dead = fleet.dead.where(lambda i: now - i.member.launched_at >= YOUNG_S)
    missing = (launch,) if len(alive) < launch.count else ()
    surplus = _least_useful(alive, len(alive) - launch.count)
    able = tuple(Attach(i.id) for i in alive.without(surplus.ids) if _able(i))
    return (*retire(dead), *retire(surplus), *missing, *able)


def complete(fleet: Fleet, count: int) -> bool:
    """Whether `count` instances serve, each on whatever it runs, and nobody is still leaving."""
    return len(fleet) == count and all(
        i.sight.running is not None and i.settled(i.sight.running) for i in fleet
    )


def _able(instance: Instance) -> bool:
    """Whether it is out of service without a reason: also one whose last work never ended.

    Whether it can serve is for the load balancer's health check to say.
    """
    return instance.member.service is Service.OUT and instance.sight.running is not None


def _least_useful(fleet: Fleet, count: int) -> Fleet:
    """Return the `count` that are missed least: not serving first, then the youngest."""
    youngest_first = Fleet(tuple(reversed(fleet.instances)))
    return youngest_first.weakest_first().first(max(count, 0))
