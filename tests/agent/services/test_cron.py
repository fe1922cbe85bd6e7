"""Crontabs: when jobs are due, and that they run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jackbean.agent.children import Children
from jackbean.agent.paths import Paths
from jackbean.agent.services.cron import Cron, Job, Malformed, jobs


def at(text: str) -> time.struct_time:
    return time.strptime(text, "%Y-%m-%d %H:%M")


def only(line: str) -> Job:
    (job,) = jobs(line)
    assert isinstance(job, Job), job
    return job


DUE: list[tuple[str, str, bool]] = [
    ("* * * * * root x", "2026-11-23 10:17", True),
    ("*/5 * * * * root x", "2026-11-23 10:15", True),
    ("*/5 * * * * root x", "2026-11-23 10:17", False),
    ("10-20/5 9,10 * * * root x", "2026-11-23 10:15", True),
    ("10-20/5 9,10 * * * root x", "2026-11-23 11:15", False),
    ("0 0 * * 1 root x", "2026-11-23 00:00", True),  # a Monday
    ("0 0 * * mon-fri root x", "2026-11-22 00:00", False),
    ("0 0 * * 7 root x", "2026-11-22 00:00", True),
    ("0 0 13 * 1 root x", "2026-11-23 00:00", True),  # either day will do
    ("0 0 13 * 1 root x", "2026-11-13 00:00", True),
    ("0 0 13 * 1 root x", "2026-11-24 00:00", False),
    ("0 0 13 * * root x", "2026-11-23 00:00", False),
    ("0 0 1 nov * root x", "2026-11-01 00:00", True),
    ("@hourly root x", "2026-11-23 10:00", True),
    ("@daily root x", "2026-11-23 10:00", False),
    ("5/20 * * * * root x", "2026-11-23 10:45", True),
]


@pytest.mark.parametrize(("line", "now", "due"), DUE)
def test_due(line: str, now: str, due: bool) -> None:
    assert only(line).due(at(now)) is due


def test_a_crontab_has_variables_and_comments() -> None:
    text = "# mine\nSHELL=/bin/bash\nMAILTO=''\n\n*/2 * * * * webapp date +\\%F > /tmp/x % in\n"
    job = only(text)
    assert (job.user, job.line) == ("webapp", "date +%F > /tmp/x ")
    assert job.env == {"SHELL": "/bin/bash", "MAILTO": ""}


BAD = [
    "* * * * *",
    "60 * * * * root x",
    "@never root x",
    "*/0 * * * * root x",
    "a * * * * root x",
    "5-1 * * * * root x",
]


@pytest.mark.parametrize("line", BAD)
def test_bad_lines(line: str) -> None:
    (found,) = jobs(line)
    assert isinstance(found, Malformed)


def test_jobs_run_and_left_overs_do_not(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    paths.prepare()
    folder = paths.at("/etc/cron.d")
    folder.mkdir(parents=True)
    (folder / "mine").write_text(
        f"WORD=yes\n17 * * * * root echo $WORD >> {tmp_path}/seen\nnonsense\n"
    )
    for name in ("mine.bak", ".mine.123", "mine~"):
        (folder / name).write_text(f"* * * * * root echo {name} >> {tmp_path}/seen\n")
    hourly = paths.at("/etc/cron.hourly/0mine")
    hourly.parent.mkdir()
    hourly.write_text(f"#!/bin/sh\ntouch {tmp_path}/hourly\n")
    hourly.chmod(0o755)
    cron = Cron(paths, Children(paths.children))
    assert cron.minute(at("2026-11-23 10:16")) == 0
    assert cron.minute(at("2026-11-23 10:17")) == 1
    deadline = time.monotonic() + 10
    while not (tmp_path / "seen").exists() or not (tmp_path / "seen").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (tmp_path / "seen").read_text() == "yes\n"
    assert cron.minute(at("2026-11-23 10:01")) == 1
    while not (tmp_path / "hourly").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    log = paths.at("/var/log/cron").read_text()
    assert f"(root) CMD (echo $WORD >> {tmp_path}/seen)" in log
    assert log.count("BAD LINE /etc/cron.d/mine: 'nonsense'") == 1
