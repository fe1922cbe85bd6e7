"""Where the work of an environment comes from, in the same words for both tiers.

Instances of a web server environment are sent requests by a load balancer, which says of each
whether it is routed to, well, and how many requests are in flight. Those of a worker fetch messages
by themselves: what a load balancer would say follows from what their agents say. IN means that the
daemon may take messages, DRAINING that it was told to stop and has not ended, OUT that it holds
none and will take none.
"""

from __future__ import annotations

from collections.abc import Mapping

from jackbean.core.environments import Environment
from jackbean.core.fleet import Member, Service
from jackbean.core.protocol import Report
from jackbean.ports.agents import Reports
from jackbean.ports.router import Router, TargetSight

SILENT_S = 30.0  # how old a report may be; one comes every ten seconds and with all news
UNPOLLED_S = 60.0  # how long ago the queue may have answered; a daemon asks it every 20 s at least
UNHEARD = TargetSight(Service.IN, healthy=False, requests=0)  # nobody knows that it has stopped


class Intake:
    """Looks at whoever brings an environment's instances their work."""

    def __init__(self, router: Router, reports: Reports) -> None:
        self._router = router
        self._reports = reports

    async def observe(self, environment: Environment, now: float) -> Mapping[str, TargetSight]:
        """Return what is known of each instance, by its id. Raises PortError."""
        if not environment.worker:
            return await self._router.observe(environment.id)
        latest = self._reports.latest
        return {m.id: polled(m, latest(m.id), now) for m in environment.members}


def polls(member: Member) -> bool:
    """Whether a worker's instance may take messages."""
    return member.service is Service.IN


def polled(member: Member, heard: tuple[Report, float] | None, now: float) -> TargetSight:
    """Return what a load balancer would say of an instance that fetches its work by itself.

    One that has not been heard of since it is to stop may still take messages: also one that had
    not heard yet that it may.
    """
    if heard is None or (member.service is Service.DRAINING and heard[1] <= member.since):
        return UNHEARD
    report, at = heard
    return TargetSight(_service(report), _well(report, now - at), _held(report))


def _service(report: Report) -> Service:
    """Return where an instance stands by its own account; `polling` is what it was told last."""
    if report.polling:
        return Service.IN
    return Service.OUT if _stopped(report) else Service.DRAINING


def _stopped(report: Report) -> bool:
    return report.drained or report.in_flight is None


def _held(report: Report) -> int:
    """Return how many messages are worked on; a daemon that has not ended may yet have one."""
    in_flight = max(0, report.in_flight or 0)
    return in_flight if report.polling or _stopped(report) else max(1, in_flight)


def _well(report: Report, age_s: float) -> bool:
    """Whether it would process a message: the application is up, and the queue answers.

    A daemon that has as many messages as it may work on at a time asks for no more.
    """
    if age_s > SILENT_S or report.application != "up":
        return False
    polled_s = report.polled_s
    return bool(report.in_flight) or (polled_s is not None and polled_s + age_s <= UNPOLLED_S)
