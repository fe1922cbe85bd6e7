"""What happens next to one environment: a pure function of its record, its fleet and the time.

The result is a whole new record, saved in one transaction with the events that tell the change.
Effects come after, derived from what was saved.
"""

from __future__ import annotations

from jackbean.control import parking
from jackbean.control.ruining import ruined
from jackbean.control.scene import Decision, Namer, Scene
from jackbean.control.stacks import stacking
from jackbean.control.stacks.stacking import Progress
from jackbean.core.acts import Act, Launch, Occasion, Step, amend, weighed
from jackbean.core.environments import Environment, Status
from jackbean.core.fleet import Fleet
from jackbean.core.operations import (
    Deprovision,
    Empty,
    Exchange,
    Kind,
    Operation,
    Provision,
    Roll,
    Settle,
    Tidy,
    Undo,
)
from jackbean.core.options.views import CapacityOptions
from jackbean.core.records import replace
from jackbean.core.releases import Release
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.policies import next_step
from jackbean.rollouts.service import progress
from jackbean.rollouts.upkeep import complete, maintain
from jackbean.rollouts.verbs import retire

ENDING_DRAIN_S = 20.0  # for requests in flight where the whole environment ends


def decide(scene: Scene, namer: Namer) -> Decision:
    """Return what `scene` leads to. What has been decided already is decided the same again.

    Where nothing changes, the very same record comes back.
    """
    environment = scene.environment
    operation = environment.operation
    members = progress(scene.fleet, scene.now, _patience(operation, scene.drain_s))
    if members != environment.members:
        environment = replace(environment, members=members)
    if environment.deployment is None and (operation is None or operation.kind is Kind.CREATE):
        environment = _deployed(environment, scene.fleet.counted)
    if operation is None:
        environment = _at_rest(environment, scene, namer)
        parked = parking.kept(environment, scene.fleet, scene.now)
        acts = (*upkeep(environment, scene), *parking.clearing(parked, scene.fleet))
        return Decision(replace(_amended(environment, acts, scene, namer), parked=parked))
    environment, operation, why = _advance(environment, operation, scene, namer)
    operation = stacking.tidied(environment, operation, scene.now)
    if operation.phase is None:
        return Decision(_finish(environment, operation, scene.now), operation)
    return Decision(replace(environment, operation=operation), why=why)


def upkeep(environment: Environment, scene: Scene) -> tuple[Act, ...]:
    """Return what keeps `environment` as it is wanted."""
    deployment = environment.deployment or _meant(environment, scene.release)
    launch = Launch(environment.desired, deployment, environment.template)
    return maintain(scene.fleet.counted, launch, scene.now)


def _meant(environment: Environment, release: Release) -> int:
    """Return what newcomers get where nothing has worked yet: the same as the others."""
    told = [m.assignment.release for m in environment.members if m.counted and m.assignment]
    return min(told, default=release.number)


def _patience(operation: Operation | None, drain_s: float) -> float:
    """Return how long requests in flight may take where instances leave service."""
    ending = operation is not None and operation.kind is Kind.TERMINATE
    return min(drain_s, ENDING_DRAIN_S) if ending else drain_s


def _advance(
    environment: Environment, operation: Operation, scene: Scene, namer: Namer
) -> Progress:
    match operation.phase:
        case Provision() as phase:
            return _provision(phase, environment, scene, namer)
        case Roll(rollout=rollout):
            return _roll(rollout, environment, operation, scene, namer)
        case Settle() as settle:
            over = _settled(settle, environment, scene) or operation.aborted
            why = f"waiting for {environment.desired} instances in service"
            kept = _amended(environment, upkeep(environment, scene), scene, namer)
            return kept, _after(operation, over), why
        case Exchange(other=other):
            wanted = (namer.installation.hostname(environment.cname_prefix),)
            why = f"waiting for the requests for {other}'s CNAME"
            over = scene.hostnames == wanted and not scene.partner_waits
            return environment, _after(operation, over), why
        case Empty():
            after = _after(operation, not environment.members)
            leaving = _amended(environment, retire(scene.fleet), scene, namer)
            return leaving, after, "waiting for instances to end"
        case Undo() | Tidy() | Deprovision() as phase:
            acts = () if operation.kind is Kind.TERMINATE else upkeep(environment, scene)
            kept = _amended(environment, acts, scene, namer)
            return stacking.proceed(phase, kept, operation, scene)
        case None:
            return environment, operation, ""


def _after(operation: Operation, over: bool) -> Operation:  # noqa: FBT001 - a phase is or is not
    """Return the operation in its next phase, where the phase under way is over."""
    return operation.next() if over else operation


def _settled(settle: Settle, environment: Environment, scene: Scene) -> bool:
    """Whether the capacity is there, or was waited for long enough."""
    late = scene.now - settle.since > settle.timeout_s
    return late or complete(scene.fleet.counted, environment.desired)


def _amended(
    environment: Environment, acts: tuple[Act, ...], scene: Scene, namer: Namer
) -> Environment:
    if not acts:
        return environment
    operation = environment.operation
    occasion = Occasion(scene.now, namer.instances(), operation.number if operation else 0)
    members = amend(environment.members, acts, occasion)
    return replace(environment, members=members, split=weighed(environment.split, acts))


def _at_rest(environment: Environment, scene: Scene, namer: Namer) -> Environment:
    """Return what the release wants besides instances, also where an operation has failed.

    An environment whose resources could not be had has no instances.
    """
    capacity = CapacityOptions.of(scene.release.settings)
    if not environment.desired and not environment.resources:
        return environment
    asked = environment.desired if scene.capacity is None else scene.capacity
    desired = capacity.clamp(asked) if asked else 0
    resources = stacking.aligned(environment, scene, namer)
    return replace(environment, resources=resources, desired=desired)


def _deployed(environment: Environment, fleet: Fleet) -> Environment:
    """Return it on the release that everybody runs: it works, whatever came of its launch."""
    release = next((i.sight.running for i in fleet), None)
    if release is None or release > (environment.release or 0):
        return environment
    running = all(i.runs(release) and not i.failed(release) for i in fleet)
    return replace(environment, deployment=release) if running else environment


def _provision(phase: Provision, environment: Environment, scene: Scene, namer: Namer) -> Progress:
    """Make the resources those of the release's template; capacity is put within its bounds."""
    operation = environment.operation
    if operation is None:
        raise AssertionError("only an operation provisions")
    if operation.aborted and phase.before is not None:
        return stacking.go_back(environment, operation, scene)
    step, phase = stacking.provision(phase, environment, scene, namer)
    operation = operation.with_phase(phase)
    if step.failure:
        return stacking.go_back(environment, operation, scene)
    environment = replace(environment, resources=step.stack)
    whole = replace(
        environment, desired=CapacityOptions.of(scene.release.settings).clamp(environment.desired)
    )
    if step.over:
        alone = operation.rollout is None  # nothing can fail any more
        following = operation.next().resume(scene.now)  # resources may have taken long
        return commit(whole, scene.release) if alone else whole, following, ""
    launching = operation.kind is Kind.CREATE and operation.position == 0
    if launching and stacking.awaits_instances(step, scene.sights):
        return whole, stacking.later(operation, phase, scene.now), step.why
    acts = () if launching else upkeep(environment, scene)
    return _amended(environment, acts, scene, namer), operation, step.why


def _roll(
    rollout: Rollout,
    environment: Environment,
    operation: Operation,
    scene: Scene,
    namer: Namer,
) -> Progress:
    if not rollout.batches and rollout.stage is Stage.ADVANCING:
        rollout = replace(rollout, size=environment.desired)  # provisioned just before
    aborted = operation.aborted or rollout.aborted or ruined(operation, scene) is not None
    step = _step(replace(rollout, aborted=aborted), scene)
    operation = operation.with_phase(Roll(step.rollout))
    parked = parking.during(environment, rollout, step.rollout, scene.now)
    environment = replace(_amended(environment, step.acts, scene, namer), parked=parked)
    if step.rollout.stage in {Stage.COMMITTED, Stage.SUCCEEDED}:
        environment = commit(environment, scene.release, deployed=step.rollout.goal)
    if step.rollout.stage is Stage.SUCCEEDED:
        return environment, operation.next(), ""
    if step.rollout.stage is Stage.REVERTED:
        return stacking.reverted(environment, operation, scene)
    if step.rollout.over:
        return stacking.stopped(environment, operation), operation.over(), ""
    return environment, operation, step.why


def _step(rollout: Rollout, scene: Scene) -> Step:
    """Take the policy's step. Only a rollback knows of parked instances: others end them first."""
    if rollout.policy == parking.ROLLBACK:
        return next_step(rollout, scene.fleet, scene.now)
    step = next_step(rollout, scene.fleet.counted, scene.now)
    ending = parking.clearing(None, scene.fleet) if rollout.stage is Stage.ADVANCING else ()
    return replace(step, acts=(*step.acts, *ending))


def commit(
    environment: Environment, release: Release, *, deployed: int | None = None
) -> Environment:
    """Return the environment on `release`; what is launched from now on gets `deployed`.

    It goes back to the release before, unless that never worked. What repeats another release
    repeats the one that it was cut after, and not the one that it is gone back to from.
    """
    number = environment.release or 0
    same = release.number == number or (release.repeats and release.number > number)
    worked = environment.deployment is not None
    return replace(
        environment,
        release=release.number,
        deployment=environment.deployment if deployed is None else deployed,
        former=environment.release if worked and not same else environment.former,
        version_label=release.version_label,
        links=release.links,
        stack=release.stack or environment.stack,
        platform_arn=release.platform_arn or environment.platform_arn,
        template=release.fingerprint,
        draft=None,
    )


def _finish(environment: Environment, operation: Operation, now: float) -> Environment:
    terminated = operation.kind is Kind.TERMINATE
    draft = operation.release if operation.failed and operation.configuration_only else None
    return replace(
        environment,
        status=Status.TERMINATED if terminated else Status.READY,
        operation=None,
        split=None,
        draft=draft,
        updated=now,
    )
