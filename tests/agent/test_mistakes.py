"""Rules of Elastic Beanstalk's instances that are easily got wrong, each by its number.

Which tests show which rule stands in `docs/parity_rules.py`; others are near what they are about.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.rig import HELLO, Instance, bundle, hello, wait_until

from jackbean.agent.application import USUAL
from jackbean.agent.listening import accepts
from jackbean.routing.templates import HEALTH_CHECKER

PROXY = "aws:elasticbeanstalk:environment:proxy"
NODE = shutil.which("node", path="/usr/bin")
needs_node = pytest.mark.skipif(
    not NODE or not shutil.which("npm", path="/usr/bin"), reason="there is no Node.js in /usr"
)
SERVER = (
    'require("http").createServer((q, a) => a.end(process.env.PORT + " TEXT")).listen(WHERE);\n'
)
SCRIPT = 0o100755


def done(plane: ControlPlane, instance: Instance, serial: int, data: bytes, **more: object) -> None:
    report = plane.work("activate", instance.manifest(serial, data, **more), serial)
    assert report.state == "done", (report.failure, instance.log())


def test_mistake_2_configuration_deployments_run_confighooks_and_no_hooks(
    instance: Instance, plane: ControlPlane
) -> None:
    files = {
        f".platform/{kind}/{point}/a": f"#!/bin/sh\necho {kind} {point}\n"
        for kind in ("hooks", "confighooks")
        for point in ("prebuild", "predeploy", "postdeploy")
    }
    data = bundle({"application.py": HELLO.format(text="x"), **files})
    done(plane, instance, 1, data)
    assert instance.log("/var/log/eb-hooks.log").split() == [
        *("hooks", "prebuild", "hooks", "predeploy", "hooks", "postdeploy")
    ]
    done(plane, instance, 2, data, hooks="confighooks")
    said = instance.log("/var/log/eb-hooks.log").splitlines()[3:]
    assert said == ["confighooks prebuild", "confighooks predeploy", "confighooks postdeploy"]


def test_mistake_13_hooks_run_by_name_in_staging_and_then_in_current(
    instance: Instance, plane: ControlPlane
) -> None:
    """Those that are not executable are made so, and that is remarked on."""
    line = "#!/bin/sh\necho $0 $(basename $PWD)\n"
    names = ("hooks/predeploy/10", "hooks/predeploy/9", "hooks/postdeploy/1")
    files = {f".platform/{name}.sh": line for name in names}
    data = bundle({"application.py": HELLO.format(text="x"), **files})
    done(plane, instance, 1, data)
    said = [line.split()[1] for line in instance.log("/var/log/eb-hooks.log").splitlines()]
    assert said == ["staging", "staging", "current"]
    order = re.findall(r"predeploy/(\d+)\.sh ", instance.log("/var/log/eb-hooks.log"))
    assert order == ["10", "9"]
    assert "[WARN] .platform/hooks/predeploy/9.sh is not executable" in instance.log()


def test_mistake_14_extensions_are_gone_before_predeploy_and_platform_files_stay(
    instance: Instance, plane: ControlPlane
) -> None:
    files = {
        ".ebextensions/notes.txt": "x",
        ".platform/hooks/prebuild/a": "#!/bin/sh\nls -A . | tr '\\n' ' '; echo\n",
        ".platform/hooks/predeploy/a": "#!/bin/sh\nls -A . | tr '\\n' ' '; echo\n",
    }
    done(plane, instance, 1, bundle({"application.py": HELLO.format(text="x"), **files}))
    before, after = instance.log("/var/log/eb-hooks.log").splitlines()
    assert ".ebextensions" in before
    assert ".ebextensions" not in after
    assert ".platform" in after


def test_mistake_15_nginx_files_are_in_their_contexts_and_replace_by_name(
    instance: Instance, plane: ControlPlane
) -> None:
    """conf.d is the http context, conf.d/elasticbeanstalk the server's; same name, same place."""
    files = {
        ".platform/nginx/conf.d/limits.conf": "limit_req_zone $uri zone=all:1m rate=99r/s;\n",
        ".platform/nginx/conf.d/elasticbeanstalk/more.conf": (
            "limit_req zone=all burst=99;\nadd_header X-Here yes always;\n"
        ),
        ".platform/nginx/conf.d/elasticbeanstalk/01_static.conf": (
            "location /own { return 418 own; }\n"
        ),
    }
    done(plane, instance, 1, bundle({"application.py": HELLO.format(text="x"), **files}))
    assert instance.get("/own") == (418, "own")
    assert instance.get() == (200, "x")
    text = instance.path("/etc/nginx/conf.d/elasticbeanstalk/01_static.conf").read_text()
    assert text == "location /own { return 418 own; }\n"
    done(plane, instance, 2, hello("y"))
    assert instance.get("/own") == (200, "y")
    assert not instance.path("/etc/nginx/conf.d/limits.conf").exists()


def test_a_main_file_of_nginx_can_be_replaced(instance: Instance, plane: ControlPlane) -> None:
    """It keeps what Elastic Beanstalk adds if it includes that; ports and paths are adapted."""
    main = """\
user nginx;
error_log /var/log/nginx/error.log warn;
pid /var/run/nginx.pid;
events { worker_connections 128; }
http {
    include conf.d/*.conf;
    map $http_upgrade $connection_upgrade { default "upgrade"; }
    server {
        listen 80 default_server;
        location /mine { return 200 mine; }
        include conf.d/elasticbeanstalk/*.conf;
    }
}
"""
    data = bundle({"application.py": HELLO.format(text="x"), ".platform/nginx/nginx.conf": main})
    instance.path("/var/run").mkdir(parents=True, exist_ok=True)
    done(plane, instance, 1, data)
    assert instance.get("/mine") == (200, "mine")
    assert instance.get() == (200, "x")


def test_mistake_3_a_bad_nginx_file_is_found_before_the_old_release_is_touched(
    instance: Instance, plane: ControlPlane
) -> None:
    done(plane, instance, 1, hello("old"))
    pid = instance.path("/var/pids/web.pid").read_text()
    files = {".platform/nginx/conf.d/elasticbeanstalk/bad.conf": "locatoin / { }\n"}
    data = bundle({"application.py": HELLO.format(text="new"), **files})
    report = plane.work("activate", instance.manifest(2, data), 2)
    assert report.failure
    assert report.failure["step"] == "check proxy configuration"
    assert 'unknown directive "locatoin"' in report.failure["cause"]
    assert "bad.conf:1" in report.failure["cause"]
    assert instance.get() == (200, "old")
    assert instance.path("/var/pids/web.pid").read_text() == pid


def test_files_that_others_put_into_nginx_survive(instance: Instance, plane: ControlPlane) -> None:
    done(plane, instance, 1, hello("one"))
    other = instance.path("/etc/nginx/conf.d/elasticbeanstalk/zz_other.conf")
    other.write_text("location /other { return 200 other; }\n")
    done(plane, instance, 2, hello("two"))
    assert instance.get("/other") == (200, "other")
    done(plane, instance, 3, hello("three"))
    assert instance.get("/other") == (200, "other")


def test_mistake_16_health_log_separators_are_quotes_and_files_are_hourly(
    instance: Instance, plane: ControlPlane
) -> None:
    done(plane, instance, 1, hello("x"))
    instance.get("/a/page")
    folder = instance.path("/var/log/nginx/healthd")
    wait_until(lambda: "/a/page" in "".join(f.read_text() for f in folder.iterdir()), "a line")
    (log,) = folder.iterdir()
    assert re.fullmatch(r"application\.log\.\d{4}-\d\d-\d\d-\d\d", log.name)
    wanted = r'\d{10}\.\d{3}"/a/page"200"\d+\.\d{3}"\d+\.\d{3}"-\n'
    assert re.fullmatch(wanted, log.read_text().splitlines(keepends=True)[-1])


def test_apache_is_served_by_nginx_with_a_warning(instance: Instance, plane: ControlPlane) -> None:
    files = {".platform/httpd/conf.d/a.conf": "Header set A b\n"}
    data = bundle({"application.py": HELLO.format(text="x"), **files})
    done(plane, instance, 1, data, options={PROXY: {"ProxyServer": "apache"}})
    assert instance.get() == (200, "x")
    plane.await_notice("ProxyServer is apache, which does not run here")
    plane.await_notice("What is in .platform/httpd is for Apache")


def test_values_of_several_lines_reach_processes_and_the_environment_file(
    instance: Instance, plane: ControlPlane
) -> None:
    key = "-----BEGIN KEY-----\nab$c\"d'\\e\n-----END KEY-----\n"
    hook = '#!/bin/sh\nset -a; . ../../../opt/elasticbeanstalk/deployment/env; printf %s "$KEY"\n'
    files = {
        "application.py": (
            "import os\ndef application(environ, start):\n"
            "    start('200 OK', [])\n    return [os.environ['KEY'].encode()]\n"
        ),
        ".platform/hooks/postdeploy/a": hook,
    }
    done(plane, instance, 1, bundle(files), environment={"KEY": key, "PLAIN": "a b=c"})
    assert instance.get() == (200, key)
    assert instance.log("/var/log/eb-hooks.log").rstrip("\n") == key.rstrip("\n")
    env = instance.path("/opt/elasticbeanstalk/deployment/env").read_text()
    assert env.endswith("PLAIN=a b=c\n")


@pytest.mark.skipif(not shutil.which("php-fpm8.2"), reason="php-fpm8.2 is not on this machine")
def test_mistake_12_vendor_in_the_bundle_means_no_composer(
    instance: Instance, plane: ControlPlane
) -> None:
    files = {
        "composer.json": '{"require": {"nobody/nothing": "9.9.9"}}',
        "vendor/autoload.php": "<?php const VENDOR = 'of the bundle';",
        "index.php": (
            "<?php require 'vendor/autoload.php'; echo VENDOR, ' ', ini_get('memory_limit'), ' ', "
            "$_SERVER['COLOUR'], ' ', get_cfg_var('COLOUR');"
        ),
    }
    options = {"aws:elasticbeanstalk:container:php:phpini": {"memory_limit": "77M"}}
    more = {"platform": "php", "platform_version": "8.2", "environment": {"COLOUR": "light blue"}}
    done(plane, instance, 1, bundle(files), options=options, **more)
    assert instance.get("/index.php/some/path?q=1") == (
        200,
        "of the bundle 77M light blue light blue",
    )
    assert instance.get()[1].startswith("of the bundle")
    assert "The bundle has vendor: Composer is left out." in instance.log()


def test_a_procfile_suppresses_the_platform_default(
    instance: Instance, plane: ControlPlane
) -> None:
    """Several processes run; the first is behind the proxy."""
    server = "python3 -m http.server --bind 127.0.0.1"
    files = {
        "index.html": "the first",
        "other/index.html": "the second",
        "Procfile": f"web: {server} $PORT\nworker: sleep 1000\n",
    }
    done(plane, instance, 1, bundle(files))
    assert instance.get() == (200, "the first")
    names = {path.name for path in instance.path("/var/pids").iterdir()}
    assert names == {"web.pid", "worker.pid"}


def test_mistake_3_a_failed_postdeploy_hook_does_not_go_back(
    instance: Instance, plane: ControlPlane
) -> None:
    done(plane, instance, 1, hello("old"))
    files = {".platform/hooks/postdeploy/a": "#!/bin/sh\nexit 3\n"}
    data = bundle({"application.py": HELLO.format(text="new"), **files})
    report = plane.work("activate", instance.manifest(2, data), 2)
    assert report.failure
    assert report.failure["step"] == "RunAppDeployPostDeployHooks"
    assert report.running == 2
    assert instance.get() == (200, "new")


@needs_node
def test_mistake_12_node_modules_in_the_bundle_mean_no_installation(
    instance: Instance, plane: ControlPlane
) -> None:
    files = {
        "package.json": '{"scripts": {"start": "node app.js"}, "dependencies": {"mine": "9.9.9"}}',
        "node_modules/mine/index.js": 'module.exports = "of the bundle";\n',
        "app.js": SERVER.replace("WHERE", "process.env.PORT").replace('" TEXT"', 'require("mine")'),
    }
    more = {"platform": "node.js", "platform_version": node_major()}
    done(plane, instance, 1, bundle(files), **more)
    assert instance.get() == (200, f"{instance.app_port}of the bundle")
    assert "node_modules: npm install is left out" in instance.log()
    assert plane.resolved == []


@needs_node
def test_mistake_7_an_application_may_have_chosen_its_port_itself(
    instance: Instance, plane: ControlPlane
) -> None:
    """Requests are passed on to where it listens, with a remark; AWS would answer 502."""
    port = next(p for p in sorted(USUAL) if not accepts("127.0.0.1", p))
    files = {"app.js": SERVER.replace("WHERE", f'{port}, "127.0.0.1"')}
    more = {"platform": "node.js", "platform_version": node_major()}
    done(plane, instance, 1, bundle(files), **more)
    assert instance.get() == (200, f"{instance.app_port} TEXT")
    plane.await_notice(f"The application listens on port {port}, not on {instance.app_port}")
    # the next one listens where it should
    files = {"app.js": SERVER.replace("WHERE", "process.env.PORT").replace("TEXT", "new")}
    done(plane, instance, 2, bundle(files), **more)
    assert instance.get() == (200, f"{instance.app_port} new")


def test_mistake_7_property_port_moves_the_proxy_too(
    instance: Instance, plane: ControlPlane
) -> None:
    """Where instances have a network of their own; else the engine's word comes first."""
    from jackbean.agent.environment import application_port

    manifest = instance.manifest(1, hello("x"), environment={"PORT": "5555"})
    alone = replace(instance.config, app_port=0)
    assert application_port(alone, manifest, 8000) == 5555
    assert application_port(alone, replace(manifest, environment={}), 8000) == 8000
    assert application_port(instance.config, manifest, 8000) == instance.app_port


def test_mistake_8_a_bundles_env_file_is_left_alone(
    instance: Instance, plane: ControlPlane
) -> None:
    text = "COLOUR=of the bundle\n"
    data = bundle({"application.py": HELLO.format(text="x"), ".env": text})
    done(plane, instance, 1, data, environment={"COLOUR": "red"})
    assert instance.log("/var/app/current/.env") == text


def test_mistake_20_redirects_can_exempt_the_health_checker(
    instance: Instance, plane: ControlPlane
) -> None:
    """As AWS's own samples do it; the load balancer's checks call themselves so."""
    redirect = """\
set $redirect 0;
if ($http_x_forwarded_proto != "https") { set $redirect 1; }
if ($http_user_agent ~* "ELB-HealthChecker") { set $redirect 0; }
if ($redirect = 1) { return 301 https://$host$request_uri; }
"""
    files = {".platform/nginx/conf.d/elasticbeanstalk/https.conf": redirect}
    done(plane, instance, 1, bundle({"application.py": HELLO.format(text="x"), **files}))
    assert instance.get()[0] == 301
    assert instance.get("/", **{"User-Agent": HEALTH_CHECKER}) == (200, "x")
    assert instance.get("/", **{"X-Forwarded-Proto": "https"}) == (200, "x")


@needs_node
def test_mistake_7_port_is_told_to_node_and_not_to_go(
    instance: Instance, plane: ControlPlane
) -> None:
    from jackbean.agent.platforms import PLATFORMS

    ports = {name: p.port for name, p in PLATFORMS.items()}
    assert {ports[n] for n in ("node.js", "tomcat")} == {8080}
    assert {ports[n] for n in ("go", "java", ".net core on linux")} == {5000}
    assert ports["python"] == 8000
    told = {name for name, p in PLATFORMS.items() if p.tells_port}
    assert "node.js" in told
    assert not told & {"go", "java"}


def node_major() -> str:
    from jackbean.engines.process import machine_runtimes

    found = next(f for f in machine_runtimes.find() if f.language == "nodejs")
    return found.version.partition(".")[0]
