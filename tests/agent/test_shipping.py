"""Lines reach the control plane once and in order, whoever is killed or away meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import Instance, bundle, hello, wait_until

from jackbean.agent import logfiles

LOGS = "aws:elasticbeanstalk:cloudwatch:logs"
STREAMED = {LOGS: {"StreamLogs": "true"}}
OUT = "/var/log/web.stdout.log"
# Prints a line for each request, and first so many that its log is rotated on the way.
TALKER = """\
import os, sys
for n in range({lines}):
    print("line", n, "x" * 80)
sys.stdout.flush()
def application(environ, start_response):
    print("asked for", environ["PATH_INFO"], flush=True)
    start_response("200 OK", [])
    return [b"ok"]
"""
SERVER = """\
from wsgiref.simple_server import WSGIRequestHandler, make_server
import os, application
class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass
make_server("127.0.0.1", int(os.environ["PORT"]), application.application,
            handler_class=Quiet).serve_forever()
"""


def talker(lines: int) -> bytes:
    files = {"application.py": TALKER.format(lines=lines), "serve.py": SERVER}
    return bundle({**files, "Procfile": "web: python serve.py"})


def test_lines_are_sent_where_the_settings_say_so(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, talker(2)), 1)
    instance.get("/silent")
    assert plane.work("activate", instance.manifest(2, talker(2), options=STREAMED), 2).state == (
        "done"
    )
    instance.get("/loud")
    wait_until(lambda: b"asked for /loud" in plane.lines.get(OUT, b""), "the line")
    wait_until(lambda: b"GET /loud" in plane.lines.get("/var/log/nginx/access.log", b""), "access")
    wait_until(lambda: b"FlipApplication" in plane.lines["/var/log/eb-engine.log"], "the engine's")
    assert plane.lines[OUT] == instance.path(OUT).read_bytes()
    assert not plane.gaps
    off = instance.manifest(3, talker(2), options={LOGS: {"StreamLogs": "false"}})
    assert plane.work("activate", off, 3).state == "done"
    before = plane.lines[OUT]
    assert instance.get("/unheard")[0] == 200
    wait_until(lambda: b"/unheard" in instance.path(OUT).read_bytes(), "the line is there")
    assert plane.lines[OUT] == before


def test_lines_that_are_refused_hold_up_no_others(instance: Instance, plane: ControlPlane) -> None:
    plane.refused.add("/var/log/eb-engine.log")
    plane.refused.add(OUT)
    plane.work("activate", instance.manifest(1, talker(2), options=STREAMED), 1)
    instance.get("/heard")
    access = "/var/log/nginx/access.log"
    wait_until(lambda: b"GET /heard" in plane.lines.get(access, b""), "the proxy's line")
    assert set(plane.lines) == {access}
    plane.refused.clear()
    wait_until(lambda: b"asked for /heard" in plane.lines.get(OUT, b""), "the lines, later")
    assert plane.lines[OUT] == instance.path(OUT).read_bytes()


def numbers(data: bytes) -> list[int]:
    return [int(n) for n in re.findall(rb"(?m)^line (\d+) x+$", data)]


def test_rotation_on_the_way_loses_nothing(instance: Instance, plane: ControlPlane) -> None:
    lines = 200_000
    plane.work("activate", instance.manifest(1, talker(lines), options=STREAMED), 1)
    last = b"line %d " % (lines - 1)
    wait_until(lambda: last in plane.lines.get(OUT, b"")[-4096:], "the last line", 60)
    assert numbers(plane.lines[OUT]) == list(range(lines))
    assert len(plane.lines[OUT]) > logfiles.FILE_BYTES_MAX
    assert not plane.gaps


def test_nothing_is_lost_or_twice_when_everybody_is_killed(
    instance: Instance, plane: ControlPlane
) -> None:
    plane.work("activate", instance.manifest(1, talker(3), options=STREAMED), 1)
    paths = [f"/{n}" for n in range(12)]
    for n, path in enumerate(paths):
        wait_until(lambda path=path: instance.get(path)[0] == 200, "an answer")
        if n % 3 == 0:
            plane.forgets_answers = 1  # it arrived, and the agent does not know
        if n == 4:
            plane.stop()
        if n == 7:
            instance.kill()
            instance.start()
        if n == 9:
            plane.start()
    wait_until(lambda: b"asked for /11\n" in plane.lines.get(OUT, b""), "the last line")
    asked = re.findall(rb"asked for (/\d+)\n", plane.lines[OUT])
    assert [one.decode() for one in asked] == [
        p for p in paths if f"asked for {p}\n" in instance.log(OUT)
    ]
    assert plane.lines[OUT] == instance.path(OUT).read_bytes()
    assert not plane.gaps


def test_the_last_lines_of_an_instance_are_sent(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, talker(1), options=STREAMED), 1)
    instance.get("/last")
    wait_until(lambda: b"/last" in instance.path(OUT).read_bytes(), "the line is in its file")
    instance.stop()
    assert b"asked for /last" in plane.lines[OUT]
    assert b"Stopping" in plane.lines["/var/log/eb-engine.log"]


def test_lines_are_shown_to_who_follows_and_to_nobody_else(
    instance: Instance, plane: ControlPlane, tmp_path: Path
) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    for n in range(5):
        instance.get(f"/before/{n}")
    access = "/var/log/nginx/access.log"
    wait_until(lambda: "/before/4" in instance.path(access).read_text(), "lines are there")
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    instance.path("/var/log/nginx/planted.log").symlink_to(secret)
    plane.follow(v1={"files": ["/var/log/nginx/*"], "lines": 2})
    wait_until(lambda: len(plane.followed.get("v1", [])) >= 2, "the last lines")
    told = [line for path, line in plane.followed["v1"] if path == access]
    assert ["/before/3" in told[0], "/before/4" in told[1]] == [True, True]
    instance.get("/after")
    wait_until(lambda: "/after" in plane.followed["v1"][-1][1], "a new line")
    assert {path for path, _ in plane.followed["v1"]} == {access}
    plane.wait(lambda report: report.following == ["v1"])
    since = len(plane.reports)
    plane.follow()
    plane.wait(lambda report: report.following == [], since=since)
    instance.get("/unseen")
    wait_until(lambda: "/unseen" in instance.path(access).read_text(), "the line is there")
    assert "/unseen" not in str(plane.followed)
    assert not plane.lines


def test_who_follows_through_a_restart_of_the_control_plane_misses_nothing(
    instance: Instance, plane: ControlPlane
) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    wish = {"files": ["/var/log/nginx/access.log"], "lines": 0}
    plane.follow(v1=wish)
    plane.wait(lambda report: report.following == ["v1"])
    instance.get("/before")
    wait_until(lambda: "/before" in str(plane.followed), "the view is there")
    since = len(plane.reports)
    plane.stop()
    instance.get("/without")
    plane.follow()  # the next one does not know of the view yet
    plane.start()
    plane.wait(lambda report: report.following == [], since=since)
    instance.get("/unknown")
    plane.follow(v1=wish)
    instance.get("/again")
    wait_until(lambda: "/again" in str(plane.followed), "the view goes on")
    asked = re.findall(r"GET (/\w+)", str(plane.followed["v1"]))
    assert asked == ["/before", "/without", "/unknown", "/again"]
