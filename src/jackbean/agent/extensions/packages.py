"""`packages`: what an instance can get, and for the rest whether its machine has it.

The programs of an instance are its machine's, shown read-only, so no package manager can work
there. What a package would have brought is looked for; what is missing is told with the command
that brings it to the machine, and with it to all instances at once. Packages of PyPI are the
exception: they come to /usr/local. Gems are installed where the machine has Ruby.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from jackbean.agent import environment
from jackbean.agent.children import Command
from jackbean.agent.extensions.bench import Bench
from jackbean.agent.extensions.journal import COMMAND_LOG
from jackbean.agent.phases import StepFailed
from jackbean.agent.services.provided import advice, present
from jackbean.core.instructions import Extension, Package

SYSTEM_PATH = environment.SYSTEM_PATH
TOOLS = "/usr/local/lib/jackbean-tools"
NO_PROGRAM = "No executables are provided"  # what uv says of a package that is modules only


def install_all(bench: Bench, extension: Extension) -> None:
    """See to every package of a config file, manager by manager."""
    for manager, packages in groupby(extension.packages, lambda package: package.manager):
        MANAGERS[manager](bench, extension.name, list(packages))


def _of_machine(bench: Bench, file: str, packages: list[Package]) -> None:
    missing = []
    for package in packages:
        if present(package.name):
            bench.journal.info(f"Package {package.name} is on this machine already")
        else:
            missing.append(package.name)
    if missing:
        bench.notice(
            f"{file}: packages: {packages[0].manager}: {', '.join(missing)}: not found on this "
            "machine, whose programs all instances share; nothing is installed into an instance. "
            f"If the application needs it, install it on the machine: {advice(missing)}."
        )


def _rpm(bench: Bench, file: str, packages: list[Package]) -> None:
    bench.notice(
        f"{file}: packages: rpm: {', '.join(package.name for package in packages)}: not installed; "
        "an instance has the programs of its machine. Bring what is needed with `sources`."
    )


def _gems(bench: Bench, file: str, packages: list[Package]) -> None:
    gem = shutil.which("gem", path=SYSTEM_PATH)
    if not gem or bench.plain:
        why = "would go into the machine's" if gem else "this machine has no Ruby"
        names = ", ".join(package.name for package in packages)
        bench.notice(f"{file}: packages: rubygems: {names}: not installed ({why}).")
        return
    for package, version in _each(packages):
        chosen = ("-v", version) if version else ()
        if _run(bench, (gem, "list", "-i", "-e", package.name, *chosen)) != 0:
            _must(bench, package, (gem, "install", "--no-document", package.name, *chosen))


def _programs(bench: Bench, file: str, packages: list[Package]) -> None:
    """Install programs from PyPI, each with a Python environment of its own, and modules."""
    uv = bench.run.host.config.tools.get("uv", "")
    if not uv or bench.plain:
        names = ", ".join(package.name for package in packages)
        bench.notice(
            f"{file}: packages: python: {names}: not installed in this mode; what the application "
            "needs belongs into requirements.txt."
        )
        return
    version = bench.run.manifest.platform_version
    pythons = bench.run.host.config.pythons
    python = pythons.get(version) or next(iter(pythons.values()), "python3")
    for package, wanted in _each(packages):
        name = f"{package.name}=={wanted}" if wanted else package.name
        told = _run(bench, (uv, "tool", "install", "--python", python, name))
        if told and NO_PROGRAM in bench.last_output:
            told = _run(bench, (uv, "pip", "install", *_modules(), name))
        _noted(bench, package, told)


def _modules() -> tuple[str, ...]:
    """Return what has modules installed where the instance's own Python finds them."""
    python = Path("/usr/bin/python3")
    place = f"/usr/local/lib/{python.resolve().name}/dist-packages"
    return ("--python", str(python), "--target", place)


def _each(packages: list[Package]) -> Iterator[tuple[Package, str]]:
    for package in packages:
        for version in package.versions or ("",):
            yield package, version


def _must(bench: Bench, package: Package, argv: tuple[str, ...]) -> None:
    _noted(bench, package, _run(bench, argv))


def _noted(bench: Bench, package: Package, code: int) -> None:
    if code:
        cause = f"package {package.name} cannot be installed: exited with code {code}."
        raise StepFailed(cause, COMMAND_LOG, bench.last_output)
    bench.changed["packages"].add(f"{package.manager}/{package.name}")
    bench.journal.info(f"Installed {package.manager} package {package.name}")


def _run(bench: Bench, argv: tuple[str, ...]) -> int:
    env = environment.base((), bench.place("/root")) | {
        "UV_TOOL_DIR": TOOLS,
        "UV_TOOL_BIN_DIR": "/usr/local/bin",
    }
    bench.journal.begin(" ".join(map(os.path.basename, argv[:1])) + " " + " ".join(argv[1:]))
    return bench.execute(Command(argv, bench.place("/"), env)).code


Manager = Callable[[Bench, str, list[Package]], None]
MANAGERS: dict[str, Manager] = {
    "rpm": _rpm,
    "yum": _of_machine,
    "apt": _of_machine,
    "zypper": _of_machine,
    "rubygems": _gems,
    "python": _programs,
}
