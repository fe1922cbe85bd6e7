"""`./dev demo`: what people see first works, unattended and by hand, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jackbean.cli.demo import SAMPLES, ask
from jackbean.cli.demostage import Stage, leftovers

pytestmark = pytest.mark.e2e
DEMO = [sys.executable, "-m", "jackbean.cli.demo"]


def environment(**more: str) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "JACKBEAN_"))}
    return kept | more


def test_it_plays_a_whole_life_by_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment(TMPDIR=str(tmp_path)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for version in ("v1", "v2"):
        part = done.stdout.partition(f"Every instance answers {version}\n")[2]
        assert len(re.findall(r"^\S+: \d+ answers$", part.partition("\n\n")[0], re.MULTILINE)) == 3
    assert " 0 failed." in done.stdout
    assert re.search(r"^  Total +\d+\.\d s$", done.stdout, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []


def test_it_fails_aloud_and_cleans_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(TMPDIR=str(tmp_path), JACKBEAN_ENGINE="nonsense"),
    )
    assert done.returncode == 1
    assert "'nonsense' is not one of" in done.stderr  # the end of the server's log
    assert "The demo failed: `jackbean serve` ended at once." in done.stderr
    assert list(tmp_path.iterdir()) == []


@contextmanager
def shown(folder: Path, up_to: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the demo for people up to a line, yield it and what it has said, and interrupt it."""
    with subprocess.Popen(
        DEMO, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment()
    ) as demo:
        assert demo.stdout is not None
        said = ""
        for line in demo.stdout:
            said += line
            if up_to in line:
                break
        try:
            yield demo, said
        finally:
            demo.send_signal(signal.SIGINT)
            demo.stdout.read()


def test_it_stays_and_can_be_deployed_to(tmp_path: Path) -> None:
    stage = Stage(tmp_path / ".jackbean-demo")
    with shown(tmp_path, "Ctrl-C ends the demo") as (demo, said):
        address = re.search(r"http://(127\S+) ", said)
        assert address, said
        there = {"EndpointURL": address.group(1)}
        assert ask(there)["version"] == "v1"
        pasted = "\n".join(re.findall(r"^  ((?:cd|cp) .*)$", said, re.MULTILINE))
        done = subprocess.run(
            ["bash", "-ec", pasted], capture_output=True, text=True, check=False, env=environment()
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert ask(there)["version"] == "v2"
        assert list(leftovers(stage.data))
    assert demo.returncode == 0
    assert list(leftovers(stage.data)) == []
    assert not stage.folder.exists()


def test_it_can_be_interrupted_at_any_time(tmp_path: Path) -> None:
    stage = Stage(tmp_path / ".jackbean-demo")
    with shown(tmp_path, "Waiting for EC2 instances to launch.") as (demo, _):
        assert list(leftovers(stage.data))
    assert demo.returncode == 0
    assert list(leftovers(stage.data)) == []
    assert not stage.folder.exists()


def test_what_a_killed_demo_left_is_cleared_away(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "demo")
    stage.folder.mkdir()
    serving = stage.up()
    assert serving.alive
    assert list(leftovers(stage.data))
    again = Stage(stage.folder)
    again.clear()
    assert stage._process is not None
    stage._process.wait(10)
    assert not serving.alive
    assert list(leftovers(stage.data)) == []
    assert list(stage.folder.iterdir()) == []


def test_the_samples_differ_in_their_version() -> None:
    for version in ("v1", "v2"):
        assert f'VERSION = "{version}"' in (SAMPLES / version / "application.py").read_text()
