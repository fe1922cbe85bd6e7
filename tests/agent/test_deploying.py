"""Releases come to life on an instance, and follow one another."""

from __future__ import annotations

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import Instance, hello


def test_deploys_an_application(instance: Instance, plane: ControlPlane) -> None:
    report = plane.work("activate", instance.manifest(1, hello("one")), 1)
    assert report.state == "done", (report.failure, instance.log())
    assert report.running == 1
    assert instance.get() == (200, "one")
