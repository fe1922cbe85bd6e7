"""The resources of an environment as phases of its operations. Pure.

A change of resources comes first: instances are launched, and given a release, when everything that
it refers to is there. What is replaced, or wanted no more, ends last, when the operation cannot go
back any more. Where a resource cannot be had, or instances go back to the release before, so do
the resources.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from jackbean.control.scene import Namer, Scene
from jackbean.control.stacks.surroundings import Surroundings
from jackbean.core.environments import Environment
from jackbean.core.operations import Deprovision, Kind, Operation, Provision, Tidy, Undo
from jackbean.core.records import replace
from jackbean.core.resources import Key, Refused, Resource, Sight, Underway
from jackbean.stacks.engine import (
    Sights,
    Stack,
    Step,
    Surrounded,
    advance,
    dismantle,
    tidy,
    undo,
)
from jackbean.stacks.graph import WAIT_CONDITION, Blueprint
from jackbean.stacks.names import given_or_made, stack_of
from jackbean.stacks.types import provided
from jackbean.stacks.values import Resolver, Value

PATIENCE_S = 900.0  # while nothing comes of anything that is done about resources
Progress = tuple[Environment, Operation, str]


def provision(
    phase: Provision, environment: Environment, scene: Scene, namer: Namer
) -> tuple[Step, Provision]:
    """Take a step towards the resources of the release's template."""
    stack = environment.resources
    if phase.before is None:
        phase = replace(phase, before=stack, since=scene.now)
    late = _late(phase.since, scene)
    sights = impatient(stack, scene.sights) if late else scene.sights
    step = advance(scene.release.template, stack, sights, around(environment, scene, namer))
    if step.failure:
        phase = replace(phase, failure=step.failure, blamed=step.blamed)
    elif step.stack != stack:
        phase = replace(phase, since=scene.now)
    return step, phase


def awaits_instances(step: Step, sights: Sights) -> bool:
    """Whether all that is left to be made waits for signals, which instances may have to give."""
    pending = [r for r in step.stack if r.pending]
    return bool(pending) and all(_waits(r, sights.get(r.key)) for r in pending)


def _waits(resource: Resource, sight: Sight | None) -> bool:
    return resource.type == WAIT_CONDITION and isinstance(sight, Underway) and sight.ends


def later(operation: Operation, phase: Provision, now: float) -> Operation:
    """Return an operation that goes on, and makes the rest of its resources at its end."""
    rest = replace(phase, before=phase.before or (), since=now)
    return replace(operation, phases=(*operation.phases, rest)).next()


def go_back(environment: Environment, operation: Operation, scene: Scene) -> Progress:
    """Begin to make the resources what they were before the operation.

    An environment that never had its resources gets no instances.
    """
    before = operation.provision.before if operation.provision else None
    step = undo(before or (), environment.resources, scene.sights)
    desired = 0 if operation.kind is Kind.CREATE else environment.desired
    environment = replace(environment, resources=step.stack, desired=desired)
    return environment, operation.then(Undo(before or (), scene.now)), step.why


def reverted(environment: Environment, operation: Operation, scene: Scene) -> Progress:
    """Let resources follow instances that have gone back to the release before."""
    before = operation.provision.before if operation.provision else None
    if before is None or before == environment.resources:
        return environment, operation.over(), ""
    return go_back(environment, operation, scene)


def stopped(environment: Environment, operation: Operation) -> Environment:
    """Return resources as they stay where instances are left on both releases.

    Nothing ends. What there was before is what the environment refers to, since that is the release
    it is on; what has come since is leaving, and can be had again by the next operation.
    """
    before = operation.provision.before if operation.provision else None
    if before is None or operation.kind is Kind.CREATE:
        return environment
    was = {r.key: r.leaving for r in before}
    stack = tuple(replace(r, leaving=was.get(r.key, True)) for r in environment.resources)
    return replace(environment, resources=stack)


def proceed(
    phase: Undo | Tidy | Deprovision, environment: Environment, operation: Operation, scene: Scene
) -> Progress:
    """Take a step of a phase that ends resources."""
    stack = environment.resources
    sights = impatient(stack, scene.sights) if _late(phase.since, scene) else scene.sights
    step = _ending_step(phase, stack, sights)
    if step.over:
        return replace(environment, resources=step.stack), operation.next(), ""
    if step.stack != stack or not phase.since:
        operation = operation.with_phase(replace(phase, since=scene.now))
    return replace(environment, resources=step.stack), operation, step.why


def _ending_step(phase: Undo | Tidy | Deprovision, stack: Stack, sights: Sights) -> Step:
    match phase:
        case Undo(before=before):
            return undo(before, stack, sights)
        case Tidy():
            return tidy(stack, sights)
        case Deprovision():
            return dismantle(stack, sights)


def tidied(environment: Environment, operation: Operation, now: float) -> Operation:
    """Return an operation that has succeeded with what is left to be ended, if anything is.

    Parked instances refer to what their release had: with them it is kept, for the next operation.
    """
    leaving = any(resource.leaving for resource in environment.resources)
    over = operation.phase is None and not operation.failed and environment.parked is None
    return operation.then(Tidy(now)) if over and leaving else operation


def aligned(environment: Environment, scene: Scene, namer: Namer) -> Stack:
    """Return resources at rest: those that are no more than records are those of the template.

    A deployment that failed half-way leaves instances that use what it has brought, so everything
    else stays as it is until an operation has succeeded.
    """
    wanted = scene.release.template.get("Resources", {})
    stack = environment.resources
    kept = tuple(r for r in stack if _followed(r, wanted) or provided(r.type, r.id))
    missing = [
        Blueprint(name, body["Type"], {})
        for name, body in wanted.items()
        if environment.resource(name) is None and not provided(body["Type"], name)
    ]
    if not missing:
        return stack if len(kept) == len(stack) else kept
    name = _names(environment, namer)
    return (*kept, *(Resource(one.id, one.type, name(one, {})) for one in missing))


def _followed(resource: Resource, wanted: Collection[str]) -> bool:
    return resource.id in wanted and not resource.leaving


def around(environment: Environment, scene: Scene, namer: Namer) -> Surrounded:
    """Return what is around an environment's template."""
    return Surrounded(_resolver(environment, scene, namer), _names(environment, namer))


def _resolver(environment: Environment, scene: Scene, namer: Namer) -> Callable[[Stack], Resolver]:
    """Return what knows a stack; its addresses are AWS's own, which stay the same for ever."""
    installation, release = replace(namer.installation, endpoint=""), scene.release

    def resolve(stack: Stack) -> Resolver:
        now = replace(environment, resources=stack)
        return Surroundings(installation, now, release.settings, release.extensions)

    return resolve


def _names(environment: Environment, namer: Namer) -> Callable[[Blueprint, Value], str]:
    stack = stack_of(environment.id)

    def name(blueprint: Blueprint, properties: Value) -> str:
        logical = blueprint.id, blueprint.type
        return given_or_made(logical, properties, namer.resource(logical, stack))

    return name


def _late(since: float, scene: Scene) -> bool:
    return since > 0 and scene.now - since > PATIENCE_S


def impatient(stack: Stack, sights: Sights) -> dict[Key, Sight]:
    """Return what was seen, with what is still waited for counted as refused.

    What knows itself how long it may take is waited for on.
    """
    return {r.key: _late_sight(sights.get(r.key)) for r in stack if r.pending}


def _late_sight(sight: Sight | None) -> Sight:
    if sight is not None and (not isinstance(sight, Underway) or sight.ends):
        return sight
    why = f" {sight.why}" if sight else ""
    return Refused(f"It took more than {PATIENCE_S:.0f} seconds.{why}")
