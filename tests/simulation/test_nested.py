"""A crash at every effect of a stack in a stack: made, changed, refused a change, and ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from tests.api.rig import PlantRig

from jackbean.control.stacks.desk import Wish
from jackbean.core.freestanding import Freestanding, Plan
from jackbean.simulator.faults import Crash, Faults

NAME, STACK, QUEUE = "outer", "AWS::CloudFormation::Stack", "AWS::SQS::Queue"
INNER = b"""
Parameters: {Delay: {Type: Number}}
Resources: {Jobs: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: !Ref Delay}}}
Outputs: {Name: {Value: !GetAtt Jobs.QueueName}}
"""
TURNS_MAX = 200


def plan(delay: int) -> Plan:
    url = "https://templates.s3.amazonaws.com/inner.yaml"
    properties = {"TemplateURL": url, "Parameters": {"Delay": delay}}
    named = {"Tags": [{"Key": "of", "Value": {"Fn::GetAtt": ["Inner", "Outputs.Name"]}}]}
    inner = {"Type": STACK, "Properties": properties}
    return Plan({"Resources": {"Inner": inner, "Own": {"Type": QUEUE, "Properties": named}}})


class Lived:
    """One life of it, in which the control plane dies once."""

    def __init__(self, folder: Path, crash_after: int) -> None:
        folder.mkdir()
        self.faults = Faults()
        self.statuses: list[str] = []
        self.delays: list[str] = []
        with PlantRig(folder, real=True, faults=self.faults) as self.rig:
            self.rig.run(self._upload())
            first = self.faults.effects
            if crash_after:
                self.faults.crash_at = first + crash_after
            self._live()
            self.effects = self.faults.effects - first
            self.queues = self.rig.client("sqs").list_queues().get("QueueUrls", [])
            self.wishes = self.rig.run(self.rig.world.store.documents("nested stack"))
            self.claims = self.rig.run(self.rig.world.store.documents("resource"))

    def _live(self) -> None:
        for delay in (3, 5, 901):
            self._ask(partial(self._wish, Wish(NAME, plan(delay))))
            self.statuses.append(self._rested(NAME).status)
            self.delays.append(self._delay())
        id_ = self._rested(NAME).id
        self._ask(lambda: self.rig.stacks.delete(id_))
        self.statuses.append(self._rested(id_).status)

    async def _wish(self, wish: Wish) -> None:
        """Make the stack, or change the one that is there."""
        stacks = self.rig.stacks
        there = await stacks.find(NAME)
        await (stacks.create(wish) if there is None else stacks.update(wish))

    async def _upload(self) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield INNER

        await self.rig.objects.create_bucket("templates")
        await self.rig.objects.put_bytes("templates", "inner.yaml", chunks())

    def _ask(self, request: Callable[[], Awaitable[object]]) -> None:
        before = self.rig.run(self.rig.world.store.documents("stack"))
        while True:
            try:
                self.rig.run(request())  # type: ignore[arg-type]  # a coroutine is awaitable
            except Crash:
                self.rig.restart()
                if self.rig.run(self.rig.world.store.documents("stack")) == before:
                    continue
            return

    def _rested(self, wanted: str) -> Freestanding:
        for _ in range(TURNS_MAX):
            found = self.rig.run(self.rig.stacks.find(wanted))
            assert found is not None
            if found.resting:
                return found
            try:
                self.rig.run(self.rig.stacks.turn())
            except Crash:
                self.rig.restart()
            self.rig.universe.clock.advance(1.0)
        raise AssertionError("it never rests")

    def _delay(self) -> str:
        """Return the delay of the queue inside: the other one has none."""
        sqs, wanted = self.rig.client("sqs"), ["DelaySeconds"]
        return max(
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"][wanted[0]]
            for url in sqs.list_queues()["QueueUrls"]
        )


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_it_ends_as_it_would_have(tmp_path: Path, step: int) -> None:
    plain = Lived(tmp_path / "0", 0)
    assert plain.effects > 40
    for number in range(1, plain.effects + 1, step):
        lived = Lived(tmp_path / str(number), number)
        assert lived.statuses == [
            "CREATE_COMPLETE",
            "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_COMPLETE",
            "DELETE_COMPLETE",
        ], number
        assert lived.delays == ["3", "5", "5"], number
        assert (lived.queues, lived.wishes, lived.claims) == ([], {}, {}), number
