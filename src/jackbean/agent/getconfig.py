"""`/opt/elasticbeanstalk/bin/get-config`: what hooks ask for the settings of their release.

It answers from the ledger: about the release that is being worked on, else about the one that runs.
A whole answer is one JSON object (or YAML, with `--output YAML`); a single value is bare.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jackbean.agent import environment
from jackbean.agent.ledger import Ledger, Record
from jackbean.agent.logs import MAIN_LOGS
from jackbean.agent.paths import Paths
from jackbean.agent.platforms import PLATFORMS
from jackbean.core.protocol import AgentConfig, Manifest

PROXY = "aws:elasticbeanstalk:environment:proxy"
STATICS = "aws:elasticbeanstalk:environment:proxy:staticfiles"
XRAY = "aws:elasticbeanstalk:xray"
OPTIONS = {
    "-n": "namespace",
    "--namespace": "namespace",
    "-o": "option",
    "--option-name": "option",
    "-k": "key",
    "--key": "key",
    "-a": "addon",
    "--add-on": "addon",
    "--output": "output",
}
# The packages of an instance are its machine's: there is nothing to lock.
PKG_REPO = """\
#!/bin/sh
case "$1" in
lock | unlock) echo "Package repositories are those of the machine: nothing to $1." ;;
status) echo "unlocked" ;;
*) echo "usage: pkg-repo lock|unlock|status|help" ;;
esac
"""
USAGE = (
    "usage: get-config [--output JSON|YAML] optionsettings [-n NAMESPACE] [-o OPTION] | "
    "environment [-k KEY] | container [-k KEY] | addons [-a ADDON] [-k KEY] | "
    "platformconfig [-k KEY]"
)


class Unknown(ValueError):
    """A sentence that says what is not there."""


def answer(argv: list[str], config: AgentConfig) -> str:
    """Return what is asked for by the arguments. Raises Unknown."""
    command, wishes = _parsed(argv)
    manifest = _manifest(Ledger(Paths(config.prefix).ledger).record)
    found = COMMANDS[command](manifest, config)
    for name in ("namespace", "option", "addon", "key"):
        if name in wishes:
            found = _picked(_searched(command, name, found), wishes[name])
    return _written(found, wishes.get("output", "JSON").upper())


def install(paths: Paths, command: tuple[str, ...]) -> None:
    """Write the program; `command` is what it runs with its own arguments behind."""
    path = paths.at("/opt/elasticbeanstalk/bin/get-config")
    path.parent.mkdir(parents=True, exist_ok=True)
    repositories = path.with_name("pkg-repo")
    repositories.write_text(PKG_REPO)
    repositories.chmod(0o755)
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    path.write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
    path.chmod(0o755)


def _parsed(argv: list[str]) -> tuple[str, dict[str, str]]:
    wishes: dict[str, str] = {}
    commands = []
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if name in OPTIONS:
            wishes[OPTIONS[name]] = value if equals else next(words, "")
        else:
            commands.append(word)
    if len(commands) != 1 or commands[0] not in COMMANDS:
        raise Unknown(USAGE)
    return commands[0], wishes


def _manifest(record: Record) -> Manifest:
    current = record.current.manifest if record.current else None
    manifest = record.manifest if record.state == "working" and record.manifest else current
    if manifest is None:
        raise Unknown("No release has come to this instance yet.")
    return manifest


def _searched(command: str, wish: str, found: Any) -> Any:
    """Return where a key is looked for: in an add-on's variables, in both parts of a platform."""
    if wish != "key" or not isinstance(found, Mapping):
        return found
    if command == "addons":
        return found.get("env", found)
    if command == "platformconfig":
        return {name: value for part in found.values() for name, value in part.items()}
    return found


def _picked(found: Any, name: str) -> Any:
    if not isinstance(found, Mapping) or name not in found:
        raise Unknown(f"There is no {name!r}.")
    return found[name]


def _written(found: Any, form: str) -> str:
    if isinstance(found, str):
        return found
    if form == "YAML" and isinstance(found, Mapping):
        return "\n".join(f"{json.dumps(key)}: {json.dumps(found[key])}" for key in found)
    return json.dumps(found)


def _option_settings(manifest: Manifest, config: AgentConfig) -> dict[str, Any]:
    return manifest.options


def _environment(manifest: Manifest, config: AgentConfig) -> dict[str, Any]:
    return environment.properties(manifest)


def _container(manifest: Manifest, config: AgentConfig) -> dict[str, Any]:
    return {
        "common_log_list": ["/var/log/eb-engine.log", "/var/log/eb-hooks.log"],
        "default_log_list": list(MAIN_LOGS),
        "environment_name": manifest.environment_name,
        "instance_port": str(config.port),
        "log_group_name_prefix": "/aws/elasticbeanstalk",
        "proxy_server": manifest.options.get(PROXY, {}).get("ProxyServer", "nginx"),
        "static_files": [f"{k}={v}" for k, v in manifest.options.get(STATICS, {}).items()],
        "xray_enabled": manifest.options.get(XRAY, {}).get("XRayEnabled", "false"),
    }


def _addons(manifest: Manifest, config: AgentConfig) -> dict[str, Any]:
    database = {k: v for k, v in manifest.environment.items() if k.startswith("RDS_")}
    return (
        {"rds": {"Description": "RDS Environment variables", "env": database}} if database else {}
    )


def _platform_config(manifest: Manifest, config: AgentConfig) -> dict[str, Any]:
    platform = PLATFORMS[manifest.platform]
    port = environment.application_port(config, manifest, platform.port)
    specific = {"ApplicationPort": str(port), "PlatformVersion": manifest.platform_version}
    if manifest.framework_version:
        specific["FrameworkVersion"] = manifest.framework_version
    return {
        "GeneralConfig": {
            "AppUser": config.user or "root",
            "AppDeployDir": "/var/app/current/",
            "AppStagingDir": "/var/app/staging/",
            "ProxyServer": manifest.options.get(PROXY, {}).get("ProxyServer", "nginx"),
            "DefaultInstancePort": str(config.port),
        },
        "PlatformSpecificConfig": specific,
    }


COMMANDS: dict[str, Callable[[Manifest, AgentConfig], dict[str, Any]]] = {
    "optionsettings": _option_settings,
    "environment": _environment,
    "container": _container,
    "addons": _addons,
    "platformconfig": _platform_config,
}


def run(argv: list[str], config: AgentConfig, say: Callable[[str], object]) -> int:
    """Answer on a line of its own; return the exit code."""
    try:
        say(f"{answer(argv, config)}\n")
    except Unknown as error:
        say(f"{error}\n")
        return 1
    return 0


def command(program: Path, interpreter: str, config: Path) -> tuple[str, ...]:
    """Return how the packed agent answers."""
    return (interpreter, "-I", "-S", str(program), str(config), "get-config")
