"""What goes into a source bundle, and that it is the same bytes for the same files."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from jackbean.cli import bundle
from jackbean.cli.failures import Failure
from jackbean.cli.screen import Screen
from jackbean.cli.versions import Wanted, source
from jackbean.cli.workplace import Workplace

GIT = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, env=os.environ | GIT
    )


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def mode(path: Path, name: str) -> int:
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo(name).external_attr >> 16


def bundled(folder: Path, wanted: Wanted | None = None) -> Path:
    return source(Workplace(Screen()), folder.parent / "bundle.zip", wanted or Wanted())


def content(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def plant(folder: Path) -> None:
    (folder / "application.py").write_text("one")
    (folder / "bin").mkdir()
    (folder / "bin" / "run").write_text("#!/bin/sh\n")
    (folder / "bin" / "run").chmod(0o700)
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("bin/run")
    (folder / "edited~").write_text("")
    (folder / ".elasticbeanstalk").mkdir()
    (folder / ".elasticbeanstalk" / "x").write_text("")
    (folder / ".gitignore").write_text("nothing-here\n")


def test_a_folder_is_bundled_whole(folder: Path) -> None:
    plant(folder)
    path = bundled(folder)
    assert names(path) == ["application.py", "bin/run", "empty/", "link"]
    assert mode(path, "application.py") == 0o100644
    assert mode(path, "bin/run") == 0o100755
    assert mode(path, "link") == 0o120777
    assert content(path, "link") == b"bin/run"


def test_the_same_files_are_the_same_bytes(folder: Path) -> None:
    plant(folder)
    first = bundled(folder).read_bytes()
    os.utime(folder / "application.py", (1, 1))
    assert bundled(folder).read_bytes() == first
    (folder / "application.py").write_text("two")
    assert bundled(folder).read_bytes() != first


def test_sockets_and_pipes_are_left_out(folder: Path) -> None:
    (folder / "a").write_text("")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("here.sock")
        assert names(bundled(folder)) == ["a"]


def test_ebignore_decides_alone(folder: Path) -> None:
    plant(folder)
    git(folder, "init")
    (folder / "secret").write_text("")
    (folder / ".gitignore").write_text("application.py\n")
    (folder / ".ebignore").write_text("secret\nbin/*\n!bin/run\n")
    found = names(bundled(folder))
    assert found == [
        ".ebignore",
        ".gitignore",
        "application.py",
        "bin/run",
        "edited~",
        "empty/",
        "link",
    ]


def test_git_bundles_the_last_commit(folder: Path) -> None:
    plant(folder)
    git(folder, "init")
    git(folder, "add", "application.py", "bin", "link")
    git(folder, "commit", "-m", "one")
    (folder / "application.py").write_text("two")
    (folder / "new").write_text("")
    path = bundled(folder)
    assert names(path) == ["application.py", "bin/run", "link"]
    assert content(path, "application.py") == b"one"
    assert (mode(path, "bin/run"), mode(path, "link")) == (0o100755, 0o120777)
    first = path.read_bytes()
    assert bundled(folder).read_bytes() == first


def test_staged_is_what_is_staged(folder: Path) -> None:
    (folder / "application.py").write_text("one")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    (folder / "application.py").write_text("two")
    git(folder, "add", ".")
    (folder / "application.py").write_text("three")
    assert content(bundled(folder, Wanted(staged=True)), "application.py") == b"two"


def test_a_folder_within_a_repository_is_the_root_of_its_bundle(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "web").mkdir()
    (folder / "web" / "application.py").write_text("one")
    (folder / "README").write_text("")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    monkeypatch.chdir(folder / "web")
    assert names(bundled(folder / "web")) == ["application.py"]
    assert names(bundled(folder / "web", Wanted(staged=True))) == ["application.py"]


def test_a_folder_that_its_repository_ignores_is_only_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".gitignore").write_text("/demo/\n")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    (folder / "demo").mkdir()
    (folder / "demo" / "application.py").write_text("one")
    monkeypatch.chdir(folder / "demo")
    assert names(bundled(folder / "demo")) == ["application.py"]


def test_without_a_commit_the_folder_is_bundled(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "application.py").write_text("one")
    git(folder, "init")
    assert names(bundled(folder)) == ["application.py"]
    assert "No commit has this folder yet" in capsys.readouterr().err


def test_uncommitted_changes_are_remarked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "application.py").write_text("one")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    bundled(folder)
    assert capsys.readouterr().err == ""
    (folder / "application.py").write_text("two")
    bundled(folder)
    assert "1 uncommitted change is not deployed" in capsys.readouterr().err


def test_submodules_come_along(folder: Path) -> None:
    inner = folder.parent / "inner"
    inner.mkdir()
    (inner / "lib.py").write_text("lib")
    git(inner, "init")
    git(inner, "add", ".")
    git(inner, "commit", "-m", "one")
    (folder / "application.py").write_text("one")
    git(folder, "init")
    git(folder, "-c", "protocol.file.allow=always", "submodule", "add", str(inner), "vendor/inner")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    found = names(bundled(folder))
    assert "vendor/inner/lib.py" in found
    assert not [name for name in found if ".git/" in name]


def test_an_artifact_is_taken_as_it_is(project: Path) -> None:
    config = project / ".elasticbeanstalk" / "config.yml"
    config.write_text(config.read_text() + "deploy: {artifact: target/app.war}\n")
    with pytest.raises(Failure, match=r"target/app\.war.*does not exist"):
        bundled(project)
    (project / "target").mkdir()
    (project / "target" / "app.war").write_bytes(b"war")
    assert bundled(project) == project / "target" / "app.war"


def test_an_archive_is_a_folder_or_a_file(folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir()
    (other / "a").write_text("a")
    made = bundled(folder, Wanted(archive=other))
    assert names(made) == ["a"]
    assert bundled(folder, Wanted(archive=made)) == made


def test_nothing_is_a_failure(folder: Path) -> None:
    with pytest.raises(Failure, match="nothing to bundle"):
        bundled(folder)


def test_what_cannot_be_in_a_zip_is_told_by_name(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(str(folder)) + b"/\xff")).write_text("")
    with pytest.raises(Failure, match="not UTF-8"):
        bundled(folder)


def test_modes_are_those_of_unix(folder: Path) -> None:
    (folder / "a").write_text("a")
    with zipfile.ZipFile(bundled(folder)) as archive:
        record = archive.getinfo("a")
    assert record.create_system == 3
    assert stat.S_ISREG(record.external_attr >> 16)
    assert record.date_time == bundle.EPOCH
