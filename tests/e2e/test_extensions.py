"""`.ebextensions` on real instances: every key at once, and what only the leader does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.e2e.extension_bundles import KINDS, django, every_key, things
from tests.e2e.installation import ASG, COMMAND, Installation, app, installed, option, until
from tests.e2e.story import DEPLOYED, FAILED, end_of

pytestmark = pytest.mark.e2e

TYPE = "aws:elasticbeanstalk:environment"
SINGLE = option(TYPE, "EnvironmentType", "SingleInstance")
COMMAND_LOG = "/var/log/cfn-init-cmd.log"
MIGRATED = re.compile(r"Applying notes\.(\d{4})\w+\.\.\. OK")


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        yield installation


def disk(one: Installation, instance: str) -> Path:
    """Return an instance's file system."""
    return one.data_dir / "instances" / instance / "root"


def mode(one: Installation) -> str:
    config = next((one.data_dir / "instances").glob("*/agent.json"))
    return str(json.loads(config.read_text())["mode"])


def test_every_key(one: Installation) -> None:
    one.version("first", app("first"))
    name = "every-key"
    one.create(name, "first", SINGLE)
    bucket = one.client().create_storage_location()["S3Bucket"]
    s3 = one.client("s3")
    s3.put_object(Bucket=bucket, Key="things.tar.gz", Body=things())
    s3.put_object(Bucket=bucket, Key="secret.txt", Body=b"a secret\n")
    own_accounts = mode(one) == "root"
    one.version("keys", every_key(bucket, own_accounts))
    request = one.begin(name, VersionLabel="keys")
    made = one.rest(name)
    assert end_of(one, name, request) == DEPLOYED, one.events(name, request)
    assert one.get(made).split()[3].startswith("us-east-1-blue")
    root = disk(one, next(iter(one.instances(name))))
    assert_written(root, name)
    assert_run(root)
    if own_accounts:
        assert "worker:x:701:" in (root / "etc/passwd").read_text()
        found = (root / "etc/mine/config.json").stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (701, 700, 0o640)
    told = "\n".join(until(lambda: _warned(one, name, request), 20, "it is told"))
    for text in ("no-such-package: not found on this machine", "httpd: passed"):
        assert text in told
    assert any("Created SNS topic named: " in event for event in one.events(name, request))


def assert_written(root: Path, name: str) -> None:
    config = json.loads((root / "etc/mine/config.json").read_text())
    assert config == {"name": name, "word": "mapped"}
    assert (root / "opt/greeting").read_text() == "hello us-east-1"
    assert (root / "opt/fetched").read_text() == "a secret\n"
    assert (root / "opt/archive/inner/thing").read_text() == "a thing.\n"
    assert (root / "opt/greeting").stat().st_mode & 0o777 == 0o400


def assert_run(root: Path) -> None:
    colour, topic, own = (root / "var/app/current/colour.txt").read_text().split()
    assert (colour, own) == ("us-east-1-blue", "mine")
    assert "Topic" in topic
    printed = (root / COMMAND_LOG[1:]).read_text()
    assert "hello us-east-1a thing.\na secret\n" in printed
    assert printed.index("Command 02_leader") < printed.index("Command 01_source")
    ticker = root / "var/log/ticker.service.stdout.log"
    until(lambda: "ticking" in ticker.read_text(), 10, "the service of the bundle runs")


def _warned(one: Installation, name: str, request: str) -> list[str]:
    found = [event for event in one.events(name, request) if event.startswith("WARN")]
    return found if len(found) >= 2 else []


def test_bundles_of_the_kinds_that_people_have(one: Installation) -> None:
    """Cron jobs, configuration that commands move, the CloudWatch agent, sudo and systemctl."""
    name = "kinds-env"
    one.version("first-kinds", app("first"))
    made = one.create(name, "first-kinds", SINGLE)
    one.version("kinds", app("kinds", **{".ebextensions/kinds.config": KINDS}))
    request = one.begin(name, VersionLabel="kinds")
    one.rest(name)
    assert end_of(one, name, request) == DEPLOYED, one.events(name, request)
    assert one.get(made).startswith("kinds ")
    root = disk(one, next(iter(one.instances(name))))
    assert (root / "etc/rsyslog.d/mine.conf").exists()
    assert (root / "etc/systemd/journald.conf.d/mine.conf").exists()
    assert (root / "etc/cron.d/mine").read_text().startswith("* * * * * root")
    task = root / "opt/elasticbeanstalk/tasks/taillogs.d/amazon-cloudwatch-agent.conf"
    assert task.read_text() == f"/var/log/{name}.log\n"
    assert (root / "opt/sudo").exists()


def test_faults_are_refused_all_at_once_before_anything_begins(one: Installation) -> None:
    name = "faulty-env"
    one.version("first-faulty", app("first"))
    one.create(name, "first-faulty", SINGLE)
    text = "files:\n  relative: {content: x}\n  /a: {mode: '999'}\ncommands:\n  1: {test: x}\n"
    more = "files:\n  /b: {content: {Ref: Nothing}}\n"
    configs = {".ebextensions/a.config": text, ".ebextensions/b.config": more}
    one.version("faulty", app("faulty", **configs))
    with pytest.raises(ClientError) as refusal:
        one.begin(name, VersionLabel="faulty")
    lines = refusal.value.response["Error"]["Message"].split("\n")
    for part in (
        ".ebextensions/a.config: line 2: files: relative: ",
        ".ebextensions/a.config: line 3: files: /a: mode: ",
        ".ebextensions/a.config: line 3: files: /a: a file has either content or source",
        ".ebextensions/a.config: line 5: commands: 1: it has no `command`",
        ".ebextensions/b.config: line 2: files: /b: content: there is no resource or parameter",
    ):
        assert any(part in line for line in lines), (part, lines)


def test_a_failed_command_is_quoted(one: Installation) -> None:
    name = "quoted-env"
    one.version("first-quoted", app("first"))
    made = one.create(name, "first-quoted", SINGLE)
    text = "container_commands:\n  1: {command: 'echo so it goes; exit 5'}\n"
    one.version("quoted", app("quoted", **{".ebextensions/a.config": text}))
    request = one.begin(name, VersionLabel="quoted")
    one.rest(name)
    assert end_of(one, name, request) == FAILED
    errors = "\n".join(e for e in one.events(name, request) if e.startswith("ERROR"))
    for part in (
        "Container commands build failed. Please refer to /var/log/cfn-init.log for more details.",
        ".ebextensions/a.config: command 1 exited with code 5.",
        "The end of /var/log/cfn-init-cmd.log",
        "so it goes",
    ):
        assert part in errors
    assert one.get(made).startswith("first ")


def migrations(one: Installation, name: str) -> dict[str, list[str]]:
    """Return the migrations that each instance has applied."""
    logs = {i: disk(one, i) / COMMAND_LOG[1:] for i in one.instances(name)}
    return {i: MIGRATED.findall(log.read_text()) for i, log in logs.items() if log.exists()}


def test_django_migrates_once(one: Installation) -> None:
    """On one of four instances at creation and at each deployment; never on scaling out."""
    name = "django-env"
    one.version("django-1", django("one", 1))
    sizes = [option(ASG, "MinSize", "4"), option(ASG, "MaxSize", "6")]
    made = one.create(name, "django-1", *sizes, option(COMMAND, "DeploymentPolicy", "AllAtOnce"))
    assert one.get(made).startswith("one django ")
    begun = migrations(one, name)
    assert len(begun) == 4
    assert sorted(map(tuple, begun.values())) == [(), (), (), ("0001",)]
    rolling = [
        option(COMMAND, "DeploymentPolicy", "Rolling"),
        option(COMMAND, "BatchSizeType", "Fixed"),
        option(COMMAND, "BatchSize", "1"),
    ]
    one.version("django-2", django("two", 2))
    request = one.begin(name, VersionLabel="django-2", OptionSettings=rolling)
    one.rest(name)
    assert end_of(one, name, request) == DEPLOYED
    after = migrations(one, name)
    assert sum(applied.count("0002") for applied in after.values()) == 1, after
    one.begin(name, OptionSettings=[option(ASG, "MinSize", "5")])
    one.rest(name)
    until(lambda: len(migrations(one, name)) == 5, 60, "the fifth instance has staged")
    (fifth,) = one.instances(name) - after.keys()
    assert migrations(one, name)[fifth] == []
    assert {one.get(made).split()[0] for _ in range(10)} == {"two"}


@pytest.mark.slow
def test_python_packages_with_programs_and_without(one: Installation) -> None:
    """The packages come from PyPI."""
    config = """
packages: {python: {six: [1.16.0], httpie: []}}
container_commands:
  01_import:
    command: /usr/bin/python3 -c "import six; assert six.__version__ == '1.16.0'"
  02_run: {command: http --version}
"""
    one.version("packaged", app("packaged", **{".ebextensions/packages.config": config}))
    one.create("packaged", "packaged", SINGLE)
    errors = [event for event in one.events("packaged") if event.startswith("ERROR")]
    assert errors == []
