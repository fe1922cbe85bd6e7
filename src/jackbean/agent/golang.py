"""The Go platform: a program that the bundle brings, or one that is built from its source."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from jackbean.agent.children import Command
from jackbean.agent.phases import ENGINE_LOG, Step, StepFailed
from jackbean.agent.processes import exit_clause
from jackbean.agent.run import Done, Platform, Run
from jackbean.agent.runtime import PROVIDE, give, language
from jackbean.agent.startup import BUILD, BUILDFILE, generate_procfile, has_procfile, mispacked

PORT = 5_000
PROGRAMS = ("bin/application", "application")
SOURCE = "application.go"
CACHE = "/var/cache/go-build"
SEED = "build-cache"  # beside a fetched Go: its own library, built once for this machine
SOURCES_MAX = 500


def build(run: Run) -> None:
    """Build bin/application, unless the bundle brings a program or says itself how to build it."""
    root = run.paths.staging
    program = find_program(root)
    if program:
        (root / program).chmod((root / program).stat().st_mode | 0o755)
        run.log.info(f"The bundle has {program}: nothing is built.")
        return
    if (root / BUILDFILE).is_file():
        return
    targets = sources(root)
    if not targets:
        if has_procfile(run):
            return
        raise StepFailed(
            f"There is no Procfile, no program (bin/application) and no {SOURCE}."
            f"{mispacked(root)} Add {SOURCE} at the top of the bundle, or a Buildfile and a "
            "Procfile."
        )
    _build(run, targets)


def find_program(root: Path) -> str:
    return next((name for name in PROGRAMS if (root / name).is_file()), "")


def sources(root: Path) -> tuple[str, ...]:
    """Return what to build, the first choice first: the file of that name, or all of a package."""
    whole = (".",) if (root / "go.mod").is_file() and _has_main(root) else ()
    return (SOURCE, *whole) if (root / SOURCE).is_file() else whole


def _has_main(root: Path) -> bool:
    files = sorted(root.glob("*.go"))[:SOURCES_MAX]
    return any(re.search(r"(?m)^package\s+main\b", f.read_text(errors="replace")) for f in files)


def _build(run: Run, targets: tuple[str, ...]) -> None:
    _seed(run)
    done = Done(1, "")
    for target in targets:
        argv = (str(run.runtime / "bin/go"), "build", "-o", "bin/application", target)
        run.log.info(f"Building: go {' '.join(argv[1:])}")
        command = Command(argv, run.paths.staging, _environment(run))
        done = run.execute(command, run.paths.engine_log)
        if done.code == 0:
            give(run, run.paths.staging / "bin")
            return
    raise StepFailed(
        f"go build {exit_clause(done.code)}: {_cause(done.tail)}", ENGINE_LOG, done.tail
    )


def _environment(run: Run) -> dict[str, str]:
    own = {
        "GOCACHE": str(run.paths.at(CACHE)),
        "GOPATH": str(run.paths.at("/var/cache/go")),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false",
        "GOTELEMETRY": "off",
    }
    return own | run.command_environment()


def _seed(run: Run) -> None:
    """Start this instance's cache with Go's own library as it has been built for the machine."""
    cache, seed = run.paths.at(CACHE), language(run, "go").home.parent / SEED
    if cache.exists() or not seed.is_dir():
        return
    cache.parent.mkdir(parents=True, exist_ok=True)
    new = cache.with_name(f".{cache.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(seed, new)
    new.rename(cache)


def _cause(said: str) -> str:
    """Return the first complaint of the compiler, which names file and line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("#", "go: downloading"))]
    return (telling or ["its last lines say why."])[0][:400]


def check_start(run: Run) -> None:
    """Take the bundle's Procfile, or start the program."""
    if has_procfile(run):
        return
    program = find_program(run.paths.staging)
    if not program:
        raise StepFailed(
            "The Buildfile has not made bin/application, and there is no Procfile that says what "
            "to start. Have it build bin/application, or add a Procfile."
        )
    generate_procfile(run, program)


GO = Platform(
    family="go",
    port=PORT,
    tells_port=False,
    languages=("go",),
    steps=(
        PROVIDE,
        BUILD,
        Step("build Go application", build, "The application could not be built."),
        Step("check Procfile", check_start, "The application cannot be started."),
    ),
)
