"""Every line of a log is read once, whatever becomes of the file; what is lost is said."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from jackbean.agent import linereader
from jackbean.agent.linereader import LineReader, Piece, Place
from jackbean.agent.logfiles import ROTATED_MAX, LogFile, rotate
from jackbean.agent.logs import Log
from jackbean.agent.paths import Paths


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setattr(linereader, "REST_S", 0.0)
    paths = Paths(str(tmp_path))
    paths.prepare()
    return paths


def log_of(paths: Paths) -> Path:
    return paths.at("/var/log/web.stdout.log")


def everything(reader: LineReader, bytes_max: int = 1 << 20) -> list[Piece]:
    """Read on until nothing comes, three times over: what has moved is looked at twice."""
    found, silent = [], 0
    while silent < 3:
        piece = reader.read(bytes_max)
        silent = 0 if piece else silent + 1
        if piece:
            reader.go_on(piece.end)
            found.append(piece)
    return found


def text(pieces: list[Piece]) -> bytes:
    return b"".join(piece.data for piece in pieces)


def test_lines_come_whole_and_in_pieces(paths: Paths) -> None:
    log = log_of(paths)
    reader = LineReader(paths, Log(log))
    assert reader.read(100) is None
    log.write_bytes(b"one\ntwo\nthr")
    assert text(everything(reader)) == b"one\ntwo\n"
    with log.open("ab") as file:
        file.write(b"ee\n")
    (piece,) = everything(reader)
    assert (piece.start, piece.data, piece.gap) == (8, b"three\n", False)
    with log.open("ab") as file:
        file.write(b"x" * 50 + b"\n" + b"y" * 50 + b"\n")
    assert [len(piece.data) for piece in everything(reader, 60)] == [51, 51]


def test_what_is_not_taken_note_of_comes_again(paths: Paths) -> None:
    log_of(paths).write_bytes(b"one\ntwo\n")
    reader = LineReader(paths, Log(log_of(paths)))
    first = reader.read(100)
    assert first == reader.read(100)
    assert first
    reader.go_on(Place(first.file, 4))  # the control plane knows better
    again = reader.read(100)
    assert again
    assert (again.start, again.data) == (4, b"two\n")
    reader.go_on(Place("another", 0))
    assert reader.read(100) == again


def test_a_line_without_end_is_several(paths: Paths) -> None:
    log_of(paths).write_bytes(b"z" * (600 << 10))
    reader = LineReader(paths, Log(log_of(paths)))
    sizes = [len(piece.data) for piece in everything(reader)]
    assert sizes == [linereader.LINE_BYTES_MAX] * 2


def test_rotation_loses_nothing(paths: Paths) -> None:
    log = log_of(paths)
    reader = LineReader(paths, Log(log))
    file = LogFile(log, paths.rotated_logs)
    file.write(b"a1\na2\n")
    assert text(everything(reader)) == b"a1\na2\n"
    file.write(b"a3\n")
    for name in (b"b", b"c"):  # twice, while nobody reads
        file.close()
        rotate(log, paths.rotated_logs)
        file.write(name + b"1\n")
    assert text(everything(reader)) == b"a3\nb1\nc1\n"
    file.close()


def test_who_still_writes_to_a_renamed_file_is_heard(paths: Paths) -> None:
    log = log_of(paths)
    with log.open("ab", buffering=0) as old:
        old.write(b"a1\n")
        reader = LineReader(paths, Log(log))
        everything(reader)
        rotate(log, paths.rotated_logs)
        log.write_bytes(b"b1\n")
        old.write(b"a2\n")
        assert text(everything(reader)) == b"a2\nb1\n"


def test_a_last_line_without_end_comes_with_the_next_file(paths: Paths) -> None:
    log = log_of(paths)
    log.write_bytes(b"a1\nhalf")
    reader = LineReader(paths, Log(log))
    everything(reader)
    rotate(log, paths.rotated_logs)
    log.write_bytes(b"b1\n")
    assert text(everything(reader)) == b"halfb1\n"


def test_a_file_that_was_cut_off_is_begun_anew(paths: Paths) -> None:
    log = log_of(paths)
    log.write_bytes(b"a1\na2\n")
    reader = LineReader(paths, Log(log))
    everything(reader)
    with log.open("ab") as file:
        file.write(b"a3\n")
    shutil.copy(
        log, paths.rotated_logs / "web.stdout.log.1700000000000000000"
    )  # as logrotate's copytruncate does
    with log.open("r+b") as file:
        file.truncate(0)
        file.write(b"b1\nb2\nb3\nb4\nb5\n")
    pieces = everything(reader)
    assert text(pieces) == b"a3\nb1\nb2\nb3\nb4\nb5\n"
    assert not any(piece.gap for piece in pieces)


def test_what_was_cut_off_unread_is_said(paths: Paths) -> None:
    log = log_of(paths)
    log.write_bytes(b"a1\na2\n")
    reader = LineReader(paths, Log(log))
    everything(reader)
    log.write_bytes(b"b1\n")
    (piece,) = everything(reader)
    assert (piece.data, piece.gap) == (b"b1\n", True)


def test_what_was_rotated_away_unread_is_said(paths: Paths) -> None:
    log = log_of(paths)
    log.write_bytes(b"a1\n")
    reader = LineReader(paths, Log(log))
    everything(reader)
    for n in range(ROTATED_MAX + 2):
        rotate(log, paths.rotated_logs)
        log.write_bytes(b"%d\n" % n)
    pieces = everything(reader)
    assert text(pieces) == b"".join(b"%d\n" % n for n in range(1, ROTATED_MAX + 2))
    assert [piece.gap for piece in pieces] == [True] + [False] * ROTATED_MAX


def test_far_behind_the_oldest_is_passed_over(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linereader, "BEHIND_BYTES_MAX", 30)
    log_of(paths).write_bytes(b"".join(b"line %04d\n" % n for n in range(100)))
    (piece,) = everything(LineReader(paths, Log(log_of(paths))))
    assert piece.gap
    assert piece.data.endswith(b"line 0099\n")
    assert len(piece.data) == 30


@pytest.mark.parametrize("moved", [False, True])
def test_a_later_agent_goes_on_where_the_last_one_was(paths: Paths, moved: bool) -> None:
    log = log_of(paths)
    log.write_bytes(b"a1\na2\n")
    reader = LineReader(paths, Log(log))
    piece = reader.read(4)
    assert piece
    reader.go_on(piece.end)
    reader.close()
    if moved:
        rotate(log, paths.rotated_logs)
        log.write_bytes(b"b1\n")
    pieces = everything(LineReader(paths, Log(log), reader.place))
    assert text(pieces) == (b"a2\nb1\n" if moved else b"a2\n")
    assert pieces[0].file == piece.file
    assert not pieces[0].gap


def test_a_later_agent_says_what_went_while_there_was_none(paths: Paths) -> None:
    log = log_of(paths)
    log.write_bytes(b"b1\n")
    (piece,) = everything(LineReader(paths, Log(log), Place("1f-00000000.1", 7)))
    assert piece.gap


def test_the_tail_begins_with_a_whole_line(paths: Paths) -> None:
    log_of(paths).write_bytes(b"one\ntwo\nthree\n")
    reader = LineReader(paths, Log(log_of(paths)))
    reader.skip_to_tail(9)
    assert text(everything(reader)) == b"three\n"


def test_any_history_is_read_once_and_in_order(paths: Paths) -> None:
    """Writes, rotations and later agents by lot; never so many that a file is gone unread."""
    chance = random.Random(7)
    log, number, got = log_of(paths), 0, b""
    log.touch()
    reader = LineReader(paths, Log(log))
    for _ in range(400):
        act = chance.choice(("write", "write", "read", "rotate", "agent"))
        if act == "write":
            with log.open("ab") as file:
                for _ in range(chance.randrange(5)):
                    file.write(b"line %d\n" % number)
                    number += 1
        elif act == "rotate":
            rotate(log, paths.rotated_logs)
            log.touch()
            got += text(everything(reader))
        elif act == "agent" and reader.place.file:
            place = reader.place
            reader.close()
            reader = LineReader(paths, Log(log), place)
        else:
            got += text(everything(reader, 40))
    got += text(everything(reader))
    assert got == b"".join(b"line %d\n" % n for n in range(number))
