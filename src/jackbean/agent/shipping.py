"""New lines of logs on their way to the environment's log groups, while its settings say so.

Lines are sent from their file, so a control plane that is away costs nothing but the time until it
is back, as far as files are kept. Each piece says which bytes of which file it is. The control
plane remembers how far it has taken each file, and answers with that: what was sent twice is there
once.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jackbean.agent.dial import Dial, Request, target
from jackbean.agent.linereader import LineReader, Piece, Place
from jackbean.agent.link import BACKOFF_S_MAX, BACKOFF_S_MIN, TROUBLE
from jackbean.agent.logs import streamed
from jackbean.agent.paths import Paths

PIECE_BYTES = 512 << 10
LOOK_AGAIN_S = 0.25
LIST_AGAIN_S = 1.0
LAST_LOOK_S = 2.0  # how long the last lines of an ending instance may take
FILES_MAX = 100
NEVER = -1_000.0
REFUSED_S = 5.0
TOO_FAST = 429


class Shipper:
    """`wanted` says whether lines are to be sent. Everything happens in one thread."""

    def __init__(self, paths: Paths, dial: Dial, wanted: Callable[[], bool]) -> None:
        self._paths = paths
        self._dial = dial
        self._wanted = wanted
        self._register = paths.own / "sent-lines.json"
        self._places = _read(self._register)
        self._readers: dict[str, LineReader] = {}
        self._refused: dict[str, float] = {}  # until when a path is not tried again
        self._listed = NEVER
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ship lines", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Send what is left, if somebody takes it within a moment, and end."""
        self._stop.set()
        self._thread.join(LAST_LOOK_S)

    def _work(self) -> None:
        backoff_s = 0.0
        while not self._stop.wait(backoff_s or LOOK_AGAIN_S):
            backoff_s = self._tried(backoff_s)
        self._listed = 0.0  # look once more
        self._tried(0.0)

    def _tried(self, backoff_s: float) -> float:
        """Send all there is; return how long to wait before the next try, 0 if all went well."""
        if not self._wanted():
            self._forget()
            return 0.0
        try:
            while self._round():
                pass
        except TROUBLE:
            return min(max(backoff_s * 2, BACKOFF_S_MIN), BACKOFF_S_MAX)
        return 0.0

    def _round(self) -> bool:
        """Send a piece of each log; tell if there was any."""
        self._list()
        found = False
        for path, reader in self._readers.items():
            waits = time.monotonic() < self._refused.get(path, NEVER)
            piece = None if waits else self._piece(reader)
            if piece:
                self._note(path, reader.place)
                reader.go_on(Place(piece.file, self._send(path, piece)))
                self._note(path, reader.place)
                found = True
        return found

    def _piece(self, reader: LineReader) -> Piece | None:
        with suppress(OSError):  # of the file, not of the line to the control plane
            return reader.read(PIECE_BYTES)
        return None

    def _send(self, path: str, piece: Piece) -> int:
        """Send lines; return how far the control plane has taken their file. Raises TROUBLE."""
        about = {"path": path, "file": piece.file, "start": piece.start, "gap": int(piece.gap)}
        request = Request("POST", target("/v1/lines", **about), piece.data)
        status, answer = self._dial.call(request)
        if status == 200 and isinstance(answer, dict) and isinstance(answer.get("end"), int):
            return int(answer["end"])
        if status >= 500 or status == TOO_FAST:
            raise OSError(f"the control plane answers {status}")
        self._refused[path] = time.monotonic() + REFUSED_S  # it does not take these, or not now
        return piece.start

    def _list(self) -> None:
        """Look for logs that have appeared."""
        if time.monotonic() - self._listed < LIST_AGAIN_S:
            return
        first, self._listed = self._listed < 0, time.monotonic()
        for log in streamed(self._paths)[:FILES_MAX]:
            path = self._paths.shown(log.path)
            if path not in self._readers and log.path.exists():
                reader = LineReader(self._paths, log, self._places.get(path))
                if not first and path not in self._places:
                    reader.begin_with_oldest()
                self._readers[path] = reader

    def _note(self, path: str, place: Place) -> None:
        if self._places.get(path) == place:
            return
        self._places[path] = place
        with suppress(OSError):  # a full disk: what is sent again is known there
            new = self._register.with_suffix(".new")
            kept = {path: [place.file, place.offset] for path, place in self._places.items()}
            new.write_text(json.dumps(kept))
            new.replace(self._register)

    def _forget(self) -> None:
        """Let go of the files; where they were is remembered."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._listed = NEVER


def _read(register: Path) -> dict[str, Place]:
    try:
        kept = json.loads(register.read_text())
        return {str(path): Place(str(file), int(at)) for path, (file, at) in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
