"""What a release starts: the bundle's Procfile, else the platform's default; and its Buildfile."""

from __future__ import annotations

from pathlib import Path

from jackbean.agent.children import Command
from jackbean.agent.phases import ENGINE_LOG, Step, StepFailed
from jackbean.agent.processes import exit_clause, shell
from jackbean.agent.procfile import BYTES_MAX, Entry, Malformed, parse
from jackbean.agent.run import Run
from jackbean.agent.runtime import give

PROCFILE, BUILDFILE = "Procfile", "Buildfile"


def has_procfile(run: Run) -> bool:
    """Tell if the bundle has a Procfile. Raises StepFailed for one that cannot be used."""
    path = run.paths.staging / PROCFILE
    if not path.is_file():
        return False
    entries(path)
    return True


def entries(path: Path) -> tuple[Entry, ...]:
    """Return the lines of a Procfile or Buildfile. Raises StepFailed."""
    if path.stat().st_size > BYTES_MAX:
        raise StepFailed(f"{path.name} is over {BYTES_MAX >> 10} KB.")
    try:
        return parse(path.read_text("utf-8"), path.name)
    except UnicodeDecodeError:
        raise StepFailed(f"{path.name} is not UTF-8; save it so.") from None
    except Malformed as error:
        raise StepFailed(str(error)) from None


def generate_procfile(run: Run, command: str) -> None:
    """Write the Procfile of a bundle that has none."""
    (run.paths.staging / PROCFILE).write_text(f"web: {command}\n")
    run.log.info("Instance deployment successfully generated a 'Procfile'.")


def write_own(run: Run, *lines: str) -> None:
    """Write the processes of a platform that starts its own; say that a Procfile does not count."""
    (run.runtime / PROCFILE).write_text("".join(f"{line}\n" for line in lines))
    if (run.paths.staging / PROCFILE).is_file():
        run.warn("This platform starts its own processes: the bundle's Procfile is not used.")


def procfile(run: Run, root: Path) -> Path:
    """Return the Procfile that counts for a release whose source is in `root`."""
    return (run.runtime if run.platform.own_processes else root) / PROCFILE


def mispacked(root: Path) -> str:
    """Return a sentence about what often goes wrong in packing, if it has."""
    names = [p.name for p in root.iterdir() if not p.name.startswith((".", "__MACOSX"))]
    if not names:
        return " The bundle is empty."
    if len(names) == 1 and (root / names[0]).is_dir():
        return (
            f" Everything in the bundle is inside of one folder, {names[0]}/: pack the folder's "
            "contents, not the folder."
        )
    other = next((name for name in names if name.lower().partition(".")[0] == "procfile"), "")
    return f" The bundle has {other}: it counts once it is called {PROCFILE}." if other else ""


def run_buildfile(run: Run) -> None:
    """Run the commands of the bundle's Buildfile, one after another, to their ends."""
    path = run.paths.staging / BUILDFILE
    if not path.is_file():
        return
    for entry in entries(path):
        run.log.info(f"Running Buildfile command {entry.name}: {entry.command}")
        command = Command(shell(entry.command), run.paths.staging, run.command_environment())
        done = run.execute(command, run.paths.engine_log)
        if done.code:
            why = f"Buildfile command {entry.name!r} {exit_clause(done.code)}."
            raise StepFailed(why + _advice(run, done.tail), ENGINE_LOG, done.tail)
    give(run, run.paths.staging)


def _advice(run: Run, said: str) -> str:
    """Return what a missing compiler or tool means here, or a script without its right."""
    if "Permission denied" in said:
        return (
            " What it calls is not executable: pack it with that right (`chmod +x`, or "
            "`git update-index --chmod=+x FILE`)."
        )
    if "not found" not in said:
        return ""
    return (
        " A program that it calls is not on this machine: install it there (in /usr), or build "
        "before you pack the bundle."
    )


BUILD: Step[Run] = Step("RunBuildfile", run_buildfile, "The Buildfile failed.")
