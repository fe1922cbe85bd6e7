"""A release's runtime directory: the programs of its language come first in its PATH.

The language itself is the machine's or has been fetched for it, and is only read here. What the
directory holds are links to its programs, the variables that they want, and where they are from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jackbean.agent.asking import ask
from jackbean.agent.phases import Step, StepFailed
from jackbean.agent.run import VARIABLES, Run
from jackbean.core.protocol import RuntimeRequest, to_json

LANGUAGES = "languages.json"
PROGRAMS_MAX = 200
GLOBALIZATION = ("/usr/lib/*/libicuuc.so*", "/usr/lib64/libicuuc.so*", "/usr/lib/libicuuc.so*")


@dataclass(frozen=True)
class Language:
    """One that the release runs on: its prefix, its full version, what it cannot do (a clause)."""

    home: Path
    version: str
    lacks: str = ""


def provide(run: Run) -> None:
    """Have the platform's languages, and make the release's runtime directory of them."""
    (run.runtime / "bin").mkdir(parents=True, exist_ok=True)
    known: dict[str, dict[str, str]] = {}
    variables: dict[str, str] = {}
    for name in run.platform.languages:
        found = _ask(run, name)
        known[name] = found
        run.log.info(f"{name} {found['version']} is at {found['home']}")
        if found["note"]:
            run.warn(found["note"])
        language = Language(Path(found["home"]), found["version"], found["lacks"])
        variables |= LAYOUTS[name](language, run.runtime / "bin")
    (run.runtime / LANGUAGES).write_text(json.dumps(known))
    (run.runtime / VARIABLES).write_text(json.dumps(variables))


def language(run: Run, name: str) -> Language:
    """Return a language of this release."""
    found = json.loads((run.runtime / LANGUAGES).read_text())[name]
    return Language(Path(found["home"]), found["version"], found["lacks"])


def _ask(run: Run, name: str) -> dict[str, str]:
    manifest = run.manifest
    version = manifest.framework_version if name == "tomcat" else manifest.platform_version
    answer = ask(run, "/v1/runtime", to_json(RuntimeRequest(name, version)))
    found = {key: str(answer.get(key, "")) for key in ("home", "version", "note", "lacks")}
    if not Path(found["home"]).is_dir():
        raise StepFailed(f"{name} {version} is not at {found['home']}, where it should be.")
    return found


def _link(folder: Path, programs: Mapping[str, Path]) -> None:
    for name, program in programs.items():
        if program.exists():
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(program)


def _script(folder: Path, name: str, *command: str) -> None:
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    (folder / name).write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
    (folder / name).chmod(0o755)


def _nodejs(found: Language, folder: Path) -> dict[str, str]:
    _link(folder, {"node": found.home / "bin/node"})
    modules = found.home / "lib/node_modules"
    for name, script in (("npm", "npm/bin/npm-cli.js"), ("npx", "npm/bin/npx-cli.js")):
        if (modules / script).is_file():
            _script(folder, name, str(folder / "node"), str(modules / script))
        else:
            _link(folder, {name: found.home / "bin" / name})
    return {}


def _go(found: Language, folder: Path) -> dict[str, str]:
    _link(folder, {name: found.home / "bin" / name for name in ("go", "gofmt")})
    return {}


def _java(found: Language, folder: Path) -> dict[str, str]:
    programs = sorted(path.name for path in (found.home / "bin").iterdir())[:PROGRAMS_MAX]
    _link(folder, {name: found.home / "bin" / name for name in programs})
    return {"JAVA_HOME": str(found.home)}


def _tomcat(found: Language, folder: Path) -> dict[str, str]:
    return {"CATALINA_HOME": str(found.home)}


def _php(found: Language, folder: Path) -> dict[str, str]:
    version = found.version
    _link(
        folder,
        {
            "php": found.home / f"bin/php{version}",
            "php-fpm": found.home / f"sbin/php-fpm{version}",
        },
    )
    return {}


def _ruby(found: Language, folder: Path) -> dict[str, str]:
    for name in ("ruby", "gem", "irb", "erb"):
        _link(folder, {name: found.home / "bin" / f"{name}{found.version}"})
    return {}


def _dotnet(found: Language, folder: Path) -> dict[str, str]:
    _link(folder, {"dotnet": found.home / "dotnet"})
    told = {"DOTNET_ROOT": str(found.home), "DOTNET_CLI_TELEMETRY_OPTOUT": "1"}
    if not any(any(Path("/").glob(pattern[1:])) for pattern in GLOBALIZATION):
        told["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1"  # it does not start without otherwise
    return told


LAYOUTS: dict[str, Callable[[Language, Path], dict[str, str]]] = {
    "nodejs": _nodejs,
    "go": _go,
    "java": _java,
    "tomcat": _tomcat,
    "php": _php,
    "ruby": _ruby,
    "dotnet": _dotnet,
}


def give(run: Run, path: Path) -> None:
    """Make what a step has built the application's own: its processes may write there."""
    owner = run.owner()
    if owner is None:
        return
    os.chown(path, *owner, follow_symlinks=False)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(Path(folder) / name, *owner, follow_symlinks=False)


PROVIDE: Step[Run] = Step(
    "InstallRuntime", provide, "The platform's runtime is not on this instance."
)
