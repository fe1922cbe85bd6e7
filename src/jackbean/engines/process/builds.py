"""One dependency build: its staging directory, and the sandbox that its commands run in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.core.protocol import DependencyRequest
from jackbean.engines.process import (
    allowed,
    environment,
    filesystem,
    image,
    installer,
    limits,
    resolvers,
    sandbox,
    seccomp,
)
from jackbean.engines.process.filesystem import Entry, Identity
from jackbean.engines.process.interpreters import Interpreter
from jackbean.engines.process.launch import RUNTIMES, Ground
from jackbean.engines.process.machine_runtimes import Found
from jackbean.engines.process.paths import Layout
from jackbean.engines.process.prepare import Site
from jackbean.engines.process.sandbox import HOME, Sandbox

OUTPUT, REQUEST, ROOT, FILTER = "output", "request", "root", "filter"
CACHE = "/var/cache/uv"  # where the sandbox sees it
BUILDER = 899  # a user that owns nothing but the output and the cache
OUTPUT_BYTES = 64 << 10  # of a command's words that are kept
BUILD_S = 900.0
GROUP = "build"
MARK = "JACKBEAN_BUILD"  # in the environment of all that a build runs
# Let everybody read the result, whatever rights the control plane masks; enter the control groups;
# have the filter of system calls, whose file is $0, at hand as descriptor 9.
JOIN = """\
umask 022
while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 97; shift; done
shift
[ ! -s "$0" ] || exec 9< "$0"
exec "$@"
"""
# In the sandbox, as its root: become the builder, and lose all powers with that.
DROP = (
    "import os, sys; user = int(sys.argv[1]); os.setgroups([]); os.setresgid(user, user, user); "
    "os.setresuid(user, user, user); os.execv(sys.argv[2], sys.argv[2:])"
)


@dataclass(frozen=True)
class Build:
    """`inside` is where instances will see the result, `language` what it is for besides Python."""

    staging: Path
    inside: str
    request: DependencyRequest
    interpreter: Interpreter
    language: Found | None = None

    def has(self, package: str) -> bool:
        """Return whether a package is in the environment already."""
        library = self.staging / OUTPUT / "lib" / f"python{self.interpreter.version}"
        return (library / "site-packages" / package).is_dir()


@dataclass(frozen=True)
class Done:
    status: int
    output: str


@dataclass(frozen=True)
class Kitchen:
    """A place to run commands in, and the paths as those see them."""

    prefix: tuple[str, ...]  # what is put before each command
    env: Mapping[str, str]
    uv: str
    python: str
    target: str
    request: str

    async def run(self, command: tuple[str, ...]) -> Done:
        """Run a command to its end; keep the end of what it says."""
        process = await asyncio.create_subprocess_exec(
            *self.prefix,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(self.env),
            cwd="/",
            start_new_session=True,
        )
        try:
            output = await asyncio.wait_for(_words(process), BUILD_S)
            return Done(await process.wait(), output)
        except TimeoutError:
            return Done(1, f"error: it took longer than {BUILD_S:.0f} seconds")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _words(process: asyncio.subprocess.Process) -> str:
    kept = b""
    while process.stdout and (chunk := await process.stdout.read(OUTPUT_BYTES)):
        kept = (kept + chunk)[-OUTPUT_BYTES:]
    return kept.decode(errors="replace")


def set_up(build: Build, site: Site, layout: Layout, environ: Mapping[str, str]) -> Kitchen:
    """Make the staging directory and return the kitchen. Raises PortError without uv."""
    build.staging.mkdir(mode=0o700)
    (build.staging / OUTPUT).mkdir()
    for name, text in build.request.files.items():
        file = build.staging / REQUEST / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    _let_read(build.staging / REQUEST)
    if "uv" not in site.ground.tools:
        raise PortError("uv is not installed; install the package uv")
    found = {**environment.packages(environ), MARK: layout.tag}
    config = environment.uv_config(environ)
    if site.etc is None:
        return _plain(build, site.ground, installer.variables(found, str(layout.downloads), config))
    inside = Path(HOME, "uv.toml") if config else None
    variables = installer.variables(found, CACHE, inside)
    box = build_box(build, site.ground, layout, variables, config)
    _furnish(build, site.etc, site.ground, box)
    if site.ground.mode == "root":
        for path in (build.staging / OUTPUT, layout.downloads):
            os.chown(path, BUILDER, BUILDER)
    groups = site.groups.make(GROUP, limits.BUILD) if site.groups else ()
    return Kitchen(
        _prefix(build, site.ground, box, groups),
        {**variables, "PATH": sandbox.PATH},
        uv=f"{HOME}/bin/uv",
        python=build.interpreter.inside,
        target=build.inside,
        request=f"{HOME}/{REQUEST}",
    )


def _let_read(tree: Path) -> None:
    """Let the builder read a tree, whatever rights the control plane masks."""
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _plain(build: Build, ground: Ground, variables: Mapping[str, str]) -> Kitchen:
    return Kitchen(
        _join(build, ()),
        {**variables, "PATH": ground.env.get("PATH", sandbox.PATH)},
        uv=str(ground.tools["uv"]),
        python=str(build.interpreter.path),
        target=str(build.staging / OUTPUT),
        request=str(build.staging / REQUEST),
    )


def build_box(
    build: Build, ground: Ground, layout: Layout, variables: Mapping[str, str], config: Path | None
) -> Sandbox:
    """Return the sandbox: it sees the request, writes the output and the cache, and no more."""
    root = ground.mode == "root"
    shown = [
        (str(ground.tools["uv"]), f"{HOME}/bin/uv"),
        (str(build.staging / REQUEST), f"{HOME}/{REQUEST}"),
        *(place for i in {build.interpreter, ground.own} for place in image.places(i)),
        *((path, path) for path in named_files(variables)),
    ]
    if build.language and not build.language.shared:
        shown.append((str(ground.runtimes), RUNTIMES))
    if config:
        shown.append((str(config), f"{HOME}/uv.toml"))
    return Sandbox(
        ground.machine,
        root=str(build.staging / ROOT),
        places=tuple(shown),
        writable=(
            (str(build.staging / OUTPUT), build.inside),
            (str(layout.downloads), CACHE),
        ),
        hostname="build",
        user_namespace=not root,
        uid=BUILDER,
        capabilities=("CAP_SETGID", "CAP_SETUID") if root else (),
    )


def named_files(variables: Mapping[str, str]) -> list[str]:
    """Return the machine's files that variables name and that no sandbox shows yet."""
    shown = (*allowed.SHARED, *(f"/usr/{name}" for name in allowed.USR))
    return [
        path
        for path in environment.files(variables)
        if Path(path).exists() and not any(Path(path).is_relative_to(folder) for folder in shown)
    ]


def _furnish(build: Build, etc: tuple[Entry, ...], ground: Ground, box: Sandbox) -> None:
    """Make the sandbox's own tree."""
    root = build.staging / ROOT
    names = resolvers.configuration(own_network=False)
    filesystem.build_root(root, etc, Identity("build", "127.0.0.1", names, owned=False))
    image.link_top(root, ground.machine)
    places = [(Path(source), Path(place)) for source, place in box.places]
    folders = [str(place if source.is_dir() else place.parent) for source, place in places]
    own = [path for path in folders if not path.startswith(HOME)]
    filesystem.make_folders(root, (*ground.machine.mounted, CACHE, *own))


def _join(build: Build, groups: tuple[str, ...]) -> tuple[str, ...]:
    return ("/bin/sh", "-c", JOIN, str(build.staging / FILTER), *groups, "--")


def _prefix(build: Build, ground: Ground, box: Sandbox, groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return what turns a command into one that runs in the sandbox, as the builder."""
    guard = seccomp.program()
    (build.staging / FILTER).write_bytes(guard)
    told = (*(("--seccomp", "9") if guard else ()), *sandbox.arguments(box))
    drop = (ground.own.inside, "-I", "-c", DROP, str(BUILDER)) if ground.mode == "root" else ()
    return (*_join(build, groups), str(ground.bubblewrap), *told, "--", *drop)
