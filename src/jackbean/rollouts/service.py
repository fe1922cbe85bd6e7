"""Leaving service, the same for every policy: DRAINING until the last request ends, then out."""

from __future__ import annotations

from jackbean.core.fleet import Fleet, Instance, Machine, Member, Service
from jackbean.core.records import replace


def progress(fleet: Fleet, now: float, drain_s: float) -> tuple[Member, ...]:
    """Return the members with everyone who is done draining out, and everyone gone forgotten."""
    members = [(_drained(i, now, drain_s), i.sight.machine is Machine.ABSENT) for i in fleet]
    return tuple([member for member, gone in members if not (gone and endable(member))])


def endable(member: Member) -> bool:
    """Whether its machine may be ended: it is leaving and no request is on its way to it."""
    return member.leaving and member.service is Service.OUT


def _drained(instance: Instance, now: float, drain_s: float) -> Member:
    member = instance.member
    if member.service is not Service.DRAINING:
        return member
    quiet = instance.sight.requests == 0
    useless = instance.sight.machine is not Machine.RUNNING
    late = now - member.since > drain_s
    return replace(member, service=Service.OUT, since=now) if quiet or useless or late else member
