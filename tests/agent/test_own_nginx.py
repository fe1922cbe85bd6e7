"""An `nginx.conf` of the bundle's own, and what a running nginx does not go over to."""

from __future__ import annotations

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import HELLO, Instance, bundle

APP = HELLO.format(text="here")
OWN = """\
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log;
pid /var/run/nginx.pid;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  include conf.d/*.conf;
  map $http_upgrade $connection_upgrade { default "upgrade"; }
  server {
    listen 80 default_server;
    listen [::]:80 default_server;
    include conf.d/elasticbeanstalk/*.conf;
    location /own { return 200 "own"; }
  }
}
"""
ZONE = ".platform/nginx/conf.d/limits.conf"
LOCATION = ".platform/nginx/conf.d/elasticbeanstalk/limits.conf"


def deploy(instance: Instance, plane: ControlPlane, serial: int, **files: str) -> None:
    data = bundle({"application.py": APP, **files})
    report = plane.work("activate", instance.manifest(serial, data), serial)
    assert report.state == "done", (report.failure, instance.log())


def test_a_bundle_may_bring_all_of_it(instance: Instance, plane: ControlPlane) -> None:
    deploy(instance, plane, 1)
    deploy(instance, plane, 2, **{".platform/nginx/nginx.conf": OWN})
    assert (instance.get("/own"), instance.get()) == ((200, "own"), (200, "here"))
    deploy(instance, plane, 3)
    assert instance.get("/own") == (200, "here")


def test_what_a_running_nginx_refuses_it_is_started_with(
    instance: Instance, plane: ControlPlane
) -> None:
    for serial, key in ((1, "$uri"), (2, "$remote_addr")):
        files = {
            ZONE: f"limit_req_zone {key} zone=all:1m rate=99r/s;\n",
            LOCATION: f'location /key {{ limit_req zone=all burst=9; return 200 "{serial}"; }}\n',
        }
        deploy(instance, plane, serial, **files)
        assert instance.get("/key") == (200, str(serial))
    assert 'while previously it used the "$uri" key' in instance.log("/var/log/nginx/error.log")
