"""Who was asked itself since it runs what it runs: what a load balancer knows may be of before.

An application may be exchanged while its instance stays in service. The load balancer goes on
saying what its last check said, so nothing good is believed of the new one before it has passed
one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jackbean.core.fleet import Member, Service, Work
from jackbean.core.protocol import Report
from jackbean.ports.agents import Reports
from jackbean.ports.engine import MachineSight
from jackbean.ports.router import HealthCheck, Probe, Router, TargetSight


class Proofs:
    """Remembers what instances ran when they passed. To lose that is to ask again."""

    def __init__(self, router: Router, reports: Reports) -> None:
        self._router = router
        self._reports = reports
        self._passed: dict[str, str] = {}

    async def ask(
        self,
        check: HealthCheck,
        members: Iterable[Member],
        machines: Mapping[str, MachineSight],
        targets: Mapping[str, TargetSight],
    ) -> None:
        """Ask those whom the load balancer takes for well, and that run something new."""
        due: dict[str, Probe] = {}
        for member in members:
            machine, target = machines.get(member.id), targets.get(member.id)
            address = machine.address if machine else None
            believed = target is not None and target.healthy and target.service is Service.IN
            if believed and address and not self.holds(member):
                due[member.id] = Probe(member.id, address, self._mark(member))
        if due:
            passed = await self._router.check(check, tuple(due.values()))
            self._passed |= {name: due[name].mark for name in passed}

    def holds(self, member: Member) -> bool:
        """Whether what it runs has passed; who says nothing is taken as it is."""
        mark = self._mark(member)
        return not mark or self._passed.get(member.id) == mark

    def forget(self, instance: str) -> None:
        self._passed.pop(instance, None)

    def _mark(self, member: Member) -> str:
        """Return what tells an application from the one before; empty where it says nothing."""
        said = self._reports.latest(member.id)
        return _runs(member, said[0]) if said else ""


def _runs(member: Member, report: Report) -> str:
    """Return its release, and its last restart."""
    if report.running is None:
        return ""
    told = member.assignment
    restarted = told is not None and told.work is Work.RESTART
    return f"{report.running} {report.serial if restarted else 0}"
