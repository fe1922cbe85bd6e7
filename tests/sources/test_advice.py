"""What is said of bundles for other times and other machines."""

from __future__ import annotations

import pytest

from jackbean.core.instructions import Command, Extension, File, Service
from jackbean.sources.advice import Advice, advice

NAME = "01.config"


def told(extension: Extension) -> list[Advice]:
    return list(advice(extension))


PATHS = {
    "/opt/elasticbeanstalk/hooks/appdeploy/post/1.sh": "put it into .platform/hooks",
    "/etc/httpd/conf.d/x.conf": "Apache does not run here",
    "/etc/nginx/nginx.conf": "put it into .platform/nginx",
    "/etc/nginx/conf.d/elasticbeanstalk/00_application.conf": "put it into .platform/nginx",
    "/etc/init/x.conf": "upstart",
}


@pytest.mark.parametrize(("path", "says"), PATHS.items())
def test_paths(path: str, says: str) -> None:
    (found,) = told(Extension(NAME, files=(File(path, ""),)))
    assert says in found.text
    assert not found.hopeless
    assert str(found).startswith(f"01.config: files: {path}: ")


@pytest.mark.parametrize("path", ["/etc/nginx/conf.d/x.conf", "/opt/x", "/etc/cron.d/x"])
def test_what_is_fine_is_not_spoken_of(path: str) -> None:
    assert told(Extension(NAME, files=(File(path, "x"),))) == []


RUNS: dict[str, tuple[str, bool]] = {
    "powershell.exe -File x": ("Windows", True),
    "mount -t efs fs-1:/ /efs": ("may not mount", True),
    "mkfs -t ext4 /dev/sdh": ("may not mount", True),
    "curl http://169.254.169.254/latest": ("asks for a token", False),
    "/sbin/restart nodejs": ("Amazon Linux 1", True),
    "yum -y install git": ("nothing is installed", False),
    "aws s3 cp s3://x y": ("AWS CLI", False),
    "cp x /opt/elasticbeanstalk/hooks/x": ("nothing is there since", False),
}


@pytest.mark.parametrize(("line", "wanted"), RUNS.items())
def test_commands(line: str, wanted: tuple[str, bool]) -> None:
    says, hopeless = wanted
    for extension in (
        Extension(NAME, commands=(Command("c", line),)),
        Extension(NAME, container_commands=(Command("c", argv=tuple(line.split())),)),
    ):
        (found,) = told(extension)
        assert says in found.text
        assert found.hopeless is hopeless
    (found,) = told(Extension(NAME, commands=(Command("c", line, ignore_errors=True),)))
    assert not found.hopeless


@pytest.mark.parametrize("line", ["echo yummy", "python aws_things.py", "grep mount x", "ls"])
def test_commands_that_are_fine(line: str) -> None:
    assert told(Extension(NAME, commands=(Command("c", line),))) == []


def test_scripts_are_hopeless_only_where_something_runs_them() -> None:
    script = File("/opt/s.sh", "#!/bin/sh\nmkfs /dev/x\n", mode=0o755)
    (idle,) = told(Extension(NAME, files=(script,)))
    assert not idle.hopeless
    (called,) = told(Extension(NAME, files=(script,), commands=(Command("c", "sh /opt/s.sh"),)))
    assert called.hopeless
    tolerant = Command("c", "sh /opt/s.sh", ignore_errors=True)
    (tried,) = told(Extension(NAME, files=(script,), commands=(tolerant,)))
    assert not tried.hopeless


def test_services_run_their_scripts() -> None:
    script = File("/etc/init.d/mine", "#!/bin/sh\n. /etc/rc.d/init.d/functions\n", mode=0o755)
    service = Service("mine", running=True)
    (found,) = told(Extension(NAME, files=(script,), services=(service,)))
    assert found.hopeless


def test_comments_and_data_are_not_scripts() -> None:
    assert told(Extension(NAME, files=(File("/opt/s", "#!/bin/sh\n# mkfs x\n"),))) == []
    assert told(Extension(NAME, files=(File("/opt/readme", "mkfs x\n"),))) == []
