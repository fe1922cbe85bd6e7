"""What works on one instance of Elastic Beanstalk and not on another: said before it is tried.

Bundles carry what platforms of earlier generations understood, and what needs AWS around it. A rule
is a pattern in what a config file writes or runs, and what to do instead; rules that are `hopeless`
are about what cannot succeed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from jackbean.core.instructions import Command, Extension, File

SCRIPT_BYTES_MAX = 256 << 10


@dataclass(frozen=True)
class Advice:
    """`about` is the entry that it concerns."""

    file: str
    about: str
    text: str
    hopeless: bool = False

    def __str__(self) -> str:
        return f"{self.file}: {self.about}: {self.text}"


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    text: str
    hopeless: bool = False


def _rule(pattern: str, text: str, *, hopeless: bool = False) -> Rule:
    return Rule(re.compile(pattern), text, hopeless)


# About the path of a file that is written.
PATHS = (
    _rule(
        r"/opt/elasticbeanstalk/hooks/",
        "programs there are not run since Amazon Linux 2; put it into .platform/hooks",
    ),
    _rule(
        r"/opt/elasticbeanstalk/(support|containerfiles|tasks/(publishlogs|systemtaillogs)\.d)/",
        "nothing reads that since Amazon Linux 2",
    ),
    _rule(
        r"/etc/nginx/(?!conf\.d/)|/etc/nginx/conf\.d/elasticbeanstalk/(00_application|01_static|healthd)",
        "it is replaced when nginx is configured; put it into .platform/nginx/conf.d "
        "(http context) or .platform/nginx/conf.d/elasticbeanstalk (server context)",
    ),
    _rule(r"/etc/httpd/", "Apache does not run here; put it into .platform/nginx, for nginx"),
    _rule(r"/etc/init/", "nothing reads configuration of upstart since Amazon Linux 2"),
    _rule(
        r"/etc/(sysconfig/network-scripts|dhcp)/|/etc/dhclient",
        "an instance's network is made by Jackbean; nothing reads that",
    ),
)
# About what is in a file of nginx's.
NGINX = (
    _rule(
        r"(?m)^\s*ssl\s+on\s*;",
        "nginx does not know `ssl on` since 1.25.1; write `listen 443 ssl`",
        hopeless=True,
    ),
)
# About what commands and scripts run.
RUNS = (
    _rule(
        r"(?i)\bpowershell(\.exe)?\b|\bcmd(\.exe)? /c\b|\b(appcmd|tzutil|iisreset|msiexec)\b",
        "it is a program of Windows; these instances run Linux",
        hopeless=True,
    ),
    _rule(
        r"\bmount\s+-t\s+(efs|nfs4?)\b|\bmkfs\b|\bmount\s+/dev/",
        "an instance may not mount file systems, and has no disks of its own",
        hopeless=True,
    ),
    _rule(
        r"\b(yum|dnf|apt-get|apt)\s+(-\S+\s+)*(install|update|upgrade|localinstall)\b",
        "nothing is installed into an instance: it has the programs of its machine",
    ),
    _rule(
        r"\brpm\s+-[a-zA-Z]*[iU]",
        "nothing is installed into an instance: it has the programs of its machine",
        hopeless=True,
    ),
    _rule(
        r"169\.254\.169\.254|\bec2-metadata\b",
        "the instance metadata service is there in root mode, and asks for a token unless option "
        "DisableIMDSv1 is false",
    ),
    _rule(
        r"(?<![\w/.-])aws\s+(--\S+\s+)*(ec2|s3|s3api|ssm|autoscaling|cloudwatch|elbv?2?|iam)\b",
        "the AWS CLI is not on an instance unless the bundle brings it",
    ),
    _rule(
        r"/sbin/(re)?start\s|\binitctl\b|\bservice\s+(httpd|monit|passenger|tomcat\w*)\b|\bkillall\b.*httpd",
        "services of Amazon Linux 1; the application and nginx are started by the instance",
        hopeless=True,
    ),
    _rule(
        r"/tmp/deployment/",  # noqa: S108 - where Amazon Linux 1 had what was deployed
        "nothing is there since Amazon Linux 2",
        hopeless=True,
    ),
    _rule(
        r"/etc/(rc\.d/)?init\.d/functions",
        "the functions of Red Hat's SysV scripts are not on an instance",
        hopeless=True,
    ),
    _rule(
        r"/opt/elasticbeanstalk/(hooks|support|containerfiles)/",
        "nothing is there since Amazon Linux 2",
    ),
    _rule(
        r"/etc/nginx/|/etc/httpd/",
        "the proxy's configuration is replaced by that of the release; use .platform/nginx",
    ),
    _rule(
        r"/etc/sysconfig/network|\bifup\b|\bservice\s+network\b|\bip\s+link\s+set\b",
        "an instance's network is made by Jackbean",
        hopeless=True,
    ),
)


def advice(extension: Extension) -> Iterator[Advice]:
    """Yield what is known of each entry."""
    for file in extension.files:
        yield from _about_file(extension, file)
    for key, entries in _commands(extension):
        for command in entries:
            about = f"{key}: {command.name}"
            for one in _first(RUNS, command.shown, extension.name, about):
                yield replace(one, hopeless=one.hopeless and not command.ignore_errors)


def _about_file(extension: Extension, file: File) -> Iterator[Advice]:
    about = f"files: {file.path}"
    yield from _first(PATHS, file.path, extension.name, about)
    if file.path.startswith("/etc/nginx/conf.d/"):
        yield from _first(NGINX, file.content or "", extension.name, about)
    if _script(file):
        for one in _first(RUNS, _code(file.content or ""), extension.name, about):
            yield replace(one, hopeless=one.hopeless and _called(extension, file.path))


def _called(extension: Extension, path: str) -> bool:
    """Tell if a file is run by what must not fail."""
    found = [command for _, commands in _commands(extension) for command in commands]
    started = {f"/etc/init.d/{service.name}" for service in extension.services if service.running}
    runs = re.compile(rf"(^|[;&|(]|\b(ba|da)?sh|\bsudo|\bsource|\bexec|\s\.)\s*{re.escape(path)}")
    return path in started or any(runs.search(c.shown) and not c.ignore_errors for c in found)


def _commands(extension: Extension) -> Iterator[tuple[str, tuple[Command, ...]]]:
    yield "commands", extension.commands
    yield "container_commands", extension.container_commands


def _first(rules: tuple[Rule, ...], text: str, file: str, about: str) -> Iterator[Advice]:
    for rule in rules:
        if rule.pattern.search(text[:SCRIPT_BYTES_MAX]):
            yield Advice(file, about, rule.text, rule.hopeless)
            return


def _script(file: File) -> bool:
    content = file.content or ""
    executable = bool(file.mode & 0o111) and file.mode >> 12 != 0o12
    return not file.encoded and (content.startswith("#!") or executable)


def _code(content: str) -> str:
    """Return a script without its comments."""
    lines = content[:SCRIPT_BYTES_MAX].splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))
