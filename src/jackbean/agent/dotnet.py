"""The .NET platform: a published application, framework-dependent or self-contained."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jackbean.agent.phases import Step, StepFailed
from jackbean.agent.run import Platform, Run
from jackbean.agent.runtime import PROVIDE, Language, language
from jackbean.agent.startup import BUILD, generate_procfile, has_procfile, mispacked

PORT = 5_000
CONFIG = ".runtimeconfig.json"
CONFIG_BYTES_MAX = 1 << 20
ELF = b"\x7fELF"
ROLLS_ON = ("Major", "LatestMajor")
URLS = ("ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "DOTNET_URLS", "URLS")


@dataclass(frozen=True)
class Published:
    """A published application: its name, and the frameworks that it expects (name, version)."""

    name: str
    frameworks: tuple[tuple[str, str], ...]
    own_program: bool
    any_newer: bool = False  # a later major version does as well


def published(root: Path) -> tuple[Published, ...]:
    """Return the published applications at the top of a bundle. Raises StepFailed."""
    return tuple(_read(path) for path in sorted(root.glob("*" + CONFIG)))


def _read(path: Path) -> Published:
    if path.stat().st_size > CONFIG_BYTES_MAX:
        raise StepFailed(f"{path.name} is too large.")
    try:
        options = json.loads(path.read_bytes().decode("utf-8-sig"))["runtimeOptions"]
        named = _frameworks(options)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise StepFailed(f"{path.name} is not what `dotnet publish` writes.") from None
    name = path.name.removesuffix(CONFIG)
    contained = "includedFrameworks" in options
    own_program = contained or not (path.parent / f"{name}.dll").is_file()
    return Published(name, named, own_program, options.get("rollForward") in ROLLS_ON)


def _frameworks(options: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what an application expects of the machine; nothing if it brings all."""
    if "includedFrameworks" in options:
        return ()
    given = options.get("frameworks") or [options["framework"]]
    return tuple((str(one["name"]), str(one["version"])) for one in given)


def check_frameworks(run: Run) -> None:
    """Refuse an application for frameworks that this machine has not, and say what would do."""
    have = language(run, "dotnet")
    told = run.process_environment().get("DOTNET_ROLL_FORWARD", "") in ROLLS_ON
    for one in (*published(run.paths.staging), *_named(run.paths.staging)):
        for name, version in one.frameworks:
            if not has(have, name, version, any_newer=told or one.any_newer):
                raise StepFailed(_missing(one, name, version, have))


def _named(root: Path) -> tuple[Published, ...]:
    """Return the applications in folders that a Procfile starts."""
    procfile = root / "Procfile"
    if not procfile.is_file() or procfile.stat().st_size > CONFIG_BYTES_MAX:
        return ()
    text = procfile.read_text(errors="replace")
    found = (path for path in sorted(root.glob(f"*/*{CONFIG}")))
    return tuple(_read(p) for p in found if f"{p.name.removesuffix(CONFIG)}.dll" in text)


def has(have: Language, name: str, version: str, *, any_newer: bool = False) -> bool:
    """Tell if a framework is there as new or newer, in the same major version unless any does."""
    wanted = _numbers(version)
    found = [_numbers(path.name) for path in (have.home / "shared" / name).glob("*")]
    return any((any_newer or one[:1] == wanted[:1]) and one >= wanted for one in found)


def _numbers(version: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", version.partition("-")[0])]


def _missing(one: Published, name: str, version: str, have: Language) -> str:
    major = version.partition(".")[0]
    package = "aspnetcore-runtime" if "AspNetCore" in name else "dotnet-runtime"
    return (
        f"{one.name} needs {name} {version}, which is not on this machine (its .NET is "
        f"{have.version}). Publish it self-contained (dotnet publish --self-contained -r "
        f"linux-x64), or install the package {package}-{major}.0 on the machine."
    )


def check_start(run: Run) -> None:
    """Take the bundle's Procfile, or start the only application that there is."""
    if has_procfile(run):
        return
    root = run.paths.staging
    found = published(root)
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:5])
        raise StepFailed(
            f"There are several applications ({names}) and no Procfile that says which to start. "
            f"Add one with a line such as `web: dotnet {found[0].name}.dll`."
        )
    program = _program(root, found[0].name if found and found[0].own_program else "")
    if found and not found[0].own_program:
        generate_procfile(run, f"dotnet {shlex.quote(found[0].name + '.dll')}")
    elif program:
        (root / program).chmod((root / program).stat().st_mode | 0o755)
        generate_procfile(run, shlex.quote(f"./{program}"))
    else:
        raise StepFailed(
            f"There is no Procfile and no published application.{mispacked(root)} Pack what "
            "`dotnet publish` has written, not the sources."
        )


def _program(root: Path, name: str) -> str:
    """Return the program of that name, or the only one at the top of the bundle."""
    candidates = [root / name] if name else sorted(p for p in root.iterdir() if p.is_file())
    found = [path.name for path in candidates if path.is_file() and _is_elf(path)]
    found = [one for one in found if not one.endswith(".so")]
    return found[0] if len(found) == 1 else ""


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == ELF


def tell_address(run: Run) -> dict[str, str]:
    """Return where ASP.NET Core is to listen, unless the environment says so."""
    if any(run.manifest.environment.get(name) for name in URLS):
        return {}
    return {"ASPNETCORE_URLS": f"http://{run.address}:{run.port}"}


DOTNET = Platform(
    family=".net core on linux",
    port=PORT,
    languages=("dotnet",),
    variables=tell_address,
    steps=(
        PROVIDE,
        BUILD,
        Step("check frameworks", check_frameworks, "The application does not run here."),
        Step("check Procfile", check_start, "The application cannot be started."),
    ),
)
