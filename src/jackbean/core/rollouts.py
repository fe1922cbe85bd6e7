"""The durable record of one rollout: its intent, and the little that cannot be observed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.fleet import Fleet
from jackbean.core.records import replace
from jackbean.core.traffic import Count
from jackbean.core.trials import Trial


class Stage(StrEnum):
    """Where a rollout stands. Stages only move forward, so a crash can never move one back."""

    ADVANCING = "advancing"  # may still be aborted
    COMMITTED = "committed"  # past the point of no return: only tidying up is left
    REVERTING = "reverting"  # on the way back to the previous release
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REVERTED = "reverted"


BESIDE = frozenset({"Immutable", "TrafficSplitting"})  # new instances, and the old not touched
AILING_S = 10.0  # how long new instances may be unwell while they are evaluated, besides their gate
LOSSES_SPARE = 2  # beyond one for each instance
OVER = frozenset({Stage.SUCCEEDED, Stage.FAILED, Stage.REVERTED})

# Which stages may follow which. COMMITTED never reverts; nothing follows an end.
FOLLOWS: dict[Stage, frozenset[Stage]] = {
    Stage.ADVANCING: frozenset(Stage) - {Stage.ADVANCING, Stage.REVERTED},
    Stage.COMMITTED: frozenset({Stage.SUCCEEDED, Stage.FAILED}),
    Stage.REVERTING: frozenset({Stage.REVERTED, Stage.FAILED}),
    Stage.SUCCEEDED: frozenset(),
    Stage.FAILED: frozenset(),
    Stage.REVERTED: frozenset(),
}


@dataclass(frozen=True)
class Rollout:
    """One policy bringing one fleet to one release.

    `size` is the number of instances it must end with, `batch` who is being worked on, `done` who
    was in a batch before, `waived` who was let through unhealthy because health checks are ignored,
    `losses` how many instances died on this way (there or back), `since` when the current batch
    began in seconds, counted again after the control plane was away. `surge` is how many more than
    `size` there may be while instances are replaced, `floor` how many must stay; `pause_s` is what
    is waited between batches instead of for health, None for health; `park_s` how long what ran
    before is kept at hand.
    """

    policy: str
    goal: int
    previous: int | None
    size: int
    template: str
    batch_size: int = 1
    timeout_s: float = 600.0
    ignore_health: bool = False
    reverts: bool = False  # whether giving up means going back (configuration) or stopping
    aborted: bool = False  # whether it is to be given up: on request, or as it ruins requests
    surge: int = 0
    floor: int = 0
    pause_s: float | None = None
    park_s: float = 0.0
    previous_template: str = ""
    leads: bool = True  # whether a new instance of it may be the leader: not for settings alone
    leader: str = ""  # who runs what only one instance may run; chosen once
    proved: bool = False  # whether the first of its new instances was well
    percent: int = 0  # of requests for the new release, while it is evaluated
    evaluate_s: float = 0.0
    evaluating: bool = False  # whether it has its share; `since` counts from then
    trial: Trial | None = None  # by its errors, while it is evaluated; None: by its health alone
    ailing: float | None = None  # since when its instances are not all well, while evaluated
    ailing_s_max: float = AILING_S  # a look that is no good has them pass the whole gate anew
    stage: Stage = Stage.ADVANCING
    batch: tuple[str, ...] = ()
    batches: int = 0  # how many have begun
    done: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    losses: int = 0
    since: float = 0.0

    @property
    def over(self) -> bool:
        return self.stage in OVER

    @property
    def target(self) -> int:
        """The release that instances are being brought to right now."""
        if self.stage is Stage.REVERTING and self.previous is not None:
            return self.previous
        return self.goal

    @property
    def target_template(self) -> str:
        """The launch template that instances are being brought to right now."""
        return self.previous_template if self.stage is Stage.REVERTING else self.template

    @property
    def hopeless(self) -> bool:
        """Whether more instances died than could have by accident."""
        return self.losses > self.size + LOSSES_SPARE

    def overdue(self, now: float) -> bool:
        return now - self.since > self.timeout_s

    def pausing(self, now: float) -> bool:
        """Whether the pause between two batches is not over."""
        return bool(self.batches) and self.pause_s is not None and now - self.since < self.pause_s

    def enter(self, stage: Stage, now: float) -> Rollout:
        if stage not in FOLLOWS[self.stage]:
            raise AssertionError(f"a rollout cannot go from {self.stage} to {stage}")
        return replace(self, stage=stage, batch=(), since=now)

    def give_up(self, now: float) -> Rollout:
        """Turn back where that is possible, else fail.

        The way back has its own count of losses, and waives nobody for having been waived before.
        Where none was there before, only what is beside others can be taken back.
        """
        known = self.previous is not None or self.policy in BESIDE
        if not self.reverts or self.stage is not Stage.ADVANCING or not known:
            return self.enter(Stage.FAILED, now)
        return replace(self.enter(Stage.REVERTING, now), losses=0, waived=(), done=())

    def finish(self, now: float) -> Rollout:
        back = self.stage is Stage.REVERTING
        return self.enter(Stage.REVERTED if back else Stage.SUCCEEDED, now)

    def begin(self, batch: Fleet, now: float) -> Rollout:
        """Work on `batch` now; it is no further batch where all of them were in one before.

        Who was done may have to be waited for again: its health may have changed, and its good
        looks begin anew with every start of the control plane.
        """
        leader = self.leader or batch.ids[0]
        done = (*self.done, *self.fresh)
        batches = self.batches + (not set(batch.ids) <= set(done))
        return replace(self, batch=batch.ids, batches=batches, done=done, since=now, leader=leader)

    @property
    def fresh(self) -> tuple[str, ...]:
        """Those of the batch that were in none before."""
        return tuple(i for i in self.batch if i not in self.done)

    def begin_group(self, now: float) -> Rollout:
        """Note that new instances are launched: their clock begins."""
        return replace(self, since=now)

    def evaluate(self, now: float) -> Rollout:
        """Begin to watch the new release with its share of the requests."""
        return replace(self, evaluating=True, since=now)

    @property
    def worse(self) -> bool:
        """Whether the goal is shown to fail more often than what it is to replace."""
        return self.trial is not None and self.trial.worse

    @property
    def undecided(self) -> bool:
        """Whether the goal is to wait until more is known of it."""
        return self.trial is not None and self.trial.hold and not self.trial.conclusive

    def compare(self, counts: tuple[Count, ...] | None, now: float) -> Rollout:
        """Take a look at the errors of both releases, where it is due."""
        if self.trial is None:
            return self
        return replace(self, trial=self.trial.look(counts, self.goal, now))

    def hold(self) -> Rollout:
        """Note that its time is over and it goes on for want of evidence."""
        trial = self.trial
        return self if trial is None else replace(self, trial=replace(trial, holding=True))

    def ail(self, now: float) -> Rollout:
        """Note since when the new instances have not been well."""
        return self if self.ailing is not None else replace(self, ailing=now)

    def recover(self) -> Rollout:
        return self if self.ailing is None else replace(self, ailing=None)

    def mourn(self, dead: Fleet) -> Rollout:
        """Count those who died by themselves and are about to be replaced."""
        if not dead:
            return self
        return replace(self.relieve(dead), losses=self.losses + len(dead))

    def relieve(self, dead: Fleet) -> Rollout:
        """Have a new leader where it died before it had the goal staged: it may not have led."""
        unled = any(i.id == self.leader and i.sight.staged != self.goal for i in dead)
        return replace(self, leader="") if unled else self

    def waive(self, batch: Fleet) -> Rollout:
        return replace(self, waived=self.waived + batch.ids)

    def resume(self, now: float) -> Rollout:
        """Restart its clocks: a timeout counts time observed, not time passed."""
        return replace(self, since=now, ailing=None)
