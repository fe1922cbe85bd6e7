"""Dependency files resolved once for all instances: ports.Dependencies.

What comes out is a virtual environment that never changes: it is built under another name, written
to the disk and renamed, so whatever has its own name is whole. Building runs code of strangers: it
happens in a sandbox that sees the request, the output and a cache, as a user who owns nothing else.
"""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

from jackbean.core.errors import PortError
from jackbean.core.platforms.runtimes import Need
from jackbean.core.protocol import DependencyRequest
from jackbean.core.pythons import beforehand
from jackbean.engines.process import builds, filesystem, installer, npm, strays
from jackbean.engines.process.builds import Build
from jackbean.engines.process.engine import ProcessEngine
from jackbean.engines.process.interpreters import Interpreter
from jackbean.engines.process.launch import DEPENDENCIES
from jackbean.engines.process.machine_runtimes import Found
from jackbean.engines.process.paths import Layout
from jackbean.engines.process.prepare import Site
from jackbean.engines.process.shelf import Shelf
from jackbean.ports.engine import Unresolvable

BUILDING = ".building-"
BUILDS_AT_ONCE = 2


class ProcessDependencies:
    """Resolves for the instances of one engine. `environ` tells of proxies and package indexes."""

    def __init__(self, engine: ProcessEngine, environ: Mapping[str, str] | None = None) -> None:
        self._engine = engine
        self._environ = dict(os.environ if environ is None else environ)
        self._running: dict[str, asyncio.Task[str]] = {}
        self._room = asyncio.Semaphore(BUILDS_AT_ONCE)
        self._tidying = asyncio.Lock()
        self._tidied = False

    async def resolve(self, request: DependencyRequest) -> str:
        """Return the path, on instances, of the resolved dependencies: once per request content.

        Raises Unresolvable, or PortError where the machine cannot build at all.
        """
        site = await self._engine.ready()
        language = self._language(request)
        interpreter = site.ground.own if language else _checked(request, site)
        name = key(request, language or interpreter, site.ground.mode)
        task = self._running.get(name)
        if task is None:
            wanted = Build(Path(), "", request, interpreter, language)
            task = asyncio.create_task(self._resolved(name, wanted, site))
            self._running[name] = task
            task.add_done_callback(lambda _: self._running.pop(name, None))
        return await asyncio.shield(task)  # who gives up must not end it for the others

    def _language(self, request: DependencyRequest) -> Found | None:
        """Return what a request is for that is not Python's. Raises Unresolvable."""
        if request.kind not in npm.KINDS:
            return None
        npm.check(request)
        shelf = Shelf(self._engine.layout.runtimes, self._environ)
        found = shelf.here(Need("nodejs", request.runtime))
        if found is None:
            raise Unresolvable(f"Node.js {request.runtime} is not on this machine.", "")
        return found

    async def _resolved(self, name: str, wanted: Build, site: Site) -> str:
        place = self._engine.layout.dependencies
        inside = str(place / name) if site.ground.mode == "plain" else f"{DEPENDENCIES}/{name}"
        async with self._room:
            if not await asyncio.to_thread((place / name).is_dir):
                await self._tidy()
                staging = place / f"{BUILDING}{token_hex(8)}"
                try:
                    await self._build(replace(wanted, staging=staging, inside=inside), site)
                    await asyncio.to_thread(_publish, staging / builds.OUTPUT, place / name)
                except OSError as error:
                    raise PortError(f"dependencies {name}: {error}") from error
                finally:
                    await asyncio.to_thread(filesystem.remove, staging)
        return inside

    async def _tidy(self) -> None:
        """Once: end and remove what earlier control planes did not finish."""
        async with self._tidying:
            if not self._tidied:
                await asyncio.to_thread(_tidy, self._engine.layout)
                self._tidied = True

    async def _build(self, build: Build, site: Site) -> None:
        """Make the environment in the staging directory. Raises Unresolvable."""
        kitchen = await asyncio.to_thread(
            builds.set_up, build, site, self._engine.layout, self._environ
        )
        if build.language:
            plain = site.ground.mode == "plain"
            place = npm.home(build.language, self._engine.layout, plain=plain)
            await npm.install(kitchen, build.request, place, self._environ)
            return
        file = installer.checked(build.request.files)
        target = kitchen.target
        made = await kitchen.run(
            installer.venv(
                kitchen.uv, kitchen.python, target, relocatable=site.ground.mode == "plain"
            )
        )
        if made.status:
            raise PortError(f"{build.interpreter.path}: {made.output}")
        for package in beforehand(build.request.runtime):
            with suppress(Unresolvable):  # few count on it: who does will say so
                await _install(kitchen, (package,), f"{package}, which the platform adds,")
        await _install(kitchen, ("-r", f"{kitchen.request}/{file}"), file)
        for package in installer.base(build.request.runtime):
            if not await asyncio.to_thread(build.has, package):
                await _install(kitchen, (package,), f"{package}, which the platform adds,")


async def _install(kitchen: builds.Kitchen, what: tuple[str, ...], name: str) -> None:
    """Install, out of the cache where there is no network. Raises Unresolvable."""
    done = await kitchen.run(installer.install(kitchen.uv, kitchen.target, what))
    if done.status and installer.unreachable(done.output):
        again = installer.install(kitchen.uv, kitchen.target, what, offline=True)
        if (await kitchen.run(again)).status == 0:
            return
    if done.status:
        said = installer.heard(done.output, kitchen.request)
        raise Unresolvable(installer.cause(said, name), installer.tail(said))


def _checked(request: DependencyRequest, site: Site) -> Interpreter:
    """Return the interpreter to build for. Raises Unresolvable."""
    if request.kind != "pip":
        raise Unresolvable(f"Dependencies of kind {request.kind!r} cannot be resolved here.", "")
    try:
        installer.checked(request.files)
    except ValueError as error:
        raise Unresolvable(str(error), "") from error
    found = site.ground.interpreters.get(request.runtime)
    if found is None:
        have = ", ".join(site.ground.interpreters)
        raise Unresolvable(f"Python {request.runtime} is not on this machine, but {have}.", "")
    return found


def key(request: DependencyRequest, made_for: Interpreter | Found, mode: str) -> str:
    """Return the name of what a request resolves to: all that makes a difference is in it."""
    facts = [
        request.kind,
        made_for.identity,
        platform.machine(),
        mode == "plain",
        beforehand(request.runtime),
        installer.base(request.runtime),
        list(request.files.items()),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _tidy(layout: Layout) -> None:
    strays.kill(builds.MARK, layout.tag)
    for old in layout.dependencies.glob(BUILDING + "*"):
        filesystem.remove(old)


def _publish(built: Path, place: Path) -> None:
    """Give a finished environment its name, once it is on the disk whole."""
    at = os.open(built, os.O_RDONLY | os.O_DIRECTORY)
    try:
        ctypes.CDLL(None).syncfs(at)
    finally:
        os.close(at)
    built.chmod(0o755)
    built.rename(place)
