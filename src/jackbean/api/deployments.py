"""Certificates of deployments, for the extension service: all of an environment, or one whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.plant import Call, Plant, moment
from jackbean.control.environments import unknown
from jackbean.control.principals import visible
from jackbean.core.certificates import Certificate
from jackbean.core.environments import Environment
from jackbean.core.errors import invalid, missing
from jackbean.core.tallies import Passage, Served
from jackbean.core.traffic import NOBODY
from jackbean.ports.store import EnvironmentQuery

SHOWN_MAX = 1000

Shape = dict[str, Any]


async def describe_deployments(plant: Plant, call: Call) -> Shape:
    """Return the certificates of an environment, newest first; with `Number` only that one.

    An environment that has ended is found by its id, or by its name if no other has it now.
    """
    environment = await _environment(plant, call)
    number = _number(call)
    found = await plant.world.store.certificates(environment.id, number, SHOWN_MAX)
    if number is not None and not found:
        raise invalid(f"Environment {environment.name} has no deployment {number} that has ended.")
    return {
        "EnvironmentName": environment.name,
        "EnvironmentId": environment.id,
        "Deployments": [_certificate(one) for one in found],
    }


async def _environment(plant: Plant, call: Call) -> Environment:
    """Return the environment that is meant; of several that had the name the newest."""
    id_, name = call.text("EnvironmentId"), call.text("EnvironmentName")
    if not (id_ or name):
        raise missing("You must specify either an environment name or an environment id.")
    ids, names = ((id_,), ()) if id_ else ((), (name,))
    for since in (None, 0.0):
        query = EnvironmentQuery(ids=ids, names=names, terminated_since=since)
        found = [
            e for e in await plant.world.store.environments(query) if visible(call.principal, e.id)
        ]
        if found:
            return found[-1]
    raise unknown(id_ or name)


def _number(call: Call) -> int | None:
    number = call.members.get("Number")
    if number is None:
        return None
    if type(number) is not int or number < 1:
        raise invalid("Number must be that of a deployment: 1 or more.")
    return number


def _certificate(one: Certificate) -> Shape:
    tally = one.tally
    lowest = None if tally.lowest is None else moment(tally.lowest_at).isoformat()
    return {
        "Number": one.number,
        "Kind": one.kind,
        "RequestId": one.request_id,
        "Release": one.release,
        "Previous": one.previous,
        "VersionLabel": one.version,
        "Policy": one.policy,
        "Began": moment(one.began).isoformat(),
        "Ended": moment(one.ended).isoformat(),
        "Seconds": round(one.seconds, 3),
        "End": one.end,
        "Aborted": one.aborted,
        "Reasons": list(one.reasons),
        "Instances": one.size,
        "Lowest": tally.lowest,
        "LowestAt": lowest,
        "Unit": one.unit,
        "Counted": tally.counted,
        "AtLeast": tally.partial,
        "Requests": tally.requests if tally.counted else None,
        "Failed": tally.harmed if tally.counted else None,
        "Retried": tally.retried if tally.counted else None,
        "Releases": [_served(one, served) for served in tally.served],
        "Phases": [_phase(passage) for passage in tally.passages],
        "UnwatchedSeconds": round(tally.away_s, 3),
        "Summary": one.summary,
    }


def _served(one: Certificate, served: Served) -> Shape:
    """Return what came of the requests to a release; None is for those that met no instance."""
    return {
        "Release": None if served.release == NOBODY else served.release,
        "VersionLabel": one.version_of(served.release),
        "Requests": served.requests,
        "Failed": served.harmed,
        "Retried": max(0, served.retried),
    }


def _phase(passage: Passage) -> Shape:
    return {
        "Name": passage.moment.name,
        "Batch": passage.moment.batch or None,
        "Began": moment(passage.began).isoformat(),
        "Seconds": round(passage.seconds, 3),
    }


DEPLOYMENTS: Mapping[str, Any] = {"DescribeDeployments": describe_deployments}
