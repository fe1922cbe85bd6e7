"""Releases come to life on an instance, and follow one another."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.rig import HELLO, VERSION, Instance, bundle, hello, wait_until

ENVIRONMENT = """\
import json, os
def application(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    told = {
        "environment": dict(os.environ),
        "cwd": os.getcwd(),
        "headers": {k: v for k, v in environ.items() if k.startswith("HTTP_")},
        "body": environ["wsgi.input"].read(length).decode(),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]
"""
SCRIPT = 0o100755


def test_deploys_an_application(instance: Instance, plane: ControlPlane) -> None:
    manifest = instance.manifest(1, hello("one"), environment={"COLOUR": "blue"})
    report = plane.work("activate", manifest, 1)
    assert report.state == "done", (report.failure, instance.log())
    assert (report.running, report.staged) == (1, None)
    assert instance.get() == (200, "one")
    assert report.deployed["status"] == "Deployed"
    assert report.deployed["label"] == "v1"
    assert instance.path("/var/app/current/Procfile").read_text() == (
        f"web: gunicorn --bind 127.0.0.1:{instance.app_port} --workers=1 --threads=15 application\n"
    )
    assert instance.path("/opt/elasticbeanstalk/deployment/env").read_text() == "COLOUR=blue\n"
    assert instance.path("/var/pids/web.pid").read_text().strip().isdigit()
    log = instance.log()
    names = ("StageApplication", "InstallDependency", "FlipApplication", "RunAppDeployPostDeploy")
    places = [log.index(f"[INFO] Executing instruction: {name}") for name in names]
    assert places == sorted(places)
    journals = instance.path("/var/log/deployments")
    assert len(list(journals.glob("eb-deployment-*-1-stage-i-0123.log"))) == 1
    (journal,) = journals.glob("eb-deployment-*-1-activate-i-0123.log")
    assert "[OK] FlipApplication (" in journal.read_text()
    up = plane.wait(lambda r: r.application == "up")
    assert up.causes == []


def test_tells_its_progress(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    wait_until(
        lambda: any(s["step"] == "RunAppDeployPostDeployHooks" for s in plane.steps), "last step"
    )
    assert all(step["serial"] == 1 and step["seconds"] >= 0 for step in plane.steps)


def test_staging_leaves_the_running_release_alone(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    second = instance.manifest(2, hello("two"))
    staged = plane.work("stage", second, 2)
    assert (staged.state, staged.running, staged.staged) == ("done", 1, 2)
    assert instance.get() == (200, "one")
    plane.steps.clear()
    active = plane.work("activate", second, 3)
    assert (active.state, active.running, active.staged) == ("done", 2, None)
    assert instance.get() == (200, "two")
    log = instance.log()
    assert log.count("Executing instruction: StageApplication") == 2  # not a third time


def test_processes_find_their_environment(instance: Instance, plane: ControlPlane) -> None:
    manifest = instance.manifest(
        1, bundle({"application.py": ENVIRONMENT}), environment={"A": "b c", "PATH_LIKE": "$HOME"}
    )
    assert plane.work("activate", manifest, 1).state == "done"
    told = json.loads(instance.get("/x", **{"X-Forwarded-Proto": "https", "Host": "me:81"})[1])
    environment = told["environment"]
    assert environment["A"] == "b c"
    assert environment["PATH_LIKE"] == "$HOME"
    assert environment["PORT"] == str(instance.app_port)
    assert environment["PATH"].split(":")[0].endswith("/bin")
    assert Path(told["cwd"]) == instance.path("/var/app/current")
    assert told["headers"]["HTTP_X_FORWARDED_PROTO"] == "https"
    assert told["headers"]["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert told["headers"]["HTTP_HOST"] == "me"
    assert "HTTP_CONNECTION" not in told["headers"]


def test_runs_what_the_procfile_says(instance: Instance, plane: ControlPlane) -> None:
    data = bundle(
        {
            "Procfile": (
                "web: python -m wsgiref_app $PORT\n"
                "tick: while true; do echo tick; sleep 0.05; done\n"
            ),
            "wsgiref_app.py": (
                "import sys\nfrom wsgiref.simple_server import make_server\n"
                "def app(e, s):\n    s('200 OK', [])\n    return [b'plain']\n"
                "make_server('127.0.0.1', int(sys.argv[1]), app).serve_forever()\n"
            ),
        }
    )
    report = plane.work("activate", instance.manifest(1, data), 1)
    assert report.state == "done", report.failure
    assert instance.get() == (200, "plain")
    wait_until(lambda: "tick\ntick\n" in instance.log("/var/log/tick.stdout.log"), "ticks")
    second = plane.work("activate", instance.manifest(2, hello("two")), 2)
    assert second.state == "done"
    assert instance.get() == (200, "two")
    quiet = instance.log("/var/log/tick.stdout.log")
    assert instance.get()[0] == 200
    assert instance.log("/var/log/tick.stdout.log") == quiet  # its group ended as well


def test_options_shape_the_default_procfile(instance: Instance, plane: ControlPlane) -> None:
    app = "def make():\n    return app\ndef app(e, s):\n    s('200 OK', [])\n    return [b'deep']\n"
    options = {"WSGIPath": "site_one/wsgi.py:app", "NumProcesses": "2", "NumThreads": "3"}
    manifest = instance.manifest(
        1,
        bundle({"site_one/wsgi.py": app}),
        options={"aws:elasticbeanstalk:container:python": options},
    )
    assert plane.work("activate", manifest, 1).state == "done"
    assert instance.get() == (200, "deep")
    procfile = instance.path("/var/app/current/Procfile").read_text()
    assert procfile.endswith("--workers=2 --threads=3 site_one.wsgi:app\n")


def test_serves_static_files_itself(instance: Instance, plane: ControlPlane) -> None:
    files = {
        "application.py": HELLO.format(text="app").replace("200 OK", "404 Not Found"),
        "public/a.css": "body {}",
        "static/b.js": "1",
    }
    first = instance.manifest(1, bundle(files))
    assert plane.work("activate", first, 1).state == "done"
    assert instance.get("/static/b.js") == (200, "1")
    assert instance.get("/assets/a.css") == (404, "app")
    statics = {"aws:elasticbeanstalk:environment:proxy:staticfiles": {"/assets": "/public/"}}
    second = instance.manifest(2, bundle(files), options=statics)
    assert plane.work("activate", second, 2).state == "done"
    assert instance.get("/assets/a.css") == (200, "body {}")
    assert instance.get("/static/b.js") == (404, "app")
    whole = {"aws:elasticbeanstalk:environment:proxy:staticfiles": {"/": "public"}}
    third = instance.manifest(3, bundle(files), options=whole)
    assert plane.work("activate", third, 3).state == "done"
    assert instance.get("/a.css") == (200, "body {}")
    assert instance.get("/") == (404, "app")


@pytest.mark.parametrize("unsafe", ["../..", "x;}", 'a"b', "$host"])
def test_refuses_static_files_that_nginx_would_misread(
    instance: Instance, plane: ControlPlane, unsafe: str
) -> None:
    statics = {"aws:elasticbeanstalk:environment:proxy:staticfiles": {"/s": unsafe}}
    report = plane.work("activate", instance.manifest(1, hello("one"), options=statics), 1)
    assert report.failure
    assert repr(unsafe) in report.failure["cause"]


def test_passes_connections_on_where_there_is_no_proxy(
    instance: Instance, plane: ControlPlane
) -> None:
    options = {"aws:elasticbeanstalk:environment:proxy": {"ProxyServer": "none"}}
    manifest = instance.manifest(1, bundle({"application.py": ENVIRONMENT}), options=options)
    assert plane.work("activate", manifest, 1).state == "done"
    headers = json.loads(instance.get()[1])["headers"]
    assert "HTTP_X_FORWARDED_FOR" not in headers


def test_passes_upgraded_connections_through(instance: Instance, plane: ControlPlane) -> None:
    server = """\
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    c, _ = listener.accept()
    head = b""
    while b"\\r\\n\\r\\n" not in head:
        data = c.recv(1000)
        if not data:
            break
        head += data
    if b"upgrade: echo" in head.lower():
        c.sendall(b"HTTP/1.1 101 Switching\\r\\nUpgrade: echo\\r\\nConnection: Upgrade\\r\\n\\r\\n")
        while data := c.recv(100):
            c.sendall(data)
    c.close()
"""
    data = bundle({"Procfile": "web: python server.py", "server.py": server})
    report = plane.work("activate", instance.manifest(1, data), 1)
    assert report.state == "done", report.failure
    with socket.create_connection(("127.0.0.1", instance.port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        head = client.recv(1_000)
        assert head.startswith(b"HTTP/1.1 101")
        client.sendall(b"ping")
        assert client.recv(100) == b"ping"


class Load:
    """Clients that ask again and again, with and without keeping their connection."""

    def __init__(self, instance: Instance, clients: int = 4) -> None:
        self.instance = instance
        self.seen: Counter[object] = Counter()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=("POST" if n % 2 else "GET", n >= 2))
            for n in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> Counter[object]:
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self.seen

    def _ask(self, method: str, keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.port, timeout=30)
        while not self._over.is_set():
            try:
                connection.request(method, "/", body=b"x" if method == "POST" else None)
                answer = connection.getresponse()
                found: object = (answer.status, answer.read().decode()[:20])
            except (OSError, http.client.HTTPException) as error:
                found = repr(error)
                connection.close()
            with self._lock:
                self.seen[found] += 1
            if not keep:
                connection.close()
        connection.close()


SLOW = """\
import time
def application(environ, start_response):
    time.sleep(0.02)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{text}"]
"""


def test_loses_no_request_when_a_release_follows_another(
    instance: Instance, plane: ControlPlane
) -> None:
    releases = [bundle({"application.py": SLOW.format(text=f"r{n}")}) for n in range(1, 5)]
    assert plane.work("activate", instance.manifest(1, releases[0]), 1).state == "done"
    load = Load(instance)
    for number, data in enumerate(releases[1:], 2):
        report = plane.work("activate", instance.manifest(number, data), number)
        assert report.state == "done", report.failure
        wait_until(lambda n=number: load.seen[200, f"r{n}"] > 5, "answers of the new release")
    seen = load.end()
    assert {key for key in seen if not (isinstance(key, tuple) and key[0] == 200)} == set(), seen
    assert sum(seen.values()) > 50


def test_restarts_without_losing_a_request(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    before = instance.path("/var/pids/web.pid").read_text()
    load = Load(instance, clients=2)
    report = plane.work("restart", None, 2)
    assert (report.state, report.running) == ("done", 1)
    assert instance.path("/var/pids/web.pid").read_text() != before
    assert instance.get() == (200, "one")
    assert set(load.end()) == {(200, "one")}


def test_a_configuration_deployment_has_hooks_of_its_own(
    instance: Instance, plane: ControlPlane
) -> None:
    files = {
        "application.py": "def application(e, s):\n    s('200 OK', [])\n    return [b'x']\n",
        ".platform/hooks/predeploy/a": "#!/bin/sh\necho application hook",
        ".platform/confighooks/predeploy/a": "#!/bin/sh\necho configuration hook",
    }
    manifest = instance.manifest(1, bundle(files), hooks="confighooks")
    assert plane.work("activate", manifest, 1).state == "done"
    assert instance.log("/var/log/eb-hooks.log") == "configuration hook\n"


def test_hooks_run_in_order_with_what_they_need(instance: Instance, plane: ControlPlane) -> None:
    say = '#!/bin/sh\necho "$(basename $0) $(basename $PWD) $A $PORT $EB_IS_COMMAND_LEADER"\n'
    hooks = ["prebuild/01_b.sh", "prebuild/02_a.sh", "predeploy/10.sh", "postdeploy/x.sh"]
    files = {f".platform/hooks/{hook}": say for hook in hooks}
    files[".ebextensions/01.config"] = "option_settings: {}"
    data = bundle(
        {"application.py": "def application(e, s):\n    s('200 OK', [])\n    return []\n", **files},
        modes={f".platform/hooks/{hooks[0]}": 0o100644},
    )
    manifest = instance.manifest(1, data, environment={"A": "property"})
    plane.give("activate", manifest, 1, leader=True)
    report = plane.wait(lambda r: r.state in ("done", "failed"))
    assert report.state == "done", report.failure
    rest = f"property {instance.app_port} true\n"
    assert instance.log("/var/log/eb-hooks.log") == (
        f"01_b.sh staging {rest}02_a.sh staging {rest}10.sh staging {rest}x.sh current {rest}"
    )
    assert not instance.path("/var/app/current/.ebextensions").exists()
    assert instance.path("/var/app/current/.platform").exists()


def test_hooks_install_into_the_release_alone(instance: Instance, plane: ControlPlane) -> None:
    package = (
        "from setuptools import setup\nsetup(name='extra-thing', py_modules=['extra_thing'])\n"
    )
    hook = (
        "#!/bin/bash -e\n"
        f"source {instance.path('/var/app/venv')}/*/bin/activate\n"
        "pip install --no-build-isolation --no-index ./extra 2>&1 || python -m pip list\n"
        "SITE=$(python -c 'import sysconfig; print(sysconfig.get_paths()[\"purelib\"])')\n"
        "cp extra/extra_thing.py $SITE/\n"
        "python -c 'import extra_thing, gunicorn; print(extra_thing.__file__)'\n"
    )
    files = {
        "application.py": (
            "import extra_thing\n"
            "def application(e, s):\n    s('200 OK', [])\n"
            "    return [extra_thing.__file__.encode()]\n"
        ),
        "extra/setup.py": package,
        "extra/extra_thing.py": "",
        ".platform/hooks/predeploy/install.sh": hook,
    }
    report = plane.work("activate", instance.manifest(1, bundle(files)), 1)
    assert report.state == "done", (report.failure, instance.log("/var/log/eb-hooks.log"))
    assert str(instance.path("/var/app/venv")) in instance.get()[1]
    link = instance.path("/var/app/venv/staging-LQM1lest")
    assert link.is_symlink()
    first = link.resolve()
    assert plane.work("activate", instance.manifest(2, hello("two")), 2).state == "done"
    second = link.resolve()
    assert second != first
    assert not (second / f"lib/python{VERSION}/site-packages/extra_thing.py").exists()
    wait_until(lambda: not first.exists(), "the old environment is gone")


def test_dependencies_are_asked_for_with_all_that_they_include(
    instance: Instance, plane: ControlPlane
) -> None:
    data = bundle(
        {
            "application.py": "def application(e, s):\n    s('200 OK', [])\n    return []\n",
            "requirements.txt": "-r requirements/base.txt\nflask==3\n",
            "requirements/base.txt": "-c limits.txt\nrequests\n",
            "requirements/limits.txt": "urllib3<3\n",
        }
    )
    assert plane.work("activate", instance.manifest(1, data), 1).state == "done"
    asked = plane.resolved[0]
    assert (asked["kind"], asked["runtime"]) == ("pip", VERSION)
    assert list(asked["files"]) == [
        "requirements.txt",
        "requirements/base.txt",
        "requirements/limits.txt",
    ]
    assert asked["files"]["requirements.txt"] == "-r requirements/base.txt\nflask==3\n"


def test_dependencies_in_the_bundle_are_installed_in_place(
    instance: Instance, plane: ControlPlane
) -> None:
    wheel = bundle(
        {
            "inside.py": "TEXT = b'from the bundle'\n",
            "inside-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: inside\nVersion: 1.0\n",
            "inside-1.0.dist-info/WHEEL": (
                "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            ),
            "inside-1.0.dist-info/RECORD": "inside.py,,\ninside-1.0.dist-info/RECORD,,\n",
        }
    )
    data = bundle(
        {
            "application.py": (
                "import inside\ndef application(e, s):\n    s('200 OK', [])\n"
                "    return [inside.TEXT]\n"
            ),
            "requirements.txt": "./wheels/inside-1.0-py3-none-any.whl\n",
            "wheels/inside-1.0-py3-none-any.whl": wheel,
        }
    )
    report = plane.work("activate", instance.manifest(1, data), 1)
    assert report.state == "done", report.failure
    assert instance.get() == (200, "from the bundle")
    assert plane.resolved == []


def test_a_transfer_goes_on_where_it_broke_off(instance: Instance, plane: ControlPlane) -> None:
    plane.cut_off_at = 100
    assert plane.work("activate", instance.manifest(1, hello("whole" * 50)), 1).state == "done"
    assert plane.ranges[0] == 0
    assert plane.ranges[1] > 0
    assert instance.get() == (200, "whole" * 50)
