"""The bundle's own programs, run at set points of a deployment: `.platform/hooks/POINT/*`."""

from __future__ import annotations

import errno
from pathlib import Path

from jackbean.agent.children import Command
from jackbean.agent.phases import StepFailed
from jackbean.agent.processes import exit_clause
from jackbean.agent.run import Run

HOOKS_LOG = "/var/log/eb-hooks.log"
KINDS = frozenset(("hooks", "confighooks"))
HOOKS_MAX = 500


def run_hooks(run: Run, point: str, root: Path) -> None:
    """Run all hooks of a point, in the order of their names, in the application's directory."""
    kind = run.manifest.hooks
    folder = root / ".platform" / kind / point
    if kind not in KINDS or not folder.is_dir():
        run.log.info(f"The dir .platform/{kind}/{point}/ does not exist")
        return
    hooks = sorted(path for path in folder.iterdir() if path.is_file())
    if len(hooks) > HOOKS_MAX:
        raise StepFailed(f".platform/{kind}/{point} has over {HOOKS_MAX} hooks.")
    names = ", ".join(hook.name for hook in hooks)
    run.log.info(f"Following platform hooks will be executed in order: [{names}]")
    for hook in hooks:
        run.log.info(f"Running platform hook: .platform/{kind}/{point}/{hook.name}")
        _run_hook(run, hook, root)


def _run_hook(run: Run, hook: Path, root: Path) -> None:
    shown = str(hook.relative_to(root))
    mode = hook.stat().st_mode
    if not mode & 0o100:
        run.log.warn(f"{shown} is not executable: it is made so. Better pack it with that right.")
    hook.chmod(mode | 0o755)
    env = run.command_environment() | {"EB_IS_COMMAND_LEADER": "true" if run.leader else "false"}
    try:
        done = run.execute(Command((str(hook),), root, env), run.paths.hooks_log)
    except OSError as error:
        raise StepFailed(f"{shown} could not be started: {_advice(hook, error)}") from None
    if done.code:
        raise StepFailed(f"{shown} {exit_clause(done.code)}.", HOOKS_LOG, done.tail)


def _advice(hook: Path, error: OSError) -> str:
    with hook.open("rb") as file:
        first = file.readline(256)
    if error.errno == errno.ENOEXEC:
        return "it is no program; a script begins with a line such as #!/bin/bash."
    if first.startswith(b"#!") and first.endswith(b"\r\n"):
        return "its lines end as on Windows (CRLF); save it with Unix line ends."
    if first.startswith(b"#!") and error.errno == errno.ENOENT:
        interpreter = first[2:].decode("utf-8", "replace").strip()
        return f"its interpreter `{interpreter}` is not on the instance."
    return f"{error.strerror}."
