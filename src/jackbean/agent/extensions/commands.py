"""`commands` and `container_commands`: in the order of their names, those for the leader first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jackbean.agent import environment
from jackbean.agent.children import Command as Process
from jackbean.agent.extensions.bench import Bench
from jackbean.agent.extensions.journal import COMMAND_LOG
from jackbean.agent.phases import StepFailed
from jackbean.agent.processes import exit_clause, shell_program
from jackbean.core.instructions import Command

NOT_FOUND, NOT_EXECUTABLE = 127, 126


@dataclass(frozen=True)
class Setting:
    """Where commands of a kind run. `base` are the variables that are there without a word.

    A command's own variables are added to these if `extends`, else they take their place.
    """

    folder: Path
    base: Mapping[str, str]
    extends: bool = False


def before_build(bench: Bench) -> Setting:
    """Return the setting of `commands`: nothing of the release is there yet."""
    home = bench.place("/root")
    home.mkdir(parents=True, exist_ok=True)
    return Setting(bench.place("/"), _with_own_programs(bench, environment.base((), home)))


def after_build(bench: Bench) -> Setting:
    """Return the setting of `container_commands`: the staged source, and its variables."""
    run = bench.run
    leader = {"EB_IS_COMMAND_LEADER": "true" if run.leader else "false"}
    base = _with_own_programs(bench, run.command_environment()) | leader
    return Setting(run.paths.staging, base, extends=True)


def _with_own_programs(bench: Bench, env: dict[str, str]) -> dict[str, str]:
    """Have the instance's own programs be found where they are not at their place."""
    if not bench.plain:
        return env
    return env | {"PATH": f"{bench.place('/usr/local/bin')}:{env['PATH']}"}


def run_all(bench: Bench, commands: Iterable[Command], setting: Setting) -> None:
    """Run them in order; those that only the leader runs come first."""
    for command in sorted(commands, key=lambda c: (not c.leader_only, c.name)):
        if command.leader_only and not bench.run.leader:
            bench.journal.info(f"Command {command.name} is for the leader; this instance is not")
        elif not command.leader_only and not _wanted(bench, command, setting):
            bench.journal.info(
                f"Test failed with code other than 0; skipping command {command.name}"
            )
        else:
            _run(bench, command, setting)


def _wanted(bench: Bench, command: Command, setting: Setting) -> bool:
    if not command.test:
        return True
    bench.journal.begin(f"Test for Command {command.name}")
    line = bench.mapped(command.test)
    return _execute(bench, command, (shell_program(), "-c", line), setting) == 0


def _run(bench: Bench, command: Command, setting: Setting) -> None:
    bench.journal.begin(f"Command {command.name}")
    argv = tuple(map(bench.mapped, command.argv))
    code = _execute(
        bench, command, argv or (shell_program(), "-c", bench.mapped(command.line)), setting
    )
    if code == 0:
        bench.journal.info(f"Command {command.name} succeeded")
        bench.changed["commands"].add(command.name)
        return
    bench.journal.error(f"Command {command.name} ({command.shown}) failed")
    if command.ignore_errors:
        bench.journal.info(f"ignoreErrors set to true: going on after command {command.name}")
        return
    cause = f"command {command.name} {exit_clause(code)}{_hint(code)}."
    raise StepFailed(cause, COMMAND_LOG, bench.last_output)


def _execute(bench: Bench, command: Command, argv: tuple[str, ...], setting: Setting) -> int:
    """Run one program; what cannot be started is treated as a shell would."""
    folder = setting.folder
    if command.cwd:
        folder = bench.place(command.cwd) if command.cwd.startswith("/") else folder / command.cwd
    if not folder.is_dir():
        raise StepFailed(f"command {command.name}: there is no folder {command.cwd} to run it in.")
    try:
        return bench.execute(Process(argv, folder, _environment(command, setting))).code
    except FileNotFoundError:
        return bench.not_started(f"{argv[0]}: not found", NOT_FOUND)
    except OSError as error:
        return bench.not_started(f"{argv[0]}: {error.strerror}", NOT_EXECUTABLE)


def _environment(command: Command, setting: Setting) -> Mapping[str, str]:
    if command.env is None:
        return setting.base
    return {**setting.base, **command.env} if setting.extends else command.env


def _hint(code: int) -> str:
    hints = {
        NOT_FOUND: " (a program was not found: an instance has those of its machine, in /usr)",
        NOT_EXECUTABLE: " (a program could not be run: is it executable?)",
    }
    return hints.get(code, "")
