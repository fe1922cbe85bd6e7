"""The story of a change, told by comparing what was with what is.

Policies write no events. Whatever saves a new record asks here for the events of the change and
saves them in the same transaction, so each is told exactly once. Clients match several of these
texts word for word: those are constants here, and none of them may be told before its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jackbean.control.counters import served_unit
from jackbean.control.scene import Scene
from jackbean.control.story.beside import beside
from jackbean.control.story.evidence import evidence, trial_begins
from jackbean.control.story.resources import failures, outcomes
from jackbean.control.story.ruin import giving_up
from jackbean.core.certificates import summary
from jackbean.core.environments import Environment, Verdict
from jackbean.core.events import Event, Severity
from jackbean.core.fleet import MAIN, TEMPORARY, Failure, Fleet, Instance
from jackbean.core.health.transitions import transition
from jackbean.core.operations import Exchange, Kind, Operation, Provision, Roll, Settle
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.upkeep import complete

TAIL_LINES = 50  # as many as the log of a deployment quotes

LAUNCHED = "Successfully launched environment: {env}"
LAUNCH_FAILED = (
    "Create environment operation is complete, but with errors. For more information, see "
    "troubleshooting documentation."
)
LAUNCH_ABORTED = (
    "The launch was aborted before all instances were in service. The environment stays, and goes "
    "on to launch them: terminate it, or deploy to it."
)
LAUNCH_UNDONE = "The launch was aborted: no instances will come. Terminate it, or deploy to it."
DEPLOYING = "Deploying new version to instance(s)."
DEPLOYED = "New application version was deployed to running EC2 instances."
CONFIGURED = "Successfully deployed new configuration to environment."
UPDATED = "Environment update completed successfully."
DEPLOY_FAILED = "Failed to deploy application."
CONFIGURE_FAILED = "Failed to deploy configuration."
REVERTED = "The environment was reverted to the previous configuration setting."
TERMINATED = "terminateEnvironment completed successfully."

MIXED = (
    "During an aborted deployment, some instances may have deployed the new application version. "
    "To ensure all instances are running the same version, re-deploy the appropriate application "
    "version."
)
LEFT = (
    "{} of {} instance(s) have a version whose deployment failed, in part or as a whole. To have "
    "one version on all, deploy a corrected one, or the one before."
)
POINTS = "'{}' now points to '{}'."
SWAPPED = "Completed swapping CNAMEs for environments '{}' and '{}'."
ENDING = "Waiting for EC2 instances to terminate. This may take a few minutes."

STARTING = {
    Kind.CREATE: "createEnvironment is starting.",
    Kind.UPDATE: "Environment update is starting.",
    Kind.SWAP: "swapEnvironmentCNAMEs is starting.",
    Kind.TERMINATE: "terminateEnvironment is starting.",
}


@dataclass(frozen=True)
class Told:
    """One thing to say. `caused` False: no request did, so it carries no RequestId."""

    message: str
    severity: Severity = Severity.INFO
    caused: bool = True


def opening(environment: Environment) -> Event:
    """Return the first event of the operation that `environment` begins: clients wait for it."""
    operation = environment.operation
    if operation is None:
        raise AssertionError("an opening needs an operation")
    told = Told(STARTING[operation.kind])
    return _event(told, environment, operation.request_id)


def ending(environment: Environment) -> Event:
    """Return what is told of a termination that waits for instances."""
    return replace(opening(environment), message=ENDING)


def aside(
    environment: Environment,
    message: str,
    request_id: str,
    severity: Severity = Severity.INFO,
) -> Event:
    """Return an event that a request causes besides those of the operation under way."""
    return _event(Told(message, severity), environment, request_id)


def superseded(environment: Environment) -> list[Event]:
    """Return the end of an operation that another one takes the place of."""
    operation = environment.operation
    if operation is None:
        return []
    if operation.kind is Kind.SWAP:  # the names are exchanged already
        ends = _swap_ending(environment, operation)
        return [_event(told, environment, operation.request_id) for told in ends]
    failed = CONFIGURE_FAILED if operation.configuration_only else DEPLOY_FAILED
    told = Told(LAUNCH_FAILED if operation.kind is Kind.CREATE else failed, Severity.ERROR)
    return [_event(told, environment, operation.request_id)]


def narrate(
    before: Environment, after: Environment, ended: Operation | None, scene: Scene
) -> list[Event]:
    """Return what the change from `before` to `after` is worth telling, in order."""
    operation = ended or after.operation
    told = [
        *_resources(before, after, operation, scene),
        *_rollouts(before.operation, operation, scene),
        *_evidence(evidence, before.operation, operation, scene),
        *_beside(before, after, operation),
        *_evidence(trial_begins, before.operation, operation, scene),
        *_scaling(before, after, scene),
        *_members(before, after),
        *_settling(before.operation, operation, scene),
        *_health(before.verdict, after.verdict),
        *(_summary(ended, scene) if ended else ()),
        *(_ending(after, ended, scene) if ended else ()),
    ]
    request_id = operation.request_id if operation else ""
    return [_event(t, after, request_id) for t in told]


def _event(told: Told, environment: Environment, request_id: str) -> Event:
    return Event(
        message=told.message,
        severity=told.severity,
        application=environment.application,
        environment=environment.name,
        environment_id=environment.id,
        request_id=request_id if told.caused else "",
    )


def _rollouts(before: Operation | None, after: Operation | None, scene: Scene) -> Iterator[Told]:
    if after is None:
        return
    if before and isinstance(before.phase, Provision) and isinstance(after.phase, Roll):
        yield from _beginning(after, scene)
    was, now = before.rollout if before else None, after.rollout
    if was and now and was != now:
        yield from _batches(was, now, scene)
        yield from (Told(text, Severity.ERROR) for text in giving_up(before, after, scene))
        yield from _giving_up(was, now, scene)


def _resources(
    before: Environment, after: Environment, operation: Operation | None, scene: Scene
) -> Iterator[Told]:
    undoing = operation is not None and operation.undoing
    told = [
        *outcomes(before.resources, after.resources, scene.sights, undoing=undoing),
        *failures(before, operation, scene.sights),
    ]
    for message, severity in told:
        yield Told(message, severity)


def _scaling(before: Environment, after: Environment, scene: Scene) -> Iterator[Told]:
    """Tell why there are to be more or fewer instances, where nobody asked for it."""
    if scene.capacity is None or before.operation or before.desired == after.desired:
        return
    yield Told(
        f"Scaling from {before.desired} to {after.desired} instance(s): the queue has "
        f"{scene.backlog} message(s) to work on.",
        caused=False,
    )


def _beside(before: Environment, after: Environment, operation: Operation | None) -> Iterator[Told]:
    was = before.operation.rollout if before.operation else None
    now = operation.rollout if operation else None
    if was and now:
        yield from map(Told, beside(before, after, was, now))


def _beginning(operation: Operation, scene: Scene) -> Iterator[Told]:
    if operation.rollout is None:
        return
    if operation.kind is Kind.CREATE:
        yield Told("Waiting for EC2 instances to launch. This may take a few minutes.")
    elif operation.configuration_only:
        name = scene.environment.name
        yield Told(f"Updating environment {name}'s configuration settings.")
    else:
        yield Told(DEPLOYING)


def _batches(was: Rollout, now: Rollout, scene: Scene) -> Iterator[Told]:
    """Tell batches as they begin and end; a single one is not worth numbering."""
    numbered = now.policy != "AllAtOnce"
    finished = was.fresh and (was.batch != now.batch) and now.stage not in FAILURES
    if finished:
        for name in [i.id for i in scene.fleet.named(was.fresh) if i.settled(was.target)]:
            yield Told(f"[Instance: {name}] Instance deployment completed successfully.")
    starting, completed = BATCHES[now.policy == "Replacement"]
    if finished and numbered:
        yield Told(f"Batch {was.batches}: {completed}.")
    if numbered and now.fresh and was.batches != now.batches:
        yield Told(f"Batch {now.batches}: {starting} instance(s) [{', '.join(now.fresh)}].")


# How the beginning and the end of a batch are told: of instances that change, that are replaced.
BATCHES = (
    ("Starting application deployment on", "Completed application deployment"),
    ("Replacing", "Replaced all instances"),
)
FAILURES = frozenset({Stage.FAILED, Stage.REVERTING, Stage.REVERTED})


def _giving_up(was: Rollout, now: Rollout, scene: Scene) -> Iterator[Told]:
    """Tell why, before anything that ends the story: clients stop reading at its end."""
    if was.stage is now.stage or now.stage not in {Stage.FAILED, Stage.REVERTING}:
        return
    for instance in scene.fleet.dead:
        text = f"[Instance: {instance.id}] The instance ended by itself: {instance.sight.exit}."
        yield Told(text, Severity.ERROR)
    tried = scene.fleet.failed(was.target)
    for instance in tried:
        yield Told(_complaint(instance), Severity.ERROR)
    if tried:
        ids = ", ".join(tried.ids)
        yield Told(
            f"Unsuccessful command execution on instance id(s) '{ids}'. Aborting the operation.",
            Severity.ERROR,
        )
    late = _watched(was, scene.fleet.alive).unsettled(was.target)
    if was.evaluating and late:
        ids = ", ".join(late.ids)
        yield Told(f"The following new instances are not healthy: [{ids}].", Severity.ERROR)
    elif was.overdue(scene.now) and not tried:
        yield from _late(late.instances, was)


def _watched(was: Rollout, fleet: Fleet) -> Fleet:
    """Return those whose time was counted."""
    if was.policy == "Replacement":
        return fleet.launched_from(was.target_template)
    return fleet.named(was.batch) if was.batch else fleet.of_group(TEMPORARY)


def _late(instances: tuple[Instance, ...], was: Rollout) -> Iterator[Told]:
    silent = [i.id for i in instances if i.busy]
    if silent:
        yield Told(
            "The following instances have not responded in the allowed command timeout time "
            f"(they might still finish eventually on their own): [{', '.join(silent)}].",
            Severity.ERROR,
        )
    sick = [i for i in instances if not i.busy]
    for instance in sick:
        if instance.sight.trouble:
            text = f"[Instance: {instance.id}] {instance.sight.trouble}"
            yield Told(text, Severity.ERROR)
    if sick:
        yield Told(
            f"The following instances did not become healthy within {was.timeout_s:.0f} seconds: "
            f"[{', '.join(i.id for i in sick)}]. The load balancer's health check must pass; look "
            "at `logs`.",
            Severity.ERROR,
        )


def _complaint(instance: Instance) -> str:
    failure = instance.sight.failure or Failure("", "No reason was given.")
    told = (
        f"[Instance: {instance.id}] Command failed on instance. Return code: 1 "
        f"Output: {failure.cause}"
    )
    if failure.step:
        told += f" (step {failure.step})"
    if not failure.tail:
        return f"{told} See {failure.log}." if failure.log else told
    lines = "\n".join(failure.tail.splitlines()[-TAIL_LINES:])
    return f"{told}\nThe end of {failure.log or 'its log'}:\n{lines}"


def _members(before: Environment, after: Environment) -> Iterator[Told]:
    had, has = {m.id for m in before.members}, {m.id for m in after.members}
    came = [m.id for m in after.members if m.id not in had]
    went = [m.id for m in before.members if m.id not in has]
    if came:
        yield Told(f"Added instance [{', '.join(came)}] to your environment.", caused=False)
    if went:
        yield Told(f"Removed instance [{', '.join(went)}] from your environment.", caused=False)


def _settling(before: Operation | None, after: Operation | None, scene: Scene) -> Iterator[Told]:
    """Tell that the capacity was not reached in time: the steady state goes on to mend it."""
    if before is None or after is None or after.phase is not None:
        return
    counted = scene.fleet.counted
    match before.phase:
        case Settle(since=since) if not complete(counted, scene.environment.desired):
            well = len(counted.where(lambda i: i.healthy))
            yield Told(
                f"After {scene.now - since:.0f} seconds {well} of {scene.environment.desired} "
                "instances are in service. The others are still worked on.",
                Severity.WARN,
            )


def _health(before: Verdict, after: Verdict) -> Iterator[Told]:
    if change := transition(before, after):
        yield Told(change.message, change.severity, caused=False)


Teller = Callable[[Rollout, Rollout, Scene], Iterator[tuple[str, Severity]]]


def _evidence(
    teller: Teller, before: Operation | None, after: Operation | None, scene: Scene
) -> Iterator[Told]:
    was, now = before.rollout if before else None, after.rollout if after else None
    if was and now:
        for message, severity in teller(was, now, scene):
            yield Told(message, severity)


def _summary(ended: Operation, scene: Scene) -> Iterator[Told]:
    """Sum up what is certified of a deployment."""
    if ended.rollout:
        seconds = scene.now - ended.began
        unit = served_unit(scene.environment)
        yield Told(summary(ended.number, ended.rollout.size, ended.tally, seconds, unit))


def _ending(after: Environment, ended: Operation, scene: Scene) -> Iterator[Told]:
    """Tell how an operation ended: only in the transaction that makes it so."""
    match ended.kind:
        case Kind.CREATE if ended.failed:
            if ended.aborted:
                yield Told(LAUNCH_UNDONE if ended.undoing else LAUNCH_ABORTED, Severity.WARN)
            yield Told(LAUNCH_FAILED, Severity.ERROR)
        case Kind.CREATE:
            yield Told(LAUNCHED.format(env=after.name))
        case Kind.TERMINATE:
            yield Told(f"Deleting SNS topic for environment {after.name}.")
            yield Told(TERMINATED)
        case Kind.UPDATE:
            yield from _left_behind(ended, scene)
            yield from _update_ending(ended)
        case Kind.SWAP:
            yield from _swap_ending(after, ended)


def _swap_ending(after: Environment, ended: Operation) -> Iterator[Told]:
    for phase in ended.phases:
        if isinstance(phase, Exchange):
            yield Told(POINTS.format(phase.cname, phase.endpoint))
            if phase.leads:
                yield Told(SWAPPED.format(after.name, phase.other))


def _left_behind(ended: Operation, scene: Scene) -> Iterator[Told]:
    """Tell what a deployment that failed half-way leaves, and what to do about it.

    What was launched to help ends with it, and is not left.
    """
    rollout = ended.rollout
    if rollout is None or rollout.stage is not Stage.FAILED or ended.configuration_only:
        return
    whole = scene.fleet.of_group(MAIN).alive
    changed = whole.where(lambda i: i.sight.running != rollout.previous)
    if changed and not ended.aborted:
        yield Told(LEFT.format(len(changed), len(whole)), Severity.WARN)


def _update_ending(ended: Operation) -> Iterator[Told]:
    rollout = ended.rollout
    replaced = rollout is not None and (
        ended.configuration_only or rollout.template != rollout.previous_template
    )
    if replaced and rollout is not None and rollout.stage is Stage.REVERTED:
        yield Told(REVERTED, Severity.ERROR)
    elif ended.failed:
        if ended.aborted and rollout is not None and rollout.stage is Stage.FAILED:
            yield Told(MIXED, Severity.WARN)
        yield Told(CONFIGURE_FAILED if ended.configuration_only else DEPLOY_FAILED, Severity.ERROR)
    elif ended.configuration_only:
        yield Told(CONFIGURED)
        yield Told(UPDATED)
    else:
        yield Told(DEPLOYED)
        yield Told(UPDATED)
