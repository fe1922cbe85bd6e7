"""What an application puts among its logs leads the agent to nobody else's files."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from jackbean.agent import logs
from jackbean.agent.linereader import LineReader
from jackbean.agent.logfiles import LogFile, appending, tail
from jackbean.agent.logs import Log
from jackbean.agent.openlogs import log_file, open_log
from jackbean.agent.paths import Paths

SECRET = "root:secret:19000"
PLANTED = [
    *("web.stdout.log", "a.stdout.log", "b.log", "c.log", "d/web.log", "nginx/access.log"),
    *("e.stdout.log", "f.stdout.log", "g.log"),
]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """An instance, beside which there is something that is not its own."""
    (tmp_path / "shadow").write_text(f"{SECRET}\n")
    (tmp_path / "neighbour").mkdir()
    (tmp_path / "neighbour" / "web.log").write_text(f"{SECRET}\n")
    paths = Paths(str(tmp_path / "instance"))
    paths.prepare()
    (tmp_path / "instance" / "etc").mkdir()
    (tmp_path / "instance" / "etc" / "shadow").write_text(f"{SECRET}\n")
    return paths


def planted(paths: Paths, tmp_path: Path) -> list[str]:
    """Put everything into /var/log that an application could think of; return the names."""
    for name in ("web.stdout.log", "a.stdout.log", "b.log", "c.log", "nginx/access.log"):
        paths.at(f"/var/log/{name}").unlink(missing_ok=True)
    paths.at("/var/log/web.stdout.log").symlink_to(tmp_path / "shadow")
    paths.at("/var/log/a.stdout.log").symlink_to(tmp_path / "neighbour" / "web.log")
    paths.at("/var/log/b.log").symlink_to("../../etc/shadow")
    os.link(tmp_path / "shadow", paths.at("/var/log/c.log"))
    paths.at("/var/log/d").symlink_to(tmp_path / "neighbour")
    paths.at("/var/log/nginx/access.log").symlink_to("/etc/passwd")
    os.mkfifo(paths.at("/var/log/e.stdout.log"))
    paths.at("/var/log/f.stdout.log").symlink_to("/dev/zero")
    paths.at("/var/log/g.log").symlink_to("/proc/self/environ")
    paths.at("/var/log/good.log").write_text("fine\n")
    tasks = paths.at(logs.TAIL_TASKS)
    tasks.mkdir(parents=True, exist_ok=True)
    (tasks / "x.conf").write_text("/var/log/*\n/var/log/d/*.log\n/var/../etc/shadow\n")
    return PLANTED


def test_nothing_that_is_planted_is_read(paths: Paths, tmp_path: Path) -> None:
    for name in planted(paths, tmp_path):
        with pytest.raises(OSError):  # noqa: PT011 - several
            open_log(paths, paths.at(f"/var/log/{name}"))
        assert LineReader(paths, Log(paths.at(f"/var/log/{name}"))).read(1 << 20) is None
    text = logs.tail_text(paths)
    assert "fine" in text
    assert SECRET not in text
    assert "root:" not in text
    target = tmp_path / "all.zip"
    logs.bundle_zip(paths, target)
    with zipfile.ZipFile(io.BytesIO(target.read_bytes())) as archive:
        assert archive.read("var/log/good.log") == b"fine\n"
        assert not any(SECRET.encode() in archive.read(name) for name in archive.namelist())
        assert "var/log/c.log" not in archive.namelist()


def test_a_link_within_what_is_the_applications_own_is_followed(paths: Paths) -> None:
    real = paths.at("/var/app/current/log/production.log")
    real.parent.mkdir(parents=True)
    real.write_text("a line\n")
    paths.at("/var/log/app.log").symlink_to(real)
    paths.at("/var/log/folder").symlink_to(real.parent)
    for name in ("app.log", "folder/production.log"):
        with log_file(paths, paths.at(f"/var/log/{name}")) as file:
            assert file.read() == b"a line\n"


def test_a_folder_that_an_administrator_named_may_be_shown_but_not_what_it_leads_to(
    paths: Paths, tmp_path: Path
) -> None:
    folder = paths.at("/home/webapp/logs")
    folder.mkdir(parents=True)
    (folder / "own.log").write_text("own\n")
    (folder / "bad.log").symlink_to(tmp_path / "shadow")
    tasks = paths.at(logs.TAIL_TASKS)
    tasks.mkdir(parents=True)
    (tasks / "x.conf").write_text("/home/webapp/logs/*.log\n")
    text = logs.tail_text(paths)
    assert "own" in text
    assert SECRET not in text
    (folder / "own.log").unlink()
    (folder / "bad.log").unlink()
    folder.rmdir()
    folder.symlink_to(tmp_path / "neighbour")
    assert SECRET not in logs.tail_text(paths)


def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = paths.at("/var/log/app")
    folder.mkdir()
    (folder / "web.log").write_text("fine\n")
    real = os.path.realpath

    def swapped(path: object) -> str:
        """Resolve a path, and be the application that swaps the folder right after."""
        found = real(str(path))
        if str(path).endswith("web.log"):
            (folder / "web.log").unlink()
            folder.rmdir()
            folder.symlink_to(tmp_path / "neighbour")
        return found

    monkeypatch.setattr(os.path, "realpath", swapped)
    with pytest.raises(NotADirectoryError):
        open_log(paths, folder / "web.log")


def test_the_agent_writes_to_no_file_that_a_link_leads_to(paths: Paths, tmp_path: Path) -> None:
    victim = tmp_path / "shadow"
    log = paths.at("/var/log/worker.stdout.log")
    log.symlink_to(victim)
    file = LogFile(log, paths.rotated_logs)
    file.write(b"a line\n")
    file.close()
    hooks = paths.hooks_log
    hooks.symlink_to(victim)
    with appending(hooks) as output:
        output.write(b"a line\n")
    assert victim.read_text() == f"{SECRET}\n"
    assert log.read_bytes() == b"a line\n"
    assert not log.is_symlink()


def test_the_end_of_a_log_in_an_event_is_never_that_of_another_file(
    paths: Paths, tmp_path: Path
) -> None:
    log = paths.at("/var/log/web.stdout.log")
    log.symlink_to(tmp_path / "shadow")
    assert tail(log) == ""
    log.unlink()
    os.mkfifo(log)
    assert tail(log) == ""
