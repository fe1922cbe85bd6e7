"""Files, written by a real agent into its own directory."""

from __future__ import annotations

import base64
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.extensions.deploying import deploy
from tests.agent.rig import Instance, wait_until

from jackbean.core.instructions import Command, Extension, File, Origin

TEMPLATE = "{{a}} {{{b}}} {{#c}}{{.}};{{/c}}"
NAME = ".ebextensions/01.config"


def files(*wanted: File) -> Extension:
    return Extension(NAME, files=wanted)


class Server(http.server.BaseHTTPRequestHandler):
    seen: list[tuple[str, str | None]]
    pages: dict[str, tuple[int, dict[str, str], bytes]]

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        status, headers, body = self.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@contextmanager
def web(pages: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    seen: list[tuple[str, str | None]] = []
    handler = type("Handler", (Server,), {"seen": seen, "pages": pages})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()


def test_files_are_written_with_content_and_mode(instance: Instance, plane: ControlPlane) -> None:
    extension = files(
        File("/etc/a/b/plain", "text\n", mode=0o100640),
        File("/opt/encoded", base64.b64encode(b"\0\xff").decode(), encoded=True),
        File("/opt/short", "x", mode=0o755),
        File("/opt/template", TEMPLATE, context={"a": "<", "b": "<", "c": ["1", "2"]}),
    )
    report = deploy(instance, plane, extension)
    assert report.state == "done", report.failure
    plain = instance.path("/etc/a/b/plain")
    assert plain.read_text() == "text\n"
    assert plain.stat().st_mode & 0o7777 == 0o640
    assert instance.path("/opt/encoded").read_bytes() == b"\0\xff"
    assert instance.path("/opt/encoded").stat().st_mode & 0o7777 == 0o644
    assert instance.path("/opt/short").stat().st_mode & 0o7777 == 0o755
    assert instance.path("/opt/template").read_text() == "&lt; < 1;2;"


def test_mistake_6_files_leave_a_bak_beside_the_original(
    instance: Instance, plane: ControlPlane
) -> None:
    path = instance.path("/etc/cron.d/mine")
    path.parent.mkdir(parents=True)
    path.write_text("first")
    deploy(instance, plane, files(File("/etc/cron.d/mine", "second")))
    assert path.read_text() == "second"
    assert path.with_name("mine.bak").read_text() == "first"
    deploy(instance, plane, files(File("/etc/cron.d/mine", "third")), serial=2)
    assert path.read_text() == "third"
    assert path.with_name("mine.bak").read_text() == "second"
    assert sorted(p.name for p in path.parent.iterdir()) == ["mine", "mine.bak"]


def test_links_are_made_and_replaced(instance: Instance, plane: ControlPlane) -> None:
    link = instance.path("/opt/current")
    goal = instance.path("/opt/one")
    extension = files(File("/opt/one", "1"), File("/opt/current", "one", mode=0o120600))
    for serial in (1, 2):
        report = deploy(instance, plane, extension, serial=serial)
        assert report.state == "done", report.failure
        assert link.is_symlink()
        assert link.read_text() == "1"
    assert goal.stat().st_mode & 0o7777 == 0o600  # a link's mode is for what it leads to
    assert not link.with_name("current.bak").is_symlink()


def test_commands_find_what_was_written(instance: Instance, plane: ControlPlane) -> None:
    """In plain mode as well, where it is elsewhere."""
    script = File("/tmp/say.sh", f"#!/bin/sh\necho said > {instance.root}/said\n", mode=0o755)
    extension = Extension(NAME, files=(script,), commands=(Command("1", "/tmp/say.sh"),))
    report = deploy(instance, plane, extension)
    assert report.state == "done", (report.failure, instance.log("/var/log/cfn-init-cmd.log"))
    assert (instance.root / "said").read_text() == "said\n"


def test_fetches_by_http(instance: Instance, plane: ControlPlane) -> None:
    pages = {
        "/file": (200, {}, b"from afar"),
        "/moved": (302, {"Location": "/file"}, b""),
        "/secret": (302, {"Location": "/file"}, b""),
    }
    with web(pages) as (url, seen):
        extension = files(
            File("/opt/a", origin=Origin(f"{url}/file")),
            File("/opt/b", origin=Origin(f"{url}/moved")),
            File("/opt/c", origin=Origin(f"{url}/secret", user="me", password="pw")),
        )
        report = deploy(instance, plane, extension)
    assert report.state == "done", report.failure
    assert {instance.path(f"/opt/{name}").read_text() for name in "abc"} == {"from afar"}
    said = dict(seen)
    assert said["/secret"] == "Basic " + base64.b64encode(b"me:pw").decode()
    assert said["/file"] is None  # where it was sent on, nobody gets the password


def test_fetches_objects_from_the_control_plane(instance: Instance, plane: ControlPlane) -> None:
    plane.objects["mine", "a/b c.txt"] = b"an object"
    origin = Origin("s3://mine/a/b c.txt", "mine", "a/b c.txt")
    report = deploy(instance, plane, files(File("/opt/a", origin=origin)))
    assert report.state == "done", report.failure
    assert instance.path("/opt/a").read_bytes() == b"an object"


FAILURES: dict[str, tuple[File, str]] = {
    "a folder in its place": (File("/var/app", "x"), "files: /var/app is a folder"),
    "the agent's own": (File("/var/lib/jackbean/ledger.json", "x"), "belongs to the instance"),
    "devices": (File("/dev/x", "x"), "belongs to the instance"),
    "an object that is not there": (
        File("/opt/a", origin=Origin("s3://mine/none", "mine", "none")),
        "bucket mine has no object none",
    ),
    "nobody there": (
        File("/opt/a", origin=Origin("http://127.0.0.1:1/file?token=geheim")),
        "http://127.0.0.1:1/file cannot be fetched: ",
    ),
    "no template": (File("/opt/a", "{{#a}}", context={}), "section a does not end"),
    "below a file": (File("/opt/file/inner", "x"), "files: /opt/file/inner: "),
}


@pytest.mark.parametrize(("file", "says"), FAILURES.values(), ids=FAILURES)
def test_failures(instance: Instance, plane: ControlPlane, file: File, says: str) -> None:
    report = deploy(instance, plane, files(File("/opt/file", ""), file))
    assert report.state == "failed"
    assert report.failure
    assert says in report.failure["cause"]
    assert "geheim" not in report.failure["cause"]
    assert report.failure["log"] == "/var/log/cfn-init.log"
    left = [path for path in instance.path("/opt").iterdir() if path.name.startswith(".")]
    assert left == []


def test_what_is_not_found_is_not_asked_for_again(instance: Instance, plane: ControlPlane) -> None:
    with web({}) as (url, seen):
        report = deploy(instance, plane, files(File("/opt/a", origin=Origin(f"{url}/none"))))
    assert report.failure
    assert "it answers 404" in report.failure["cause"]
    assert len(seen) == 1


def test_the_instances_own_tool_stays(instance: Instance, plane: ControlPlane) -> None:
    path = "/opt/elasticbeanstalk/bin/get-config"
    ours = instance.path(path)
    before = wait_until(lambda: ours.exists() and ours.read_text(), "the agent has begun")
    assert deploy(instance, plane, files(File(path, "mine"))).state == "done"
    assert instance.path(path).read_text() == before
    plane.await_notice("get-config is the instance's own; it stays")


def test_owners_are_told_of_once(instance: Instance, plane: ControlPlane) -> None:
    extension = files(
        File("/opt/a", "", owner="webapp"), File("/opt/b", "", owner="webapp", group="webapp")
    )
    assert deploy(instance, plane, extension).state == "done"
    plane.await_notice("owners of files are not set")
    assert Path(instance.path("/opt/a")).exists()


def test_a_broken_file_of_nginx_goes_with_its_version(
    instance: Instance, plane: ControlPlane
) -> None:
    """Left behind, it would keep every later version from being deployed."""
    path = "/etc/nginx/conf.d/mine.conf"
    deploy(instance, plane)
    assert instance.get()[0] == 200
    broken = files(File(path, "nonsense;"))
    report = deploy(instance, plane, broken, serial=2)
    assert report.failure
    assert "nginx refuses it" in report.failure["cause"]
    assert instance.get() == (200, "release 1")
    assert deploy(instance, plane, serial=3).state == "done"
    assert instance.get() == (200, "release 3")
    assert not instance.path(path).exists()
    good = files(File(path, f"server {{ listen unix:{instance.root}/x.sock; }}"))
    for serial in (4, 5):
        assert deploy(instance, plane, good, serial=serial).state == "done"
        assert instance.path(path).exists()


def test_what_is_elsewhere_is_told(instance: Instance, plane: ControlPlane) -> None:
    extension = files(File("/etc/mine.conf", "x"), File("/etc/cron.d/mine", ""), File("/opt/x", ""))
    assert deploy(instance, plane, extension).state == "done"
    told = plane.await_notice("written below the instance's folder")
    assert told.startswith(f"{NAME}: files: /etc/mine.conf: ")


def test_commands_mean_the_instances_own_folders(instance: Instance, plane: ControlPlane) -> None:
    move = Command("1", "mv /tmp/a.conf /etc/rsyslog.d/ && cd /etc/systemd && mkdir -p x.d && ls /")
    extension = Extension(NAME, files=(File("/tmp/a.conf", "a"),), commands=(move,))
    report = deploy(instance, plane, extension)
    assert report.state == "done", (report.failure, instance.log("/var/log/cfn-init-cmd.log"))
    assert instance.path("/etc/rsyslog.d/a.conf").read_text() == "a"
    assert instance.path("/etc/systemd/x.d").is_dir()
