"""Deploying with config files that are compiled already."""

from __future__ import annotations

from typing import Any

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import Instance, hello

from jackbean.core.instructions import Extension, to_json
from jackbean.core.protocol import Report


def deploy(
    instance: Instance,
    plane: ControlPlane,
    *extensions: Extension,
    serial: int = 1,
    data: bytes | None = None,
    leader: bool = False,
    wait: bool = True,
    **more: Any,
) -> Report:
    """Deploy a bundle with these config files; return the report of the end."""
    compiled = [to_json(extension) for extension in extensions]
    content = data or hello(f"release {serial}")
    manifest = instance.manifest(serial, content, extensions=compiled, **more)
    if wait:
        return plane.work("activate", manifest, serial, leader=leader)
    plane.give("activate", manifest, serial, leader=leader)
    return Report("nobody waited")
