"""nginx's files are made from one value, compared whole."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.agent.rig import NGINX

from jackbean.agent import nginx
from jackbean.agent.nginx import ProxySite, Unsafe

SITE = ProxySite(
    listen="127.0.0.1:80",
    upstream="127.0.0.1:8000",
    waiting="/var/run/jackbean/waiting.sock",
    hold="/var/run/jackbean/hold",
    logs="/var/log/nginx",
    state="/var/lib/nginx",
)


def test_has_the_layout_that_bundles_build_on() -> None:
    assert set(nginx.files(SITE)) == {
        "nginx.conf",
        "mime.types",
        "conf.d/healthd_logformat.conf",
        "conf.d/upstream.conf",
        "conf.d/elasticbeanstalk/00_application.conf",
        "conf.d/elasticbeanstalk/01_static.conf",
        "conf.d/elasticbeanstalk/healthd.conf",
    }


def test_passes_requests_to_the_application() -> None:
    assert (
        nginx.files(SITE)["conf.d/elasticbeanstalk/00_application.conf"]
        == """\
location / {
    set $application application;
    if (-f "/var/run/jackbean/hold") {
        set $application waiting_room;
    }
    proxy_pass http://$application;
    proxy_http_version 1.1;
    proxy_next_upstream error;
    proxy_next_upstream_timeout 1s;

    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
}
"""
    )


def test_writes_the_health_log_as_health_agents_read_it() -> None:
    files = nginx.files(SITE)
    assert files["conf.d/healthd_logformat.conf"] == (
        'log_format healthd \'$msec"$uri"$status"$request_time"'
        "$upstream_response_time\"$http_x_forwarded_for';\n"
    )
    assert (
        'access_log "/var/log/nginx/healthd/application.log.$year-$month-$day-$hour" healthd;'
        in files["conf.d/elasticbeanstalk/healthd.conf"]
    )


def test_maps_static_files() -> None:
    site = replace(SITE, statics={"/static": "/var/app/current/static", "/a/": "/var/app/b/"})
    assert nginx.files(site)["conf.d/elasticbeanstalk/01_static.conf"] == (
        'location /a/ {\n    alias "/var/app/b/";\n}\n'
        'location /static/ {\n    alias "/var/app/current/static/";\n}\n'
    )


@pytest.mark.parametrize(
    "statics",
    [
        {"static": "static"},
        {"/a b": "x"},
        {"/a;b": "x"},
        {"/a{": "x"},
        {"/a": "../x"},
        {"/a": 'x"'},
        {"/a": "$x"},
        {"/a": "x\n"},
        {"/a": "x\\"},
        {"/a": ""},
    ],
)
def test_refuses_values_that_nginx_would_misread(statics: dict[str, str]) -> None:
    with pytest.raises(Unsafe):
        nginx.check_statics(statics)


@pytest.mark.parametrize("server", ["nginx", "none"])
@pytest.mark.parametrize("upstream", ["127.0.0.1:8000", "unix:/var/run/puma/my_app.sock"])
def test_is_understood_by_nginx(tmp_path: Path, server: str, upstream: str) -> None:
    (tmp_path / "healthd").mkdir()
    site = replace(
        SITE,
        listen="127.0.0.1:8080",
        logs=str(tmp_path),
        state=str(tmp_path),
        server=server,
        upstream=upstream,
        other_name="my_app",
        statics={"/static": "/srv/static", "/": "/srv/public"},
    )
    for name, text in nginx.files(site).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [NGINX, "-t", "-q", "-e", "stderr", "-p", tmp_path, "-c", tmp_path / "nginx.conf"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_says_what_brings_a_module_that_is_not_there() -> None:
    said = 'unknown directive "stub_status" in /etc/nginx/conf.d/x.conf:1'
    assert "`apt install nginx` on the machine" in nginx.advice(said)
    assert nginx.advice('unknown directive "locatoin" in x:1') == ""
    assert nginx.advice("host not found in upstream") == ""


def test_leaves_out_only_what_looks_for_packed_files() -> None:
    text = b"location / { gzip_static on; gzip on; expires max; }\n"
    assert nginx.without_gzip_static(text) == b"location / {  gzip on; expires max; }\n"


HERE = "10.1.2.3:80"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("listen 80;", "listen 10.1.2.3:80;"),
        ("listen 80 default_server;", "listen 10.1.2.3:80 default_server;"),
        ("listen   *:80;", "listen 10.1.2.3:80;"),
        ("listen 0.0.0.0:80;", "listen 10.1.2.3:80;"),
        ("listen 80;listen [::]:80;", "listen 10.1.2.3:80;"),
        (
            "listen [::]:80 ipv6only=on; listen 80 default_server;",
            " listen 10.1.2.3:80 default_server;",
        ),
        ("listen [::]:80;", "listen 10.1.2.3:80;"),
        ("listen 8080; listen 443 ssl; listen 127.0.0.1:80;", None),
        ("# listen", None),
    ],
)
def test_port_80_is_where_the_instance_has_it(said: str, meant: str | None) -> None:
    assert nginx.listening(said.encode(), HERE).decode() == (said if meant is None else meant)
