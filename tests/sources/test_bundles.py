"""What is read of a whole bundle, whatever it is."""

from __future__ import annotations

import random
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from jackbean.core.errors import Fault
from jackbean.core.options.settings import Setting
from jackbean.sources import bundles
from jackbean.sources.bundles import Extensions, read_extensions


def pack(path: Path, files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return path


def setting(name: str, value: str) -> str:
    return f"option_settings: {{n: {{{name}: '{value}'}}}}"


def test_config_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "b.zip",
        {
            ".ebextensions/02.config": setting("a", "second"),
            ".ebextensions/01.config": setting("a", "first"),
            ".ebextensions/03.config": setting("b", "third"),
            "application.py": "",
        },
    )
    found = read_extensions(path)
    assert list(found.settings) == [Setting("n", "a", "second"), Setting("n", "b", "third")]
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (".ebextensions/a.config", True),
        ("./.ebextensions/a.config", True),
        (".ebextensions\\a.config", True),
        (".ebextensions/a.config.bak", False),
        (".ebextensions/more/a.config", False),
        ("app/.ebextensions/a.config", False),
        ("ebextensions/a.config", False),
    ],
)
def test_only_what_lies_directly_in_the_folder_counts(
    tmp_path: Path, name: str, read: bool
) -> None:
    path = pack(tmp_path / "b.zip", {name: setting("a", "b")})
    assert bool(len(read_extensions(path).settings)) is read


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "b.zip",
        {
            ".ebextensions/01.config": "option_settings: yes",
            ".ebextensions/02.config": setting("a", "b"),
            ".ebextensions/03.config": "{",
        },
    )
    with pytest.raises(Fault) as caught:
        read_extensions(path)
    assert caught.value.code == "InvalidParameterValue"
    first, second = caught.value.message.split("\n")
    assert first.startswith(".ebextensions/01.config: line 1")
    assert ".ebextensions/03.config" in second


def test_warnings_come_along(tmp_path: Path) -> None:
    path = pack(tmp_path / "b.zip", {".ebextensions/01.config": "comands: {}"})
    (warning,) = read_extensions(path).warnings
    assert warning.startswith(".ebextensions/01.config: Contains invalid key: 'comands'")


def test_a_name_cannot_play_tricks_in_a_message(tmp_path: Path) -> None:
    path = pack(tmp_path / "b.zip", {f".ebextensions/\x1b[2J\n{'x' * 500}.config": "{"})
    with pytest.raises(Fault) as caught:
        read_extensions(path)
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_zip_is_for_the_instance_to_complain_about(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    assert read_extensions(path) == Extensions()
    assert read_extensions(tmp_path / "absent.zip") == Extensions()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_damaged_zip_is_too(tmp_path: Path, method: int) -> None:
    whole = pack(tmp_path / "a.zip", {".ebextensions/a.config": setting("a", "b" * 300)}, method)
    content, path = whole.read_bytes(), tmp_path / "b.zip"
    draw = random.Random(method)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged[: draw.choice((len(damaged), draw.randrange(len(damaged))))])
        try:
            read_extensions(path)
        except Fault:
            continue


def test_a_bomb_is_read_no_further_than_a_config_file_may_be_long(tmp_path: Path) -> None:
    path = pack(tmp_path / "b.zip", {".ebextensions/a.config": b" " * (50 << 20)})
    assert path.stat().st_size < 100_000
    with pytest.raises(Fault, match="more than 1048576 bytes"):
        read_extensions(path)


def test_many_small_files_are_no_way_around_that(tmp_path: Path) -> None:
    files = {f".ebextensions/{n}.config": "#" * 200_000 for n in range(6)}
    with pytest.raises(Fault, match="more than 1048576 bytes"):
        read_extensions(pack(tmp_path / "b.zip", files))


def test_at_most_200_config_files(tmp_path: Path) -> None:
    files = {f".ebextensions/{n}.config": "" for n in range(201)}
    with pytest.raises(Fault, match="holds 201 config files; at most 200"):
        read_extensions(pack(tmp_path / "b.zip", files))


def test_settings_of_all_files_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "SETTINGS_MAX", 3)
    files = {f".ebextensions/{n}.config": setting(f"a{n}", "b") for n in range(4)}
    with pytest.raises(Fault, match="4 option settings; at most 3"):
        read_extensions(pack(tmp_path / "b.zip", files))


def test_a_directory_that_claims_to_be_huge_is_not_read(tmp_path: Path) -> None:
    """Reading it would need hundreds of bytes of memory for each of its entries."""
    entry = b"PK\x01\x02" + b"\0" * 42
    count = bundles.DIRECTORY_BYTES_MAX // len(entry) + 1
    directory = entry * count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    path = tmp_path / "b.zip"
    path.write_bytes(directory + end)
    with pytest.raises(Fault, match="directory of the source bundle is larger than 8 MB"):
        read_extensions(path)


def test_fifty_thousand_files_are_fine(tmp_path: Path) -> None:
    size = (46 + 100) * 50_000
    assert size < bundles.DIRECTORY_BYTES_MAX


TASKS = "version: 1\ncron: [{name: a, url: /a, schedule: '0 * * * *'}]"


@pytest.mark.parametrize(
    ("name", "count"),
    [("cron.yaml", 1), ("./cron.yaml", 1), ("app/cron.yaml", 0), ("Cron.yaml", 0)],
)
def test_tasks_are_read_from_the_root(tmp_path: Path, name: str, count: int) -> None:
    assert len(read_extensions(pack(tmp_path / "b.zip", {name: TASKS})).tasks()) == count


def test_tasks_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "b.zip", {"cron.yaml": "#" * (64 << 20)})
    found = read_extensions(path)
    assert found.cron is not None
    assert len(found.cron) == 65537
    with pytest.raises(Fault, match="at most 65536 are read"):
        found.tasks()


def test_tasks_are_no_config_file(tmp_path: Path) -> None:
    path = pack(tmp_path / "b.zip", {"cron.yaml": "Resources: [", ".ebextensions/a.config": ""})
    assert read_extensions(path).warnings == ()
    assert sorted(bundles.config_files(path)) == [".ebextensions/a.config", "cron.yaml"]


def test_what_is_no_bundle_has_no_tasks(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(b"PK no bundle")
    assert read_extensions(path).tasks() == ()
