"""The samples run as they are."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import Instance, bundle

SAMPLES = Path(__file__).parents[2] / "samples" / "python"


def packed(version: str) -> bytes:
    root = SAMPLES / version
    files = {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return bundle(dict(files))


def test_versions_follow_one_another_and_differ(instance: Instance, plane: ControlPlane) -> None:
    pages = []
    for number, version in enumerate(("v1", "v2"), 1):
        report = plane.work("activate", instance.manifest(number, packed(version)), number)
        assert report.state == "done", report.failure
        assert json.loads(instance.get("/version")[1])["version"] == version
        pages.append((instance.get("/"), instance.get("/static/style.css")))
        assert f"{version} is live in" in instance.log("/var/log/eb-hooks.log")
    assert all(status == 200 for page in pages for status, _ in page)
    assert pages[0] != pages[1]
    assert pages[0][1] != pages[1][1]
    assert instance.get("/none")[0] == 404
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=30)
    connection.request("POST", "/plant")
    assert connection.getresponse().status == 303
    connection.close()
    assert json.loads(instance.get("/version")[1])["beans"] == 4
