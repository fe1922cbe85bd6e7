"""Logs from elsewhere stay within their folder and within bounds."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from jackbean.cli.archives import fetch, inside, unpack
from jackbean.cli.failures import Failure


def packed(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return buffer.getvalue()


def test_files_are_unpacked(folder: Path) -> None:
    unpack(packed("var/log/web.stdout.log", "a"), folder / "i-1")
    assert (folder / "i-1" / "var" / "log" / "web.stdout.log").read_text().startswith("var")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "a\\..\\..\\x", ".."])
def test_nothing_leaves_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(Failure, match="leads out"):
        unpack(packed(name), folder / "i-1")
    assert not (folder / "x").exists()


def test_names_that_are_none() -> None:
    for name in ("", "a\0b"):
        with pytest.raises(Failure):
            inside(name)


def test_what_is_no_zip_is_told(folder: Path) -> None:
    with pytest.raises(Failure, match="not a ZIP"):
        unpack(b"hello", folder)


def test_too_many_files_are_not_unpacked(folder: Path) -> None:
    data = packed(*(f"{n}" for n in range(20_001)))
    with pytest.raises(Failure, match="too large"):
        unpack(data, folder / "i-1")
    assert not (folder / "i-1").exists()


def test_only_the_web_is_fetched_from() -> None:
    with pytest.raises(Failure, match="where a URL of logs belongs"):
        fetch("file:///etc/passwd")
