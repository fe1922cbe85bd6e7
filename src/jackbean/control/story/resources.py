"""The story of an environment's resources: what came of them, and what could not be had."""

from __future__ import annotations

from collections.abc import Iterator

from jackbean.core.environments import Environment
from jackbean.core.events import Severity
from jackbean.core.operations import Kind, Operation
from jackbean.core.resources import Refused, Resource, State
from jackbean.stacks.engine import Sights, Stack, sentence
from jackbean.stacks.names import stack_of, story
from jackbean.stacks.types import provided

ABORTED = (
    "Stack named '{stack}' aborted operation. Current state: '{state}' "
    "Reason: The following resource(s) failed to {verb}: [{ids}]."
)
Telling = Iterator[tuple[str, Severity]]


def outcomes(before: Stack, after: Stack, sights: Sights, *, undoing: bool) -> Telling:
    """Yield what became of resources between two records."""
    if before is after:
        return
    changed = "Restored" if undoing else "Updated"
    was = {r.key: r for r in before}
    now = {r.key: r for r in after}
    for key, resource in now.items():
        yield from _come(was.get(key), resource, changed)
    for key, resource in was.items():
        if key not in now:
            yield from _gone(resource, sights)


def _come(was: Resource | None, now: Resource, changed: str) -> Telling:
    called = story(now.type)
    if not called or now.pending:
        return
    if was is None or was.state is State.MAKING:
        yield f"Created {called} named: {now.name}", Severity.INFO
    elif was.state is State.CHANGING:
        yield f"{changed} {called} named: {now.name}", Severity.INFO


def _gone(resource: Resource, sights: Sights) -> Telling:
    called = story(resource.type)
    sight = sights.get(resource.key)
    if isinstance(sight, Refused) and resource.state is State.REMOVING:
        yield f"{sentence(resource, sight.reason)} It is kept.", Severity.WARN
    elif not called:
        return
    elif provided(resource.type, resource.id) and resource.state is not State.REMOVING:
        yield f"Kept {called} named: {resource.name}", Severity.INFO
    else:
        yield f"Deleted {called} named: {resource.name}", Severity.INFO


def failures(before: Environment, operation: Operation | None, sights: Sights) -> Telling:
    """Yield why a stack goes back, once, and what could not be put back."""
    if operation is None or operation.provision is None or not operation.undoing:
        return
    if before.operation is None or before.operation.undoing:
        for resource in before.resources:
            sight = sights.get(resource.key)
            if isinstance(sight, Refused) and resource.state is State.CHANGING:
                yield sentence(resource, sight.reason), Severity.WARN
    elif operation.provision.failure:
        yield operation.provision.failure, Severity.ERROR
        yield _aborted(before, operation.kind, operation.provision.blamed), Severity.ERROR


def _aborted(environment: Environment, kind: Kind, blamed: str) -> str:
    creating = kind is Kind.CREATE
    return ABORTED.format(
        stack=stack_of(environment.id),
        state="CREATE_FAILED" if creating else "UPDATE_ROLLBACK_IN_PROGRESS",
        verb="create" if creating else "update",
        ids=blamed,
    )
