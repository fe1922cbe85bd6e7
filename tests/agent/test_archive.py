"""Source bundles are unpacked as `unzip` would, and never outside of their place."""

from __future__ import annotations

import io
import os
import stat
import struct
import time
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.agent import archive, zipdirectory
from jackbean.agent.zipdirectory import BadZip, Entry

LINK = stat.S_IFLNK | 0o777
UNIX, DOS = 3, 0


def zipped(*entries: tuple[str, bytes, int], maker: int = UNIX, name_as_is: bool = False) -> bytes:
    """Return a ZIP file with entries of name, content and mode."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice, which is the point
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            if name_as_is:
                info.filename = name
            info.create_system = maker
            info.external_attr = mode << 16 or 0x20
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return data.getvalue()


def unpack(tmp_path: Path, data: bytes) -> Path:
    packed, root = tmp_path / "bundle.zip", tmp_path / "root"
    packed.write_bytes(data)
    root.mkdir()
    archive.unpack(packed, root, None, lambda: None)
    return root


def refusal(tmp_path: Path, data: bytes) -> str:
    """Return why a bundle is refused; nothing is outside of its place afterwards."""
    with pytest.raises(BadZip) as refused:
        unpack(tmp_path, data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.zip", "root"]
    return str(refused.value)


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keeps_contents_and_permissions(tmp_path: Path) -> None:
    root = unpack(
        tmp_path,
        zipped(
            ("run.sh", b"#!/bin/sh", 0o100755),
            ("a/b/data", b"x" * 100_000, 0o100640),
            ("empty/", b"", 0o40750),
            ("plain", b"", 0),
            ("root.sh", b"", 0o104755),
        ),
    )
    assert permissions(root / "run.sh") == 0o755
    assert permissions(root / "a/b/data") == 0o640
    assert (root / "a/b/data").read_bytes() == b"x" * 100_000
    assert permissions(root / "empty") == 0o750
    assert permissions(root / "plain") == 0o644
    assert permissions(root / "root.sh") == 0o755  # setuid is not taken over
    assert permissions(root / "a") == 0o755


def test_takes_what_windows_makes(tmp_path: Path) -> None:
    data = zipped((r"site\wsgi.py", b"w", 0), ("./top.py", b"t", 0), maker=DOS, name_as_is=True)
    root = unpack(tmp_path, data)
    assert (root / "site" / "wsgi.py").read_bytes() == b"w"
    assert permissions(root / "site" / "wsgi.py") == 0o644
    assert (root / "top.py").read_bytes() == b"t"


def test_keeps_names_apart_by_case_and_takes_the_last_of_equal_ones(tmp_path: Path) -> None:
    root = unpack(
        tmp_path,
        zipped(("A", b"1", 0), ("a", b"2", 0), ("same", b"old", 0), ("./same", b"new", 0)),
    )
    assert (root / "A").read_bytes() == b"1"
    assert (root / "a").read_bytes() == b"2"
    assert (root / "same").read_bytes() == b"new"


def test_keeps_links_that_stay_inside(tmp_path: Path) -> None:
    root = unpack(
        tmp_path,
        zipped(
            ("lib/real.py", b"r", 0o100644),
            ("link.py", b"lib/real.py", LINK),
            ("lib/up", b"../lib", LINK),
            ("dangling", b"not/there", LINK),
        ),
    )
    assert (root / "link.py").readlink() == Path("lib/real.py")
    assert (root / "lib/up/real.py").read_bytes() == b"r"
    assert (root / "dangling").is_symlink()


def test_takes_a_file_before_which_something_stands(tmp_path: Path) -> None:
    root = unpack(tmp_path, b"#!/bin/sh\nexit\n" + zipped(("a", b"content", 0)))
    assert (root / "a").read_bytes() == b"content"


def test_takes_stored_entries_and_other_alphabets(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as file:
        file.writestr("жук/Ω.txt", "ß")
    assert (unpack(tmp_path, data.getvalue()) / "жук" / "Ω.txt").read_text() == "ß"


def test_takes_64_bit_archives(tmp_path: Path) -> None:
    data = io.BytesIO()
    with (
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("big", "w", force_zip64=True) as entry,
    ):
        entry.write(b"z" * 70_000)
    assert len((unpack(tmp_path, data.getvalue()) / "big").read_bytes()) == 70_000


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("../evil", b"", 0)], "'../evil' leads out"),
        ([("a/../../evil", b"", 0)], "leads out"),
        ([(r"..\evil", b"", 0)], "leads out"),
        ([("/etc/passwd", b"", 0)], "'/etc/passwd' is absolute"),
        ([("C:/evil", b"", 0)], "is absolute"),
        ([("link", b"../..", LINK)], "link is a link to ../.., which leads out"),
        ([("link", b"/etc", LINK)], "link is a link to /etc"),
        ([("d/a", b"..", LINK), ("b", b"d/a/../..", LINK)], "leads out"),
        ([("link", b".", LINK), ("link/x", b"", 0)], "link/x is inside of link, which is a link"),
        ([("file", b"", 0), ("file/x", b"", 0)], "file/x is inside of file, which is a file"),
        ([("pipe", b"", stat.S_IFIFO | 0o644)], "pipe is neither a file"),
        ([("disk", b"", stat.S_IFBLK | 0o644)], "disk is neither a file"),
        ([("x" * 256, b"", 0)], "over 255 bytes"),
        ([("ab/" * 400 + "c", b"", 0)], "over 1024 bytes"),
        ([("link", b"x" * 2_000, LINK)], "link is a link to 2000 bytes"),
    ],
)
def test_refuses_what_leads_out_or_is_no_file(
    tmp_path: Path, entries: list[tuple[str, bytes, int]], said: str
) -> None:
    assert said in refusal(tmp_path, zipped(*entries, name_as_is=True))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08" + b"0" * 100, "gzip file"),
        (b"<html>", "HTML"),
        (b"hello", "no ZIP file"),
        (zipped(("a", b"x" * 1000, 0))[:-30], "cut off"),
        (zipped(("a", os.urandom(5_000), 0))[3_000:], "damaged or cut off"),
    ],
)
def test_says_what_a_file_is_that_is_no_zip(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in refusal(tmp_path, data)


def test_refuses_encrypted_entries_by_name(tmp_path: Path) -> None:
    data = bytearray(zipped(("secret.txt", b"x", 0)))
    for magic, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + flags] |= 1
    assert "secret.txt is encrypted" in refusal(tmp_path, bytes(data))


def test_refuses_other_compression_by_name(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("new.bin", b"x" * 100)
    assert "new.bin is packed by method 14" in refusal(tmp_path, data.getvalue())


def test_refuses_damaged_contents(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.txt", b"abc" * 1_000, 0)))
    data[40] ^= 0xFF
    assert "a.txt" in refusal(tmp_path, bytes(data))


def bomb(megabytes: int, announced: int | None = None) -> bytes:
    """Return a ZIP file with one entry of zeros, made without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece, crc, packed = bytes(1 << 20), 0, bytearray()
    for _ in range(megabytes):
        packed += packer.compress(piece)
        crc = zlib.crc32(piece, crc)
    packed += packer.flush()
    size = min(megabytes << 20, 0xFFFFFFFE) if announced is None else announced
    sizes = (crc, len(packed), size)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, *sizes, 1, 0) + b"b"
    place = (1, 0, 0, 0, 0, 0o100644 << 16, 0)
    central = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, UNIX, 20, 0, 0, 8, 0, 0, *sizes, *place)
    central += b"b"
    start = len(local) + len(packed)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), start, 0)
    return local + bytes(packed) + central + end


def test_refuses_a_bomb_that_says_so_at_once(tmp_path: Path) -> None:
    data = bomb(64, announced=0xFFFFFFFE)
    began = time.monotonic()
    assert "at most 2,048 MB" in refusal(tmp_path, data)
    assert time.monotonic() - began < 1.0
    assert list((tmp_path / "root").iterdir()) == []


def test_refuses_ten_gigabytes_at_once(tmp_path: Path) -> None:
    data = bytearray(bomb(8, announced=0xFFFFFFFF))
    central = data.rindex(b"PK\1\2")
    wide = struct.pack("<2HQ", 1, 8, 10 << 30)
    data[central + 30 : central + 32] = struct.pack("<H", len(wide))  # the length of extra fields
    name_end = central + 46 + 1
    data[name_end:name_end] = wide
    end = data.rindex(b"PK\5\6")
    data[end + 12 : end + 16] = struct.pack("<L", 46 + 1 + len(wide))
    began = time.monotonic()
    assert "It unpacks to 10,240 MB; at most 2,048 MB are taken" in refusal(tmp_path, bytes(data))
    assert time.monotonic() - began < 1.0


def test_refuses_a_bomb_that_keeps_within_the_limit(tmp_path: Path) -> None:
    assert "archive bomb" in refusal(tmp_path, bomb(257))
    assert list((tmp_path / "root").iterdir()) == []


def test_refuses_a_bomb_that_lies(tmp_path: Path) -> None:
    assert "holds more than the 10 bytes" in refusal(tmp_path, bomb(20, announced=10))
    assert (tmp_path / "root" / "b").stat().st_size < 1 << 20


def test_refuses_too_many_entries_before_reading_them(tmp_path: Path) -> None:
    data = bytearray(zipped(("a", b"", 0)))
    end = data.rindex(b"PK\5\6")
    locator = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**7, 10**7, 47, 31)
    locator += struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    data[end + 8 : end + 12] = b"\xff" * 4
    assert "10000000 entries" in refusal(tmp_path, bytes(data[:end] + locator + data[end:]))


NAMES = st.text(st.sampled_from("ab./\\:C\0é"), min_size=1, max_size=12)
MODES = st.sampled_from((0, 0o100644, 0o40755, LINK, 0o010644))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(NAMES, MODES), max_size=6))
def test_a_plan_never_leaves_the_root(wanted: list[tuple[str, int]]) -> None:
    entries = [Entry(name, 8, False, 0, 1, 1, 0, mode) for name, mode in wanted]
    try:
        plan = archive.planned(entries, 100)
    except BadZip:
        return
    links = {item.path for item in plan.links}
    paths = [item.path for kind in (plan.folders, plan.files, plan.links) for item in kind]
    assert len(paths) == len(set(paths))
    for path in paths:
        parts = path.split("/")
        assert not {"", ".", ".."} & set(parts), path
        assert not any("/".join(parts[:n]) in links for n in range(1, len(parts)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 400), st.binary(max_size=8))
def test_reads_anything_or_refuses_it(noise: bytes, at: int, patch: bytes) -> None:
    data = zipped(("a/b.txt", noise, 0o100644), ("c", b"", 0))
    broken = data[:at] + patch + data[at + len(patch) :]
    try:
        for entry in zipdirectory.read(io.BytesIO(broken)):
            zipdirectory.data_offset(io.BytesIO(broken), entry)
    except BadZip:
        return


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.text(
            st.characters(blacklist_characters="/\\\0", blacklist_categories=("Cs",)), min_size=1
        ).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200),
        st.binary(max_size=2_000),
        max_size=5,
    )
)
def test_agrees_with_the_standard_library(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    data = zipped(*((name, content, 0o100644) for name, content in files.items()))
    expected = {name: content for name, content in files.items() if name[1:3] != ":/"}
    root = unpack(tmp_path_factory.mktemp("unpacked"), data)
    assert {path.name: path.read_bytes() for path in root.iterdir()} == expected
