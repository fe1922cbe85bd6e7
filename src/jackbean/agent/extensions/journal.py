"""`/var/log/cfn-init.log` and `cfn-init-cmd.log`: what was done for `.ebextensions`.

The first has a line for each thing that was done, the second what commands printed.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from jackbean.agent.logfiles import FILE_BYTES_MAX, appending, rotate, size
from jackbean.agent.paths import Paths

INIT_LOG = "/var/log/cfn-init.log"
COMMAND_LOG = "/var/log/cfn-init-cmd.log"
RULE = "-" * 23
TEXT_CHARS_MAX = 4_000


class InitLog:
    def __init__(self, paths: Paths) -> None:
        self._log = paths.at(INIT_LOG)
        self.commands = paths.at(COMMAND_LOG)
        for path in (self._log, self.commands):
            if size(path) >= FILE_BYTES_MAX:
                rotate(path, paths.rotated_logs)

    def info(self, text: str) -> None:
        _append(self._log, f"{_stamp()} [INFO] {text}")

    def warn(self, text: str) -> None:
        _append(self._log, f"{_stamp()} [WARNING] {text}")

    def error(self, text: str) -> None:
        _append(self._log, f"{_stamp()} [ERROR] {text}")

    def begin(self, text: str) -> None:
        """Announce a command; what it prints follows."""
        lines = ("=" * 60, text, f"{RULE}Command Output{RULE}")
        for line in lines:
            _append(self.commands, f"{_stamp()} P{os.getpid()} [INFO] {line}")

    def end(self, code: int) -> None:
        """Say how the command that was announced last has ended."""
        word = "[INFO] Completed successfully." if code == 0 else f"[ERROR] Exited with code {code}"
        for line in (f"[INFO] {'-' * 60}", word):
            _append(self.commands, f"{_stamp()} P{os.getpid()} {line}")


def _append(path: Path, line: str) -> None:
    text = line[:TEXT_CHARS_MAX].replace("\n", "\n    ")
    with appending(path) as file:
        file.write(f"{text}\n".encode("utf-8", "replace"))


def _stamp() -> str:
    now = time.time()
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))},{int(now % 1 * 1000):03d}"
