"""Records as an older program has left them: what was added since is not there."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

from jackbean.core.environments import Environment
from jackbean.core.operations import Operation, Roll
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout

Record = TypeVar("Record", Environment, Operation, Rollout)

# Fields that the first program to store these records did not have, each with a default.
ADDED: dict[type, tuple[str, ...]] = {
    Environment: ("parked", "former"),
    Operation: ("aborted",),
    Rollout: ("aborted", "surge", "floor", "pause_s", "park_s", "done", "proved", "ailing_s_max"),
}


def older(environment: Environment) -> Environment:
    """Return a record as it would be had the program that wrote it known less."""
    operation = environment.operation
    if operation is not None:
        phases = tuple(
            replace(phase, rollout=_without(phase.rollout)) if isinstance(phase, Roll) else phase
            for phase in operation.phases
        )
        operation = _without(replace(operation, phases=phases))
    return replace(_without(environment), operation=operation)


def _without(record: Record) -> Record:
    kind = type(record)
    known = {f.name: f for f in fields(kind)}
    return replace(record, **{name: _default(known[name]) for name in ADDED[kind]})


def _default(field: Field[Any]) -> Any:
    if field.default is MISSING:
        raise AssertionError(f"{field.name} has no default: an older record could not be read")
    return field.default
