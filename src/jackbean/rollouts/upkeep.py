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
    """Whether `count` instances serve, each on whatever it runs, and nobody is still leaving.

    For one whose last work failed nobody waits: only the next deployment can help it.
    """
    return len(fleet) == count and all(_serves(i) or _lost(i) for i in fleet)


def _serves(instance: Instance) -> bool:
    running = instance.sight.running
    return running is not None and instance.settled(running)


def _lost(instance: Instance) -> bool:
    wanted = instance.member.assignment
    return wanted is not None and instance.failed(wanted.release)


def _able(instance: Instance) -> bool:
    """Whether it is out of service without a reason: also one whose last work never ended.

    Whether it can serve is for the load balancer's health check to say, which is no more than a
    connection by default: the proxy takes that, so an application that is not there is a reason.
    """
    sight = instance.sight
    return instance.member.service is Service.OUT and sight.running is not None and not sight.down


def _least_useful(fleet: Fleet, count: int) -> Fleet:
    """Return the `count` that are missed least: not serving first, then the youngest."""
    youngest_first = Fleet(tuple(reversed(fleet.instances)))
    return youngest_first.weakest_first().first(max(count, 0))
