"""What goes wrong is said in one sentence, and the running release goes on wherever it can."""

from __future__ import annotations

import re

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.rig import HELLO, VERSION, Instance, bundle, hello, wait_until

from jackbean.core.protocol import Report

APP = HELLO.format(text="new")
LINK = 0o120777
WRAPPED = {"myapp/application.py": APP, "myapp/requirements.txt": ""}
FLASK = "from flask import Flask\napp = Flask(__name__)\n"

BAD_BUNDLES = {
    "no zip": (b"hello", "StageApplication", r"no ZIP file"),
    "a tar": (b"\x1f\x8b\x08aaaaaaaaaaaaaaaaaaaaaaaaa", "StageApplication", r"gzip file"),
    "leads out": (bundle({"../../evil": "x"}), "StageApplication", r"'\.\./\.\./evil' leads out"),
    "a link out": (
        bundle({"application.py": APP, "data": "/etc"}, {"data": LINK}),
        "StageApplication",
        r"data is a link to /etc",
    ),
    "wrapped": (bundle(WRAPPED), "check Procfile", r"inside of one folder, myapp/"),
    "nothing": (bundle({"README": ""}), "check Procfile", r"names no module \(application\.py\)"),
    "another name": (
        bundle({"app.py": FLASK}),
        "check Procfile",
        r"app\.py has `app`: set option WSGIPath to app:app",
    ),
    "another callable": (
        bundle({"application.py": FLASK}),
        "check Procfile",
        r"no callable `application`; it has `app`.*\(application:app\)",
    ),
    "a bad Procfile": (
        bundle({"Procfile": "web: x\nnonsense\n"}),
        "check Procfile",
        r"Procfile, line 2: `nonsense`",
    ),
    "a bad include": (
        bundle({"application.py": APP, "requirements.txt": "a\n-r ../../etc/passwd\n"}),
        "InstallDependency",
        r"requirements\.txt, line 2: \.\./\.\./etc/passwd is outside",
    ),
    "a bad encoding": (
        bundle({"application.py": APP, "requirements.txt": b"a\n\xff\n"}),
        "InstallDependency",
        r"requirements\.txt, line 2: it is not UTF-8",
    ),
    "a failing hook": (
        bundle(
            {
                "application.py": APP,
                ".platform/hooks/predeploy/01.sh": "#!/bin/sh\necho why >&2\nexit 7\n",
            }
        ),
        "RunAppDeployPreDeployHooks",
        r"\.platform/hooks/predeploy/01\.sh exited with code 7",
    ),
    "a hook from Windows": (
        bundle({"application.py": APP, ".platform/hooks/prebuild/a.sh": "#!/bin/sh\r\ntrue\r\n"}),
        "RunAppDeployPreBuildHooks",
        r"a\.sh could not be started: its lines end as on Windows",
    ),
    "a hook that is no program": (
        bundle({"application.py": APP, ".platform/hooks/prebuild/a.txt": "hello\n"}),
        "RunAppDeployPreBuildHooks",
        r"a\.txt could not be started: it is no program",
    ),
    "a hook without its interpreter": (
        bundle({"application.py": APP, ".platform/hooks/prebuild/a": "#!/usr/bin/perl7\n"}),
        "RunAppDeployPreBuildHooks",
        r"`/usr/bin/perl7` is not on the instance",
    ),
    "a bad proxy file": (
        bundle(
            {
                "application.py": APP,
                ".platform/hooks/predeploy/a": (
                    "#!/bin/sh\n"
                    "echo 'nonsense;' > ../../proxy/staging/nginx/conf.d/elasticbeanstalk/x.conf\n"
                ),
            }
        ),
        "check proxy configuration",
        r'"nonsense" in /var/proxy/staging/nginx/conf\.d/elasticbeanstalk/x\.conf',
    ),
}


def failed(report: Report) -> dict[str, str]:
    assert report.state == "failed"
    assert report.failure
    return report.failure


def test_a_bad_bundle_never_stops_the_running_release(
    instance: Instance, plane: ControlPlane
) -> None:
    assert plane.work("activate", instance.manifest(1, hello("old")), 1).state == "done"
    pid = instance.path("/var/pids/web.pid").read_text()
    venv = instance.path("/var/app/venv/staging-LQM1lest").resolve()
    for serial, (name, (data, step, cause)) in enumerate(BAD_BUNDLES.items(), 2):
        report = plane.work("activate", instance.manifest(serial, data), serial)
        failure = failed(report)
        assert (failure["step"], name) == (step, name)
        assert re.search(cause, failure["cause"]), (name, failure)
        assert failure["cause"].endswith((".", "x.conf:1")), failure
        assert failure["log"].startswith("/var/log/")
        assert (report.running, report.staged) == (1, None)
        assert report.deployed["status"] == "Failed"
        assert instance.get() == (200, "old"), name
    assert instance.path("/var/pids/web.pid").read_text() == pid
    assert instance.path("/var/app/venv/staging-LQM1lest").resolve() == venv
    assert plane.work("activate", instance.manifest(99, hello("good")), 99).state == "done"
    assert instance.get() == (200, "good")


def test_a_hooks_last_words_are_told(instance: Instance, plane: ControlPlane) -> None:
    data = BAD_BUNDLES["a failing hook"][0]
    failure = failed(plane.work("activate", instance.manifest(1, data), 1))
    assert failure["log"] == "/var/log/eb-hooks.log"
    assert failure["tail"] == "why"
    assert "[app-stage] - [RunAppDeployPreDeployHooks]" in instance.log()


def test_unresolvable_dependencies_are_told_in_the_installers_words(
    instance: Instance, plane: ControlPlane
) -> None:
    plane.unresolvable = {"cause": "requirements.txt: no version of flaks.", "tail": "x\ny"}
    data = bundle({"application.py": APP, "requirements.txt": "flaks\n"})
    failure = failed(plane.work("activate", instance.manifest(1, data), 1))
    assert failure["step"] == "InstallDependency"
    assert "no version of flaks" in failure["cause"]
    assert failure["tail"] == "x\ny"


def test_a_release_that_fails_after_the_flip_stays(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("old")), 1)
    data = bundle({"application.py": APP, ".platform/hooks/postdeploy/a": "#!/bin/sh\nexit 1"})
    report = plane.work("activate", instance.manifest(2, data), 2)
    assert failed(report)["step"] == "RunAppDeployPostDeployHooks"
    assert report.running == 2
    assert instance.get() == (200, "new")


def test_an_application_that_dies_is_told_with_its_last_words(
    instance: Instance, plane: ControlPlane
) -> None:
    plane.work("activate", instance.manifest(1, hello("old")), 1)
    data = bundle({"application.py": "application = 1\nimport nowhere_to_be_found\n"})
    report = plane.work("activate", instance.manifest(2, data), 2)
    failure = failed(report)
    assert failure["step"] == "wait for application"
    assert re.search(r"process web exited with code \d+, 3 times in a row", failure["cause"])
    assert failure["log"] == "/var/log/web.stdout.log"
    assert "No module named 'nowhere_to_be_found'" in failure["tail"]
    assert report.running == 2
    down = plane.wait(lambda r: r.application == "down")
    assert "Process web keeps ending" in down.causes[0]
    assert instance.get()[0] == 502
    assert plane.work("activate", instance.manifest(3, hello("better")), 3).state == "done"
    assert instance.get() == (200, "better")


def test_an_application_that_never_listens_is_told_what_it_does_instead(
    instance: Instance, plane: ControlPlane
) -> None:
    server = "import socket, time\ns = socket.create_server(('127.0.0.1', 0))\ntime.sleep(60)\n"
    data = bundle({"Procfile": "web: python s.py\n", "s.py": server})
    manifest = instance.manifest(1, data, timeout_s=2.0)
    failure = failed(plane.work("activate", manifest, 1))
    assert failure["step"] == "wait for application"
    expected = rf"nothing listens on 127\.0\.0\.1:{instance.app_port}, but it listens on \d+"
    assert re.search(expected, failure["cause"])


def test_a_hook_that_takes_too_long_is_ended(instance: Instance, plane: ControlPlane) -> None:
    hook = "#!/bin/sh\necho on my way\nsleep 60 &\nwait\n"
    data = bundle({"application.py": APP, ".platform/hooks/prebuild/slow": hook})
    failure = failed(plane.work("activate", instance.manifest(1, data, timeout_s=1.0), 1))
    assert "did not finish within 1 s" in failure["cause"]
    assert "Until then it ran `/var/app/staging/.platform/hooks/prebuild/slow`." in failure["cause"]
    assert (failure["log"], failure["tail"]) == ("/var/log/eb-hooks.log", "on my way")


def test_an_application_that_dies_later_is_started_again(
    instance: Instance, plane: ControlPlane
) -> None:
    app = (
        "import os, signal\n"
        "def application(e, s):\n"
        "    if e['PATH_INFO'] == '/die':\n"
        "        os.kill(os.getppid(), signal.SIGKILL)\n"
        "    s('200 OK', [])\n    return [b'alive']\n"
    )
    plane.work("activate", instance.manifest(1, bundle({"application.py": app})), 1)
    instance.get("/die")
    for _ in range(5):
        assert instance.get() == (200, "alive")  # whoever comes now waits until it is back


def test_nginx_is_started_again(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    pid = int(instance.path("/var/lib/nginx/nginx.pid").read_text())
    import os

    os.kill(pid, 9)
    wait_until(
        lambda: (
            instance.path("/var/lib/nginx/nginx.pid").read_text() != f"{pid}\n"
            and instance.get() == (200, "one")
        ),
        "nginx is back",
    )


@pytest.mark.parametrize(
    ("order", "cause"),
    [
        ({"work": "dance"}, "does not know work 'dance'"),
        ({"work": "stage"}, "names no release"),
        ({"work": "restart"}, "nothing to restart"),
        ({"work": "stage", "manifest": {"release": "x"}}, "cannot be read"),
    ],
)
def test_orders_that_make_no_sense_fail(
    instance: Instance, plane: ControlPlane, order: dict[str, object], cause: str
) -> None:
    from jackbean.core.protocol import Order

    plane.order(Order(serial=1, **order))  # type: ignore[arg-type]  # of the wrong types, mostly
    report = plane.wait(lambda r: r.serial == 1 and r.state == "failed")
    assert cause in failed(report)["cause"]


@pytest.mark.parametrize(
    ("platform", "version", "cause"),
    [("cobol", VERSION, "platform 'cobol'"), ("python", "3.99", "no Python 3.99")],
)
def test_platforms_that_are_not_here_are_named(
    instance: Instance, plane: ControlPlane, platform: str, version: str, cause: str
) -> None:
    manifest = instance.manifest(1, hello("x"), platform=platform, platform_version=version)
    assert cause in failed(plane.work("activate", manifest, 1))["cause"]
