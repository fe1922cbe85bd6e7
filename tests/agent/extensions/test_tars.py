"""Tar files, good ones and those whose makers meant ill."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from jackbean.agent.extensions import archives, tars
from jackbean.agent.zipdirectory import BadZip


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, size
    return found


def tar(*entries: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as found:
        for item in entries:
            info, data = item if isinstance(item, tuple) else (item, b"")
            info.size = len(data)
            found.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def unpack(tmp_path: Path, data: bytes) -> Path:
    packed, root = tmp_path / "packed", tmp_path / "root"
    packed.write_bytes(data)
    root.mkdir()
    archives.unpack(packed, root, lambda: None)
    return root


GOOD = tar(
    (entry("a/b.txt"), b"b"),
    entry("empty", tarfile.DIRTYPE),
    entry("a/link", tarfile.SYMTYPE, "b.txt"),
    entry("hard", tarfile.LNKTYPE, "a/b.txt"),
    (entry("x" * 150 + "/long"), b"long"),
)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_unpacks(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    root = unpack(tmp_path, pack(GOOD))
    assert (root / "a/b.txt").read_text() == "b"
    assert (root / "a/link").is_symlink()
    assert (root / "a/link").read_text() == "b"
    assert (root / "hard").read_text() == "b"
    assert not (root / "hard").is_symlink()
    assert (root / "empty").is_dir()
    assert (root / ("x" * 150) / "long").read_text() == "long"


def test_setuid_is_dropped(tmp_path: Path) -> None:
    info = entry("program")
    info.mode = 0o6755
    root = unpack(tmp_path, tar((info, b"x")))
    assert (root / "program").stat().st_mode & 0o7777 == 0o755


BAD: dict[str, tuple[bytes, str]] = {
    "above": (tar((entry("../evil"), b"x")), "leads out of it"),
    "absolute": (tar((entry("/etc/evil"), b"x")), "leads out of it"),
    "a link out": (tar(entry("l", tarfile.SYMTYPE, "/etc")), "a link that leads out"),
    "a link up": (tar(entry("a/l", tarfile.SYMTYPE, "../../x")), "a link that leads out"),
    "through a link": (
        tar(entry("l", tarfile.SYMTYPE, "/tmp"), entry("l/evil", tarfile.SYMTYPE, "x")),
        "inside of what is a link",
    ),
    "a file through a link": (
        tar(entry("l", tarfile.SYMTYPE, "/tmp"), (entry("l/evil"), b"x")),
        "is there twice, once as a link",
    ),
    "a link in the place of a file": (
        tar((entry("a"), b"x"), entry("a", tarfile.SYMTYPE, "b")),
        "is there twice",
    ),
    "a hard link out": (tar(entry("h", tarfile.LNKTYPE, "../x")), "leads out"),
    "a hard link to nothing": (tar(entry("h", tarfile.LNKTYPE, "x")), "which is no file in it"),
    "a device": (tar(entry("dev", tarfile.CHRTYPE)), "neither a file, a folder nor a link"),
    "a pipe": (tar(entry("pipe", tarfile.FIFOTYPE)), "neither a file, a folder nor a link"),
    "nothing of the kind": (b"hello" * 500, "no ZIP or tar file"),
    "empty": (b"", "no ZIP or tar file"),
    "cut off": (gzip.compress(GOOD)[:-30], "damaged|no ZIP"),
    "nothing, compressed": (gzip.compress(b""), "no ZIP or tar file"),
    "large names": (
        entry("x", tarfile.XHDTYPE, size=200 << 20).tobuf() + bytes(1024),
        "bytes of names and attributes",
    ),
}


@pytest.mark.parametrize(("data", "says"), BAD.values(), ids=BAD)
def test_refuses(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(BadZip, match=says):
        unpack(tmp_path, data)
    assert not (tmp_path / "evil").exists()


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "UNPACKED_BYTES_MAX", 1 << 20)
    with pytest.raises(BadZip, match="unpacks to more than"):
        unpack(tmp_path, gzip.compress(tar((entry("zeros"), bytes(4 << 20)))))


def test_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "ENTRIES_MAX", 3)
    with pytest.raises(BadZip, match="over 3 entries"):
        unpack(tmp_path, tar(*(entry(f"d{n}", tarfile.DIRTYPE) for n in range(5))))


def test_damage_is_never_more_than_a_sentence(tmp_path: Path) -> None:
    draw = random.Random(7)
    for number in range(200):
        data = bytearray(GOOD)
        for _ in range(draw.randint(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            unpack(folder, bytes(data))
        except (BadZip, OSError):
            continue
    assert {path.name for path in tmp_path.iterdir()} == {str(number) for number in range(200)}
