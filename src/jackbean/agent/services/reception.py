"""Where programs of an instance that stand in for systemctl and the like find the agent.

One line of JSON each way, on a unix socket that only root may open.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from jackbean.agent.paths import Paths
from jackbean.agent.services.keeping import UNKNOWN, Outcome, Services

LINE_BYTES_MAX = 64 << 10
TIMEOUT_S = 150.0
NAMES_MAX = 20


def place(paths: Paths) -> Path:
    return paths.waiting.with_name("services.sock")


class Reception:
    """Takes wishes, one after another."""

    def __init__(self, paths: Paths, services: Services) -> None:
        self._path = place(paths)
        self._services = services
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)
        self._socket.listen(16)
        threading.Thread(target=self._receive, name="reception", daemon=True).start()

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def _receive(self) -> None:
        while True:
            try:
                guest, _ = self._socket.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._attend, args=(guest,), daemon=True).start()

    def _attend(self, guest: socket.socket) -> None:
        with suppress(OSError, ValueError), guest, guest.makefile("rwb") as file:
            guest.settimeout(TIMEOUT_S)
            wish = json.loads(file.readline(LINE_BYTES_MAX))
            outcome = self._outcome(wish)
            file.write(json.dumps({"code": outcome.code, "text": outcome.text}).encode() + b"\n")

    def _outcome(self, wish: Any) -> Outcome:
        match wish:
            case {"verbs": [*verbs], "names": [*names]} if all(
                isinstance(word, str) for word in (*verbs, *names)
            ):
                done = [
                    self._services.act(verb, name)
                    for verb in verbs[:NAMES_MAX]
                    for name in names[:NAMES_MAX]
                ]
                code = next((outcome.code for outcome in done if outcome.code), 0)
                return Outcome(code, "\n".join(outcome.text for outcome in done))
            case _:
                return Outcome(UNKNOWN, "that is no wish")


def ask(paths: Paths, verbs: list[str], names: list[str]) -> Outcome:
    """Have the agent do something with services."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(TIMEOUT_S)
            line.connect(str(place(paths)))
            line.sendall(json.dumps({"verbs": verbs, "names": names}).encode() + b"\n")
            with line.makefile("rb") as file:
                said = json.loads(file.readline(LINE_BYTES_MAX))
        return Outcome(int(said["code"]), str(said["text"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Outcome(1, f"the instance's agent does not answer: {error}")
