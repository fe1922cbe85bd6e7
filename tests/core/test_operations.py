"""One request, one operation: its phases, and what can still be done about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jackbean.core.operations import (
    Abort,
    Empty,
    Kind,
    Operation,
    Provision,
    Roll,
    Settle,
    Tidy,
    Undo,
)
from jackbean.core.rollouts import Rollout, Stage

ROLLOUT = Rollout("Rolling", 2, 1, 3, "t")
DEPLOY = Operation(
    number=2,
    kind=Kind.UPDATE,
    request_id="r",
    began=0.0,
    phases=(Provision(2), Roll(ROLLOUT)),
    release=2,
    previous=1,
    abort=Abort.STOP,
)


def test_phases_run_in_order_and_end() -> None:
    assert DEPLOY.phase == Provision(2)
    assert DEPLOY.next().phase == Roll(ROLLOUT)
    assert DEPLOY.next().next().phase is None


def test_only_the_phase_under_way_changes() -> None:
    begun = replace(ROLLOUT, batch=("i-1",))
    after = DEPLOY.next().with_phase(Roll(begun))
    assert after.phases == (Provision(2), Roll(begun))
    assert after.position == 1


def test_its_rollout_is_known_from_the_beginning_to_the_end() -> None:
    assert DEPLOY.rollout == ROLLOUT
    assert DEPLOY.next().next().rollout == ROLLOUT
    assert replace(DEPLOY, phases=(Provision(2), Settle(0.0))).rollout is None
    assert replace(DEPLOY, phases=(Empty(),)).rollout is None


@pytest.mark.parametrize("stage", Stage)
def test_it_failed_when_its_rollout_did(stage: Stage) -> None:
    after = replace(DEPLOY, phases=(Roll(replace(ROLLOUT, stage=stage)),))
    assert after.failed is (stage in {Stage.FAILED, Stage.REVERTED})
    assert after.reverted is (stage is Stage.REVERTED)
    assert after.abortable is (stage is Stage.ADVANCING)


def test_it_failed_when_its_resources_go_back() -> None:
    after = DEPLOY.then(Undo(()))
    assert (after.failed, after.reverted) == (True, True)


def test_what_only_tidies_up_ends_by_itself() -> None:
    provided = replace(DEPLOY, phases=(Provision(2),))
    assert provided.revocable
    assert not provided.next().then(Tidy()).revocable


def test_what_has_no_abort_cannot_be_aborted() -> None:
    assert not replace(DEPLOY, abort=None).abortable
    assert replace(DEPLOY, phases=(Provision(2),)).abortable
