"""Bundles as people have them: what is odd about them, and what they still do."""

from __future__ import annotations

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.extensions.deploying import deploy
from tests.agent.rig import HELLO, Instance, bundle

from jackbean.core.instructions import Command, Extension

APP = HELLO.format(text="here")
OWN_UPSTREAM = "upstream my_app { server 127.0.0.1:8080; }\n"
TO_MY_APP = "location / { proxy_pass http://my_app; gzip_static on; }\n"


def serve(plane: ControlPlane, instance: Instance, data: bytes, **more: object) -> None:
    report = plane.work("activate", instance.manifest(1, data, **more), 1)
    assert report.state == "done", (report.failure, instance.log())


def test_lines_are_bash_as_on_amazon_linux(instance: Instance, plane: ControlPlane) -> None:
    """`source` is in most Python bundles, and only bash has it."""
    words = "source ./words.sh && [[ $WORD == b* ]]"
    extension = Extension(
        ".ebextensions/01.config",
        container_commands=(
            Command("1", f"{words} && echo $WORD &> said"),
            Command("2", "touch tested", test=words),
        ),
    )
    files = {
        "application.py": APP,
        "words.sh": "WORD=bash\n",
        "Procfile": f"web: {words} && exec gunicorn --bind 127.0.0.1:$PORT application\n",
    }
    report = deploy(instance, plane, extension, data=bundle(files))
    assert report.state == "done", report.failure
    assert instance.log("/var/app/current/said") == "bash\n"
    assert instance.path("/var/app/current/tested").exists()
    assert instance.get() == (200, "here")


@pytest.mark.parametrize("own", [False, True])
def test_an_application_may_listen_on_a_socket(
    instance: Instance,
    plane: ControlPlane,
    own: bool,
) -> None:
    """As Puma and gunicorn can; nginx is led there, whether the bundle does it or not."""
    socket = instance.path("/tmp/a.sock")
    socket.parent.mkdir(exist_ok=True)
    files = {
        "application.py": APP,
        "Procfile": f"web: gunicorn --bind unix:{socket} --no-control-socket application\n",
    }
    if own:
        location = f"location / {{ proxy_pass http://unix:{socket}; }}\n"
        files[".platform/nginx/conf.d/elasticbeanstalk/00_application.conf"] = location
    serve(plane, instance, bundle(files))
    assert instance.get() == (200, "here")
    assert "The application listens on /tmp/a.sock" in instance.log()
    pid = instance.path("/var/pids/web.pid").read_text()
    assert plane.work("restart", None, 2).state == "done"
    assert instance.get() == (200, "here")
    assert instance.path("/var/pids/web.pid").read_text() != pid


@pytest.mark.parametrize("files", [{}, {".platform/nginx/conf.d/own.conf": OWN_UPSTREAM}])
def test_nginx_files_may_call_rubys_application_my_app(
    instance: Instance, plane: ControlPlane, files: dict[str, str]
) -> None:
    """A bundle that says itself what that is keeps its word."""
    location = {".platform/nginx/conf.d/elasticbeanstalk/00_application.conf": TO_MY_APP}
    start = "web: python3 -m http.server --bind 127.0.0.1 $PORT\n"
    data = bundle({"index.html": "a page", "Procfile": start, **files, **location})
    serve(plane, instance, data, platform="ruby", platform_version="3.1")
    assert instance.get() == (200, "a page")


def test_rubys_public_folder_is_served_by_nginx(instance: Instance, plane: ControlPlane) -> None:
    start = "web: python3 -m http.server --bind 127.0.0.1 $PORT\n"
    files = {"index.html": "a page", "public/robots.txt": "all", "public/assets/a.css": "css"}
    data = bundle({**files, "Procfile": start})
    serve(plane, instance, data, platform="ruby", platform_version="3.1")
    found = [instance.get(path) for path in ("/", "/robots.txt", "/assets/a.css")]
    assert found == [(200, "a page"), (200, "all"), (200, "css")]


def test_why_a_program_ends_is_in_the_sentence(instance: Instance, plane: ControlPlane) -> None:
    data = bundle({"Procfile": "web: python3 -c 'import nothing_like_it'\n", "pyproject.toml": ""})
    report = plane.work("activate", instance.manifest(1, data), 1)
    assert report.failure
    said = "times in a row: ModuleNotFoundError: No module named 'nothing_like_it'."
    assert report.failure["cause"].endswith(said)
    plane.await_notice("What pyproject.toml lists is not installed")
