"""From one release to the next: which phases an update has. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jackbean.control.manifests import concerns_instances
from jackbean.control.parking import ROLLBACK
from jackbean.core.environments import Environment, Parked, Status
from jackbean.core.fleet import PARKED
from jackbean.core.operations import Abort, Kind, Operation, Phase, Provision, Roll, Settle
from jackbean.core.options.views import (
    CapacityOptions,
    DeploymentOptions,
    EvidenceOptions,
    Policy,
    TrafficOptions,
    UpdateOptions,
)
from jackbean.core.options.views import Update as UpdateKind
from jackbean.core.records import replace
from jackbean.core.releases import Release
from jackbean.core.rollouts import AILING_S, BESIDE, Rollout
from jackbean.core.trials import Trial
from jackbean.stacks.difference import difference, moved
from jackbean.stacks.portable import portable
from jackbean.stacks.synthesis import GROUP

# An instance that runs out of time says why, and it has drained before it began; Elastic Beanstalk
# itself waits four minutes longer than it is told to.
ANSWER_S = 30.0
ROLLBACK_S = 30.0  # for parked instances to be well, which they are unless they are ill
POLICY = ("aws:elasticbeanstalk:command", "DeploymentPolicy")


@dataclass(frozen=True)
class Plan:
    """Phases in order, what an abort would do, and the warnings that people should read."""

    phases: tuple[Phase, ...]
    abort: Abort | None = None
    warnings: tuple[str, ...] = ()


def launch_plan(release: Release, now: float) -> Plan:
    """Return how an environment comes to be."""
    capacity = CapacityOptions.of(release.settings)
    rollout = Rollout(
        policy="AllAtOnce",
        goal=release.number,
        previous=None,
        size=capacity.minimum,
        template=release.fingerprint,
        timeout_s=DeploymentOptions.of(release.settings).timeout_s + ANSWER_S,
        since=now,
    )
    return Plan((Provision(release.number), Roll(rollout)))


def update_plan(environment: Environment, old: Release, new: Release, now: float) -> Plan:
    """Return how `environment` goes from `old` to `new`: the template's difference decides."""
    warnings = tuple(_warnings(new))
    return replace(_update_plan(environment, old, new, now), warnings=warnings)


def restart_plan(environment: Environment, again: Release, now: float) -> Plan:
    """Return how every instance starts anew what it runs: in batches, if batches are set.

    Where a single batch is all of them they stay in service: many applications lose no request.
    """
    rollout = _deployment(environment, again, now)
    whole = rollout.policy == "AllAtOnce" or rollout.batch_size >= rollout.size
    policy = "AllAtOnce" if whole else "Rolling"
    rollout = replace(rollout, policy=policy, trial=None, park_s=0.0)
    return Plan((Provision(again.number), Roll(rollout)), Abort.REVERT)


def rollback_plan(environment: Environment, parked: Parked, now: float) -> Plan | None:
    """Return how `environment` goes back to its parked instances; None where there are none."""
    found = [m for m in environment.members if m.group == PARKED and not m.leaving]
    if not found or found[0].assignment is None:
        return None
    rollout = Rollout(
        policy=ROLLBACK,
        goal=parked.deployment or found[0].assignment.release,
        previous=environment.deployment,
        size=environment.desired,
        template=found[0].template,
        previous_template=environment.template,
        timeout_s=ROLLBACK_S,
        since=now,
    )
    return Plan((Provision(parked.release), Roll(rollout)))


def begun(
    before: Environment, wanted: Environment, new: Release, plan: Plan, asked_by: str
) -> Environment:
    """Return `wanted`, which is to be what `before` is, on its way to `new` for a request."""
    operation = Operation(
        number=before.operations + 1,
        kind=Kind.UPDATE,
        request_id=asked_by,
        began=wanted.updated,
        phases=plan.phases,
        release=new.number,
        previous=before.deployment,
        abort=plan.abort,
        configuration_only=new.configuration_only,
    )
    return replace(
        wanted,
        stack=before.stack,  # that of the new release follows when it holds
        platform_arn=before.platform_arn,
        status=Status.UPDATING,
        releases=max(before.releases, new.number),
        operations=operation.number,
        operation=operation,
    )


def _update_plan(environment: Environment, old: Release, new: Release, now: float) -> Plan:
    provision = Provision(new.number)
    if new.fingerprint != environment.template:
        return Plan((provision, Roll(_replacement(environment, new, now))), Abort.REVERT)
    if not new.configuration_only:
        rollout = _deployment(environment, new, now)
        abort = Abort.REVERT if rollout.reverts else Abort.STOP
        return Plan((provision, Roll(rollout)), abort)
    if concerns_instances(old.settings, new.settings) or _moved(environment, old, new):
        return Plan((provision, Roll(_deployment(environment, new, now))), Abort.REVERT)
    if GROUP in difference(old.template, new.template).modified:
        timeout_s = DeploymentOptions.of(new.settings).timeout_s
        return Plan((provision, Settle(since=now, timeout_s=timeout_s)))
    return Plan((provision,))


def _moved(environment: Environment, old: Release, new: Release) -> bool:
    """Whether instances may have been told of resources that others take the place of."""
    if new.extensions.empty or not new.extensions.resources:
        return False
    return moved(*(portable(r.template, r.settings.text, environment.name) for r in (old, new)))


def _warnings(new: Release) -> Iterator[str]:
    """Yield what people should know of a policy that they asked for and do not get."""
    wanted, policy = new.settings.text(*POLICY, ""), DeploymentOptions.of(new.settings).policy
    if wanted not in {"", policy}:
        yield (
            f"An environment of this kind cannot deploy by '{wanted}'; '{policy}' is used instead."
        )


def _size(environment: Environment, new: Release) -> int:
    """Return how many instances there will be: the bounds of their number change first."""
    return CapacityOptions.of(new.settings).clamp(environment.desired)


def _deployment(environment: Environment, new: Release, now: float) -> Rollout:
    options, traffic = DeploymentOptions.of(new.settings), TrafficOptions.of(new.settings)
    policy, size = _policy(options, new), _size(environment, new)
    return Rollout(
        policy=policy,
        goal=new.number,
        previous=environment.deployment,
        size=size,
        template=environment.template,
        previous_template=environment.template,
        batch_size=options.batch_for(size),
        timeout_s=options.timeout_s + ANSWER_S,
        ignore_health=options.ignore_health_check,
        reverts=new.configuration_only or policy in BESIDE,
        leads=_leads(environment, new),
        percent=traffic.percent,
        evaluate_s=traffic.evaluation_s,
        ailing_s_max=AILING_S + options.gate_s,
        trial=_trial(policy, EvidenceOptions.of(new.settings)),
        park_s=options.parking_s if policy in BESIDE else 0.0,
        since=now,
    )


def _policy(options: DeploymentOptions, new: Release) -> Policy:
    """Return how instances get a release: settings alone reach those that there are, as on AWS.

    Where none of them would go out of service, a batch more stands in.
    """
    beside = new.configuration_only and options.policy in BESIDE
    return Policy.ROLLING_WITH_ADDITIONAL_BATCH if beside else options.policy


def _replacement(environment: Environment, new: Release, now: float) -> Rollout:
    update, options = UpdateOptions.of(new.settings), DeploymentOptions.of(new.settings)
    immutable, size = update.kind is UpdateKind.IMMUTABLE, _size(environment, new)
    return Rollout(
        policy="Immutable" if immutable else "Replacement",
        goal=new.number,
        previous=environment.deployment,
        size=size,
        template=new.fingerprint,
        previous_template=environment.template,
        batch_size=update.batch_for(size),
        surge=update.surge_for(size),
        floor=update.floor,
        pause_s=update.pause_s if update.kind is UpdateKind.TIME else None,
        timeout_s=_timeout_s(update, options),
        ignore_health=options.ignore_health_check,
        reverts=True,
        leads=_leads(environment, new),
        park_s=options.parking_s if immutable else 0.0,
        since=now,
    )


def _leads(environment: Environment, new: Release) -> bool:
    """Whether a new instance may run what only one may: for a version, as on AWS, or the first."""
    return not new.configuration_only or environment.deployment is None


def _timeout_s(update: UpdateOptions, options: DeploymentOptions) -> float:
    """Return for how long new instances are waited for: `Timeout` of updates is one of batches.

    A pause is no part of it: who has been well that long may still be unwell for a moment.
    """
    needed_s = options.timeout_s + ANSWER_S
    if update.kind is UpdateKind.IMMUTABLE:
        return needed_s
    pause_s = update.pause_s if update.kind is UpdateKind.TIME else 0
    return max(update.timeout_s, pause_s + needed_s)


def _trial(policy: Policy, evidence: EvidenceOptions) -> Trial | None:
    """Return how the errors of a canary are judged; None: they are not."""
    if policy is not Policy.TRAFFIC_SPLITTING or not evidence.compare:
        return None
    return Trial(level=evidence.level, effect=evidence.effect, hold=evidence.hold)
