"""Config files, carried out: the executors of each key, in their order."""

from __future__ import annotations

from collections.abc import Callable

from jackbean.agent.extensions import accounts, archives, commands, files, packages, serving
from jackbean.agent.extensions.bench import Bench
from jackbean.agent.extensions.journal import INIT_LOG, InitLog
from jackbean.agent.phases import ENGINE_LOG, StepFailed
from jackbean.agent.run import Run
from jackbean.core.instructions import Extension, from_json

Executor = Callable[[Bench, Extension], None]


def _commands(bench: Bench, extension: Extension) -> None:
    commands.run_all(bench, extension.commands, commands.before_build(bench))


def _container_commands(bench: Bench, extension: Extension) -> None:
    commands.run_all(bench, extension.container_commands, commands.after_build(bench))


BEFORE: tuple[tuple[str, Executor], ...] = (
    ("packages", packages.install_all),
    ("groups", accounts.add_groups),
    ("users", accounts.add_users),
    ("sources", archives.unpack_all),
    ("files", files.write_all),
    ("commands", _commands),
    ("services", serving.see_to_all),
)
AFTER: tuple[tuple[str, Executor], ...] = (("container_commands", _container_commands),)


def process(run: Run, configset: str, executors: tuple[tuple[str, Executor], ...]) -> None:
    """Carry out what these executors are for of each config file of a release."""
    try:
        extensions = [from_json(data) for data in run.manifest.extensions]
    except ValueError as error:
        raise StepFailed(f"The compiled .ebextensions cannot be read: {error}.") from None
    bench = Bench(run, InitLog(run.paths))
    if executors is BEFORE:
        files.drop_proxy_files(bench, extensions)
    run.log.info(f"Executing .ebextensions: configset {configset}")
    bench.journal.info(f"Running configSets: {configset}")
    for extension in extensions:
        for key, executor in executors:
            if getattr(extension, key):
                _execute(bench, extension, key, executor)
    bench.journal.info(f"ConfigSets completed: {configset}")


def _execute(bench: Bench, extension: Extension, key: str, executor: Executor) -> None:
    bench.journal.info(f"Running config {extension.name}: {key}")
    try:
        executor(bench, extension)
    except StepFailed as failed:
        bench.journal.error(f"{extension.name}: {failed.cause}")
        log = INIT_LOG if failed.log == ENGINE_LOG else failed.log
        raise StepFailed(f"{extension.name}: {failed.cause}", log, failed.tail) from None
