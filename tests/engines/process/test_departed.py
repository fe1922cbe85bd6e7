"""The last logs of instances that are gone: what was on their disk, and nothing of ours."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from jackbean.engines.process import departed
from jackbean.engines.process.paths import InstancePaths, Layout

E1 = "e-abcdefghij"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


def instance(layout: Layout, name: str = "i-0123") -> InstancePaths:
    paths = InstancePaths(layout.instances / name)
    (paths.root / "var" / "log" / "nginx").mkdir(parents=True)
    return paths


def kept(layout: Layout) -> dict[str, bytes]:
    (one,) = departed.departed(layout, E1)
    with zipfile.ZipFile(one.logs) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_ends_of_logs_are_kept(layout: Layout) -> None:
    paths = instance(layout)
    (paths.root / "var/log/web.stdout.log").write_bytes(b"x" * departed.FILE_BYTES_MAX + b"end\n")
    (paths.root / "var/log/nginx/access.log").write_bytes(b"GET /\n")
    (paths.root / "var/log/empty.log").touch()
    departed.keep(layout, paths, E1)
    found = kept(layout)
    assert set(found) == {"var/log/web.stdout.log", "var/log/nginx/access.log"}
    assert found["var/log/nginx/access.log"] == b"GET /\n"
    assert len(found["var/log/web.stdout.log"]) == departed.FILE_BYTES_MAX
    assert found["var/log/web.stdout.log"].endswith(b"end\n")
    assert departed.departed(layout, "e-other") == []


def test_nothing_that_was_planted_is_kept(layout: Layout, tmp_path: Path) -> None:
    secret = tmp_path / "shadow"
    secret.write_text("secret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.log").write_text("secret")
    paths = instance(layout)
    log = paths.root / "var" / "log"
    (log / "a.log").symlink_to(secret)
    (log / "b").symlink_to(tmp_path / "folder")
    os.link(secret, log / "c.log")
    os.mkfifo(log / "d.log")
    (log / "fine.log").write_text("fine")
    departed.keep(layout, paths, E1)
    assert kept(layout) == {"var/log/fine.log": b"fine"}


@pytest.mark.parametrize("part", ["var", "var/log"])
def test_a_folder_that_is_a_link_has_no_logs(layout: Layout, tmp_path: Path, part: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "log").mkdir(parents=True)
    (elsewhere / "a.log").write_text("secret")
    (elsewhere / "log" / "a.log").write_text("secret")
    paths = InstancePaths(layout.instances / "i-0123")
    (paths.root / part).parent.mkdir(parents=True)
    (paths.root / part).symlink_to(elsewhere)
    departed.keep(layout, paths, E1)
    assert kept(layout) == {}


def test_it_stays_within_bounds(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departed, "TOTAL_BYTES_MAX", 25)
    monkeypatch.setattr(departed, "KEPT_MAX", 3)
    began = time.time() - 1_000
    for n in range(5):
        paths = instance(layout, f"i-{n}")
        for m in range(4):
            (paths.root / f"var/log/{m}.log").write_text("0123456789")
        departed.keep(layout, paths, E1)
        os.utime(layout.departed / E1 / f"i-{n}.zip", (began + n, began + n))
    departed.forget_old(layout, began)
    found = departed.departed(layout, E1)
    assert [one.instance for one in found] == ["i-4", "i-3", "i-2"]
    with zipfile.ZipFile(found[0].logs) as archive:
        assert len(archive.namelist()) == 2
    departed.forget_old(layout, began + departed.KEPT_S + 100)
    assert departed.departed(layout, E1) == []
    assert list(layout.departed.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "e-../x", "/etc"])
def test_an_environment_has_a_name_of_its_own(layout: Layout, name: str) -> None:
    departed.keep(layout, instance(layout), name)
    assert departed.departed(layout, name) == []
    assert not layout.departed.exists()
