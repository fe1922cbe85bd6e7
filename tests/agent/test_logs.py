"""Logs lose no line, stay within bounds, and can be asked for."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import Instance, bundle, hello, wait_until

from jackbean.agent import logfiles, logs
from jackbean.agent.logfiles import LogFile, tail
from jackbean.agent.paths import Paths


def test_rotation_loses_nothing_and_keeps_the_newest(tmp_path: Path) -> None:
    log, rotated = tmp_path / "web.stdout.log", tmp_path / "rotated"
    file = LogFile(log, rotated)
    line = b"x" * ((1 << 20) - 1) + b"\n"
    for _ in range(25):
        file.write(line)
    file.close()
    pieces = sorted(rotated.iterdir())
    assert [piece.stat().st_size for piece in pieces] == [logfiles.FILE_BYTES_MAX] * 2
    assert log.stat().st_size == 5 << 20
    for _ in range(60):
        file.write(line)
    file.close()
    assert len(list(rotated.iterdir())) == logfiles.ROTATED_MAX


def test_a_log_that_was_taken_away_is_begun_anew(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "gone" / "a.log", tmp_path / "rotated")
    file.write(b"lost")
    (tmp_path / "gone").mkdir()
    file.write(b"kept")
    assert (tmp_path / "gone" / "a.log").read_bytes() == b"kept"
    file.close()


def test_a_tail_is_bounded_in_lines_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("\n".join(f"line {n}" for n in range(1_000)))
    assert tail(path, 2) == "line 998\nline 999"
    path.write_bytes(b"y" * (1 << 20))
    assert tail(path) == "y" * logfiles.TAIL_LINE_CHARS_MAX
    path.write_bytes(b"before\nafter\n\xff\n")
    assert tail(path, since=7) == "after\n\ufffd"
    assert tail(tmp_path / "none") == ""


def test_the_tail_has_a_header_for_each_file(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    paths.prepare()
    for path in ("eb-engine.log", "web.stdout.log", "worker.stdout.log", "extra/a.log"):
        paths.at(f"/var/log/{path}").parent.mkdir(exist_ok=True)
        paths.at(f"/var/log/{path}").write_text("".join(f"{path} {n}\n" for n in range(200)))
    tasks = paths.at("/opt/elasticbeanstalk/tasks/taillogs.d")
    tasks.mkdir(parents=True)
    (tasks / "more.conf").write_text("/var/log/extra/*.log\nnonsense\n")
    text = logs.tail_text(paths)
    rule = "-" * 40
    order = [
        text.index(f"{rule}\n/var/log/{path}\n{rule}\n{path} 100\n")
        for path in ("web.stdout.log", "eb-engine.log", "worker.stdout.log", "extra/a.log")
    ]
    assert order == sorted(order)


def test_an_instance_sends_its_logs(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    instance.get("/visited")
    access = instance.path("/var/log/nginx/access.log")
    wait_until(lambda: "/visited" in access.read_text(), "nginx logs what it has answered")
    plane.ask_logs("first", "tail")
    wait_until(lambda: "/v1/logs/first/tail" in plane.logs, "the tail")
    text = plane.logs["/v1/logs/first/tail"].decode()
    assert "GET /visited HTTP/1.1" in text
    assert "Executing instruction: FlipApplication" in text
    plane.ask_logs("second", "bundle")
    wait_until(lambda: "/v1/logs/second/bundle" in plane.logs, "the bundle")
    with zipfile.ZipFile(io.BytesIO(plane.logs["/v1/logs/second/bundle"])) as archive:
        names = set(archive.namelist())
        assert {"var/log/eb-engine.log", "var/log/nginx/access.log"} <= names
        assert b"visited" in archive.read("var/log/nginx/access.log")


def test_what_an_application_prints_is_kept_whole(instance: Instance, plane: ControlPlane) -> None:
    lines = 200_000
    server = (
        "import os, socket, sys\n"
        f"for n in range({lines}):\n    print('line', n, 'x' * 80)\n"
        "sys.stdout.flush()\n"
        "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "while True:\n    s.accept()[0].close()\n"
    )
    data = bundle({"Procfile": "web: python s.py", "s.py": server})
    assert plane.work("activate", instance.manifest(1, data), 1).state == "done"
    log, rotated = instance.path("/var/log/web.stdout.log"), instance.path("/var/log/rotated")

    def whole() -> str:
        parts = sorted(rotated.glob("web.stdout.log.*"))
        return "".join(part.read_text() for part in (*parts, log))

    wait_until(lambda: f"line {lines - 1} " in whole(), "the last line")
    numbers = [int(line.split()[1]) for line in whole().splitlines()]
    assert numbers == list(range(lines))
    assert list(rotated.glob("web.stdout.log.*"))


def test_nginx_begins_new_logs(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    access = instance.path("/var/log/nginx/access.log")
    with access.open("ab") as file:
        file.truncate(logfiles.FILE_BYTES_MAX)
    plane.ask_logs("any", "tail")
    rotated = instance.path("/var/log/rotated")
    wait_until(lambda: list(rotated.glob("access.log.*")), "rotation")
    wait_until(access.exists, "nginx opens a new one")
    assert instance.get("/after") == (200, "one")
    wait_until(lambda: "/after" in access.read_text(), "the request is in the new one")
