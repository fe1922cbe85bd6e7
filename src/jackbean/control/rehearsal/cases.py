"""What is to be rehearsed, and the state that it begins in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from jackbean.control.observe import Passes
from jackbean.control.plans import Plan, begun, update_plan
from jackbean.control.rehearsal.doubles import ALWAYS, CALM, Double
from jackbean.control.rehearsal.pace import ASSUMED, Pace
from jackbean.control.rehearsal.run import Script, State
from jackbean.control.terms import Terms as ReleaseTerms
from jackbean.core.environments import Environment
from jackbean.core.fleet import Member, Service, WorkState
from jackbean.core.operations import Roll, Settle
from jackbean.core.releases import Release


class Change(StrEnum):
    """What an update does to the instances that run."""

    DEPLOY = "deploy"  # they get another version
    CONFIGURE = "configure"  # they get other settings
    REPLACE = "replace"  # others take their place
    SCALE = "scale"  # there are more of them, or fewer
    NOTHING = "nothing"  # none is touched


@dataclass(frozen=True)
class Case:
    """An update of `environment` from `old` to `new`, asked for at `began`.

    `running` says what each instance runs, where that is known.
    """

    environment: Environment
    old: Release
    new: Release
    began: float
    pace: Pace = ASSUMED
    running: Mapping[str, int] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        return update_plan(self.environment, self.old, self.new, self.began)

    @property
    def change(self) -> Change:
        kinds = {type(phase) for phase in self.plan.phases}
        if Roll in kinds:
            if self.new.fingerprint != self.environment.template:
                return Change.REPLACE
            return Change.CONFIGURE if self.new.configuration_only else Change.DEPLOY
        return Change.SCALE if Settle in kinds else Change.NOTHING


def opened(case: Case) -> tuple[State, Script]:
    """Return how it begins, and what stays the same until it ends."""
    before = case.environment
    asked = replace(before, updated=case.began)
    environment = begun(before, asked, case.new, case.plan, "rehearsed")
    releases = {r.number: ReleaseTerms.of(r) for r in (case.old, case.new)}
    gate = releases[case.old.number].gate.count
    doubles = {m.id: _double(m, case, gate) for m in before.members}
    return State(0, environment, doubles), Script(
        releases, case.new.number, case.began, case.pace, CALM
    )


def _double(member: Member, case: Case, gate: int) -> Double:
    """Return an instance as it is before the update: at rest, and well if it is in service."""
    told = member.assignment
    runs = case.running.get(member.id, told.release if told else case.environment.deployment)
    return Double(
        member.id,
        up=ALWAYS,
        serial=told.serial if told else 0,
        work=told,
        state=WorkState.DONE if told else None,
        running=runs,
        staged=runs,
        told=member.service,
        service=member.service,
        passes=Passes(gate, ALWAYS) if member.service is Service.IN else Passes(),
    )
