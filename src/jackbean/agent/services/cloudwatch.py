"""The control program of the CloudWatch agent: the log files that it is told of are collected.

A bundle writes a configuration and has this program take it up. The files that it names come with
the logs of the instance from then on; metrics are not gathered, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jackbean.agent.logs import BUNDLE_TASKS, STREAM_TASKS, TAIL_TASKS
from jackbean.agent.paths import Paths
from jackbean.agent.services.keeping import Outcome

CONFIG_BYTES_MAX = 1 << 20
FILES_MAX = 200
TASK = "amazon-cloudwatch-agent.conf"
FOLDERS = (TAIL_TASKS, BUNDLE_TASKS, STREAM_TASKS)
TAKING = ("fetch-config", "append-config")


def control(argv: list[str], paths: Paths) -> Outcome:
    """Do what `amazon-cloudwatch-agent-ctl` is asked for."""
    options = dict(_options(argv))
    action = options.get("-a", "status")
    if action == "status":
        return Outcome(0, json.dumps({"status": "running", "configstatus": "configured"}))
    if action == "remove-config":
        for folder in FOLDERS:
            paths.at(f"{folder}/{TASK}").unlink(missing_ok=True)
        return Outcome(0, "Log files that were named are not collected any more.")
    if action not in TAKING:
        return Outcome(
            0, f"{action[:40]}: nothing to do, since logs are collected by the instance."
        )
    return _take(options.get("-c", ""), paths, anew=action == "fetch-config")


def _options(argv: list[str]) -> Iterator[tuple[str, str]]:
    words = iter(argv)
    for word in words:
        if word in ("-a", "-c", "-m", "-o"):
            yield word, next(words, "")


def _take(where: str, paths: Paths, *, anew: bool) -> Outcome:
    if where in ("", "default", "all"):
        return Outcome(0, "The default configuration names no log files.")
    if not where.startswith("file:"):
        return Outcome(1, f"{where[:80]}: only configurations in files (file:PATH) are read here.")
    path = Path(where.removeprefix("file:"))
    path = path if path.exists() else paths.at(str(path))
    try:
        with path.open("rb") as file:
            config = json.loads(file.read(CONFIG_BYTES_MAX))
    except (OSError, ValueError, RecursionError) as error:
        return Outcome(1, f"{path}: {error}")
    files = list(_log_files(config))[:FILES_MAX]
    for folder in FOLDERS:
        _note(paths.at(f"{folder}/{TASK}"), files, anew=anew)
    metrics = isinstance(config, dict) and "metrics" in config
    return Outcome(
        0,
        f"{len(files)} log files are collected with those of the instance."
        + (" Metrics are not gathered." if metrics else ""),
    )


def _log_files(config: Any) -> Iterator[str]:
    """Yield the paths in logs.logs_collected.files.collect_list."""
    for key in ("logs", "logs_collected", "files"):
        config = config.get(key) if isinstance(config, dict) else None
    entries = config.get("collect_list") if isinstance(config, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        path = entry.get("file_path") if isinstance(entry, dict) else None
        if isinstance(path, str) and path.startswith("/") and "\n" not in path:
            yield path


def _note(task: Path, files: list[str], *, anew: bool) -> None:
    before = [] if anew or not task.exists() else task.read_text().splitlines()
    task.parent.mkdir(parents=True, exist_ok=True)
    lines = list(dict.fromkeys([*before, *files]))[-FILES_MAX:]
    task.write_text("".join(f"{line}\n" for line in lines))
