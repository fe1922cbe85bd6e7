"""A crash at every effect of an environment whose instances signal while it is made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.api.rig import PlantRig, ask
from tests.control.rig import sized

from jackbean.core.environments import Environment, Status
from jackbean.simulator.faults import Crash, Faults

CONFIG = json.dumps(
    {
        "Resources": {
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Wait": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
            },
            "After": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"Tags": [{"Key": "a", "Value": {"Fn::GetAtt": ["Wait", "Data"]}}]},
            },
        }
    }
)
STEPS_MAX = 400
EVERY = pytest.param(1, marks=pytest.mark.slow)  # effect; else one in so many


class Lived:
    """One environment's making, in which the control plane dies once."""

    def __init__(self, folder: Path, crash_after: int, status: str) -> None:
        folder.mkdir()
        self.faults = Faults()
        self.signal = json.dumps({"Status": status, "UniqueId": "1", "Data": "d"}).encode()
        with PlantRig(folder, real=True, faults=self.faults) as rig:
            rig.version("w", {".ebextensions/a.config": CONFIG, "application.py": ""})
            first = self.faults.effects
            if crash_after:
                self.faults.crash_at = first + crash_after
            self.environment = self._live(rig)
            self.effects = self.faults.effects - first
            self.kept = rig.run(rig.world.store.documents("signals"))
            self.told = rig.told(environment="web1")

    def _live(self, rig: PlantRig) -> Environment:
        signalled = False
        while not rig.run(rig.universe.environments()):
            try:
                rig.create(label="w", settings=sized(1))
            except Crash:
                rig.universe.crash()
        for _ in range(STEPS_MAX):
            rig.step(0.5)
            found = rig.environment()
            if found.members and not signalled:
                signalled = self._signal(rig, found)
            if found.operation is None:
                break
        for _ in range(60):  # what has no instances any more ends them
            rig.step(0.5)
        return rig.environment()

    def _signal(self, rig: PlantRig, found: Environment) -> bool:
        handle = found.resource("Handle")
        if handle is None or not handle.ref:
            return False
        host = "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com"
        headers = {"Host": host.removeprefix("https://")}
        try:
            answer = rig.run(ask(rig.door, "PUT", handle.ref, headers, self.signal))
        except Crash:
            rig.universe.crash()
            return False
        return bool(answer.status == 200)


@pytest.mark.parametrize("step", [2, EVERY])
def test_it_is_made_all_the_same(tmp_path: Path, step: int) -> None:
    effects = Lived(tmp_path / "0", 0, "SUCCESS").effects
    assert effects > 20
    for number in range(1, effects + 1, step):
        lived = Lived(tmp_path / str(number), number, "SUCCESS")
        after = lived.environment.resource("After")
        assert after is not None, number
        assert json.loads(after.properties)["Tags"][0]["Value"] == '{"1":"d"}'
        assert lived.environment.status is Status.READY
        assert len(lived.environment.members) == 1
        successes = [t for t in lived.told if t.startswith("Successfully launched")]
        assert len(successes) == 1, number


@pytest.mark.parametrize("step", [3, EVERY])
def test_it_fails_all_the_same(tmp_path: Path, step: int) -> None:
    effects = Lived(tmp_path / "0", 0, "FAILURE").effects
    for number in range(1, effects + 1, step):
        lived = Lived(tmp_path / str(number), number, "FAILURE")
        assert lived.environment.resources == (), number
        assert lived.environment.members == (), number
        assert lived.kept == {}
        assert any("WaitCondition received failed message" in told for told in lived.told)
