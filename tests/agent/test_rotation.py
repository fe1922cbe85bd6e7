"""No log fills the disk, whoever writes it; what was rotated is compressed and published once."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path

import pytest
from tests.agent.control_plane import ControlPlane

from jackbean.agent import rotation
from jackbean.agent.dial import Dial, Exchange, Request, Unreachable
from jackbean.agent.logfiles import ROTATED_MAX, rotate
from jackbean.agent.paths import Paths
from jackbean.agent.publishing import Publisher, published_name
from jackbean.agent.rotation import Rule, compress, rules, sweep

SHORT = Rule(size_max=100)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(str(tmp_path / "root"))
    paths.prepare()
    return paths


def copies(paths: Paths) -> list[Path]:
    return sorted(paths.rotated_logs.iterdir())


def test_who_writes_on_writes_into_the_emptied_file(paths: Paths) -> None:
    log = paths.at("/var/log/app/own.log")
    log.parent.mkdir()
    with log.open("ab", buffering=0) as file:
        file.write(b"a" * 150 + b"\n")
        sweep(paths, SHORT)
        file.write(b"b\n")
    assert log.read_bytes() == b"b\n"
    (copy,) = copies(paths)
    assert copy.read_bytes() == b"a" * 150 + b"\n"
    assert copy.name.startswith("own.log.")


def test_short_files_copies_and_records_are_left_alone(paths: Paths) -> None:
    for name in ("short.log", "wtmp", "rotated/x.log.1700000000000000000"):
        size = 10 if name == "short.log" else 500
        paths.at(f"/var/log/{name}").write_bytes(b"x" * size)
    sweep(paths, SHORT)
    assert len(copies(paths)) == 1
    assert paths.at("/var/log/wtmp").stat().st_size == 500
    assert paths.at("/var/log/short.log").stat().st_size == 10


def test_few_copies_of_each_log_stay(paths: Paths) -> None:
    for n in range(ROTATED_MAX + 3):
        for name in ("a.log", "a.log.old"):
            paths.at(f"/var/log/{name}").write_bytes(b"%d" % n * 200)
        sweep(paths, SHORT)
    for name in ("a.log", "a.log.old"):
        kept = [path for path in copies(paths) if rotation.original(path) == name]
        assert [path.read_bytes()[:1] for path in kept] == [b"3", b"4", b"5", b"6", b"7"]


def test_no_file_elsewhere_is_emptied(paths: Paths, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"v" * 500)
    paths.at("/var/log/a.log").symlink_to(victim)
    os.link(victim, paths.at("/var/log/b.log"))
    paths.at("/var/log/c").symlink_to(tmp_path)
    sweep(paths, SHORT)
    assert victim.read_bytes() == b"v" * 500
    assert copies(paths) == []


def test_on_a_full_disk_a_log_is_emptied(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(rotation, "copyfileobj", full)
    log = paths.at("/var/log/a.log")
    log.write_bytes(b"a" * 200)
    sweep(paths, SHORT)
    assert log.read_bytes() == b""
    assert copies(paths) == []


def test_a_bundle_has_rules_of_its_own(paths: Paths) -> None:
    folder = paths.at(rotation.RULES)
    folder.mkdir(parents=True)
    (folder / "logrotate.elasticbeanstalk.mine.conf").write_text(
        "/var/log/mine/*.log {\nsize 50\nrotate 2\nmissingok\ncopytruncate\n}\n"
    )
    mine = paths.at("/var/log/mine/x.log")
    mine.parent.mkdir()
    for n in range(4):
        mine.write_bytes(b"%d" % n * 60)
        sweep(paths, SHORT)
    assert [path.read_bytes()[:1] for path in copies(paths)] == [b"2", b"3"]


def test_rules_as_logrotate_has_them() -> None:
    text = """
    # of the platform
    /var/log/a.log "/var/log/b.log"
    /var/log/c/*.log { su root root
      size 10M
      rotate 5
      olddir /var/log/rotated
    }
    /var/log/d { weekly }
    /var/log/e { maxsize 2k }
    nothing {
    """
    assert list(rules(text)) == [
        (["/var/log/a.log", "/var/log/b.log", "/var/log/c/*.log"], Rule(10 << 20, 5)),
        (["/var/log/d"], Rule(rotation.SIZE_MAX, ROTATED_MAX)),
        (["/var/log/e"], Rule(2 << 10, ROTATED_MAX)),
    ]


def test_older_copies_are_compressed(paths: Paths) -> None:
    log = paths.at("/var/log/a.log")
    for n in range(3):
        log.write_bytes(b"%d\n" % n)
        rotate(log, paths.rotated_logs)
    compress(paths.rotated_logs)
    compress(paths.rotated_logs)
    first, second, newest = copies(paths)
    assert [first.suffix, second.suffix, newest.suffix != ".gz"] == [".gz", ".gz", True]
    assert gzip.decompress(first.read_bytes()) == b"0\n"
    for _ in range(ROTATED_MAX):
        log.write_bytes(b"x\n")
        rotate(log, paths.rotated_logs)
    assert len(copies(paths)) == ROTATED_MAX


def rotated(paths: Paths, text: bytes) -> None:
    log = paths.at("/var/log/web.stdout.log")
    log.write_bytes(text)
    rotate(log, paths.rotated_logs)


def received(plane: ControlPlane) -> list[bytes]:
    return [gzip.decompress(plane.logs[name]) for name in sorted(plane.logs)]


def test_rotated_logs_are_published_once(paths: Paths, plane: ControlPlane) -> None:
    dial = Dial(str(plane.path), plane.token)
    publisher = Publisher(paths, dial, lambda: True)
    rotated(paths, b"0\n")
    rotated(paths, b"1\n")
    plane.stop()
    publisher.look()
    plane.start()
    publisher.look()
    assert received(plane) == [b"0\n", b"1\n"]
    assert min(plane.logs).startswith("/v1/publish/_var_log_rotated_web.stdout.log.")
    plane.logs.clear()
    compress(paths.rotated_logs)
    Publisher(paths, dial, lambda: True).look()
    assert received(plane) == []
    rotated(paths, b"2\n")
    publisher.look()
    assert received(plane) == [b"2\n"]
    assert not (paths.own / "publishing.gz").exists()


def test_without_a_control_plane_one_try_is_enough(paths: Paths, tmp_path: Path) -> None:
    for n in range(3):
        rotated(paths, b"%d\n" % n)
    tries = []

    class Deaf(Dial):
        def send(self, request: Request) -> Exchange:
            tries.append(request.target)
            raise Unreachable("nobody is there")

    Publisher(paths, Deaf("", ""), lambda: True).look()
    assert len(tries) == 1
    assert not (paths.own / "publishing.gz").exists()


def test_a_bundle_has_more_published(paths: Paths, plane: ControlPlane) -> None:
    own = paths.at("/var/log/mine/backup.log")
    own.parent.mkdir()
    own.write_bytes(b"mine\n")
    tasks = paths.at("/opt/elasticbeanstalk/tasks/publishlogs.d")
    tasks.mkdir(parents=True)
    (tasks / "x.conf").write_text("/var/log/mine/*.log\n")
    dial = Dial(str(plane.path), plane.token)
    Publisher(paths, dial, lambda: False).look()
    assert plane.logs == {}
    Publisher(paths, dial, lambda: True).look()
    assert list(plane.logs) == ["/v1/publish/_var_log_mine_backup.log.gz"]
    assert received(plane) == [b"mine\n"]


def test_names_in_the_bucket() -> None:
    assert published_name("/var/log/rotated/a.log.17.gz") == "_var_log_rotated_a.log.17.gz"
    assert published_name("/var/log/x") == "_var_log_x.gz"
