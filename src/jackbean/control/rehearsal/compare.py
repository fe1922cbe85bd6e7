"""Every way in which an update could be made, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from jackbean.control.rehearsal.cases import Case, Change
from jackbean.control.rehearsal.doubles import Kind
from jackbean.control.rehearsal.endings import Result
from jackbean.control.rehearsal.failures import Failure
from jackbean.control.rehearsal.rehearse import Rehearsal, rehearse
from jackbean.core.options.resolve import COMMAND, UPDATE
from jackbean.core.options.settings import Setting
from jackbean.core.options.views import (
    DeploymentOptions,
    Policy,
    Update,
    UpdateOptions,
    balancer,
    single_instance,
    supported,
)

USUAL_BATCH = 30  # percent: what the EB CLI gives an environment with a load balancer
BATCHED = frozenset({Policy.ROLLING, Policy.ROLLING_WITH_ADDITIONAL_BATCH})


@dataclass(frozen=True)
class Return:
    """The way back from a release that turns out bad in the last part of its update.

    `alone`: it goes back by itself; else it takes another deployment. `seconds` None: never.
    """

    alone: bool
    seconds: float | None


@dataclass(frozen=True)
class Way:
    """One way: `name` is the value of the option that chooses it.

    `changes` are the settings to get it where they are others than now; `reason` says why this
    environment cannot have it. `current`: it is what would be done.
    """

    name: str
    changes: tuple[Setting, ...] = ()
    current: bool = False
    rehearsal: Rehearsal | None = None
    back: Return | None = None
    reason: str = ""


def compare(case: Case) -> tuple[Way, ...]:
    """Rehearse every way in which `case` could be made; there is one where nothing is touched."""
    change = case.change
    if change is Change.REPLACE:
        return tuple(_replacements(case))
    if change in {Change.DEPLOY, Change.CONFIGURE}:
        return tuple(_deployments(case))
    return ()


def _deployments(case: Case) -> Iterator[Way]:
    options = DeploymentOptions.of(case.new.settings)
    for policy in Policy:
        if not supported(policy, case.new.settings):
            yield Way(policy.value, reason=_reason(policy, case))
            continue
        named = Setting(COMMAND, "DeploymentPolicy", policy.value)
        current = policy is options.policy
        whole = options.batch_for(case.environment.desired) >= case.environment.desired > 1
        parts = BY_PARTS if policy in BATCHED and not current and whole else ()
        yield _way(case, Way(policy.value, (named, *parts), current))


# A batch of everybody is no batch: who chooses batches wants several.
BY_PARTS = (
    Setting(COMMAND, "BatchSizeType", "Percentage"),
    Setting(COMMAND, "BatchSize", str(USUAL_BATCH)),
)


def _reason(policy: Policy, case: Case) -> str:
    if single_instance(case.new.settings):
        return "It works on some of several instances, and this environment is a single one."
    kind = balancer(case.new.settings)
    have = f"a {kind}" if kind else "none"
    return f"{policy.value} needs an application load balancer, and this environment has {have}."


def _replacements(case: Case) -> Iterator[Way]:
    now = UpdateOptions.of(case.new.settings).kind
    for kind in Update:
        if kind in {Update.TIME, Update.HEALTH} and single_instance(case.new.settings):
            text = "It replaces one of several instances after another, and there is one."
            yield Way(kind.value, reason=text)
            continue
        yield _way(case, Way(kind.value, UPDATES[kind], kind is now))


def _update(enabled: str, kind: str) -> tuple[Setting, ...]:
    named = (Setting(UPDATE, "RollingUpdateType", kind),) if kind else ()
    return (Setting(UPDATE, "RollingUpdateEnabled", enabled), *named)


UPDATES: Mapping[Update, tuple[Setting, ...]] = {
    Update.DISABLED: _update("false", "Time"),
    Update.TIME: _update("true", "Time"),
    Update.HEALTH: _update("true", "Health"),
    Update.IMMUTABLE: _update("true", "Immutable"),
}


def _way(case: Case, way: Way) -> Way:
    """Rehearse one way, and the way back from the last part of it."""
    if not way.current:
        settings = case.new.settings.with_(way.changes)
        case = replace(case, new=replace(case.new, settings=settings))
    made = rehearse(case, (Kind.SICK,), waves=1)
    changes = () if way.current else way.changes
    worst = made.failures[-1:]
    back = _back(case, worst[0]) if worst else None
    return replace(way, changes=changes, rehearsal=made, back=back)


def _back(case: Case, failure: Failure) -> Return:
    alone = failure.ending.result is Result.REVERTED
    if alone:
        return Return(alone=True, seconds=failure.back_s)
    return Return(alone=False, seconds=_redeployed_s(case, failure))


def _redeployed_s(case: Case, failure: Failure) -> float | None:
    """Rehearse deploying the old release again, in the same way, to what a failure has left."""
    left = failure.last
    settings = case.new.settings
    again = replace(case.old, number=case.new.number + 1, settings=settings)
    running = {name: d.running for name, d in left.doubles.items() if d.running is not None}
    began = case.began + left.turn * case.pace.look_s
    anew = Case(
        environment=left.environment,
        old=case.old,
        new=replace(again, configuration_only=False),
        began=began,
        pace=case.pace,
        running=running,
    )
    return rehearse(anew, ()).ending.after_s
