"""Live views of logs: lines go to whoever follows, as they are written, and nowhere else.

The control plane says who follows what; each view is a thread that ends when nobody has followed
for a while: one that is started again hears only then of who goes on following.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from jackbean.agent.dial import Dial, Request, target
from jackbean.agent.linereader import LineReader, Piece
from jackbean.agent.link import TROUBLE
from jackbean.agent.logs import TAIL_TASKS, Log, asked_for, every_log, main_logs
from jackbean.agent.paths import Paths
from jackbean.agent.stamps import since

LOOK_AGAIN_S = 0.1
LIST_AGAIN_S = 1.0
PIECE_BYTES = 128 << 10
TAIL_BYTES = 64 << 10
SINCE_BYTES = 4 << 20
LINES_MAX = 10_000
FILES_MAX = 50
VIEWS_MAX = 16  # eight that are wanted, and those that were a moment ago
TRY_AGAIN_S = 0.25
PATIENCE_S = 5.0


class Views:
    """Those that are wanted are there, and no others."""

    def __init__(self, paths: Paths, dial: Dial) -> None:
        self._paths = paths
        self._dial = dial
        self._views: dict[str, View] = {}
        self._wanted: list[str] = []

    def want(self, wanted: Mapping[str, Any]) -> None:
        """Begin and end views so that they are the wanted ones."""
        self._wanted = sorted(wanted)
        self._views = {name: view for name, view in self._views.items() if view.alive}
        for name, view in self._views.items():
            view.let_go(gone=name not in wanted)
        for name, said in wanted.items():
            if name not in self._views and len(self._views) < VIEWS_MAX:
                view = self._views[name] = View(self._paths, self._dial, name, _wish(said))
                view.start()

    @property
    def names(self) -> list[str]:
        return self._wanted


class View:
    def __init__(self, paths: Paths, dial: Dial, name: str, wish: dict[str, Any]) -> None:
        self._paths = paths
        self._dial = dial
        self._name = name
        self._wish = wish
        self._readers: dict[str, LineReader] = {}
        self._first = True
        self._gone_since = 0.0
        self._thread = threading.Thread(target=self._work, name=f"view {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def let_go(self, *, gone: bool) -> None:
        """Note whether somebody follows."""
        self._gone_since = (self._gone_since or time.monotonic()) if gone else 0.0

    @property
    def alive(self) -> bool:
        return not self._gone_since or time.monotonic() - self._gone_since < PATIENCE_S

    def _work(self) -> None:
        listed = 0.0
        while self.alive:
            if time.monotonic() - listed >= LIST_AGAIN_S:
                listed = time.monotonic()
                self._list()
            for path, reader in list(self._readers.items()):
                self._pass_on(path, reader)
            time.sleep(LOOK_AGAIN_S)
        for reader in self._readers.values():
            reader.close()

    def _list(self) -> None:
        for log in self._wanted():
            path = self._paths.shown(log.path)
            if path not in self._readers and len(self._readers) < FILES_MAX:
                reader = self._readers[path] = LineReader(self._paths, log)
                if self._first:
                    self._begin(path, reader)
        self._first = False

    def _wanted(self) -> Iterator[Log]:
        patterns = self._wish["files"]
        if not patterns:
            yield from (*main_logs(self._paths), *asked_for(self._paths, TAIL_TASKS))
            return
        for log in (*every_log(self._paths), *asked_for(self._paths, TAIL_TASKS)):
            path = self._paths.shown(log.path)
            if any(PurePosixPath(path).match(pattern) for pattern in patterns):
                yield log

    def _begin(self, path: str, reader: LineReader) -> None:
        """Send the last lines of what is there already."""
        from_ = self._wish["since"]
        reader.skip_to_tail(SINCE_BYTES if from_ else TAIL_BYTES)
        text = b""
        while piece := self._read(reader):
            reader.go_on(piece.end)
            text += piece.data
        lines = text.splitlines(keepends=True)
        last = since(lines, from_)[-LINES_MAX:] if from_ else lines[-self._wish["lines"] :]
        if self._wish["lines"] or from_:
            for start in range(0, len(last), 500):
                self._send(path, b"".join(last[start : start + 500]))

    def _pass_on(self, path: str, reader: LineReader) -> None:
        while (piece := self._read(reader)) and self.alive:
            self._send(path, piece.data)
            reader.go_on(piece.end)

    def _read(self, reader: LineReader) -> Piece | None:
        with suppress(OSError):
            return reader.read(PIECE_BYTES)
        return None

    def _send(self, path: str, data: bytes) -> None:
        """Send lines, for as long as somebody follows and is there to take them."""
        request = Request("POST", target(f"/v1/follow/{self._name}", path=path), data)
        while self.alive:
            with suppress(*TROUBLE), self._dial.send(request) as exchange:
                if exchange.receive().status < 300:
                    return
            time.sleep(TRY_AGAIN_S)


def _wish(said: Any) -> dict[str, Any]:
    """Return what is asked for, within bounds, whatever was said."""
    said = said if isinstance(said, dict) else {}
    files, lines, from_ = said.get("files"), said.get("lines"), said.get("since")
    return {
        "files": [str(one) for one in files if one][:FILES_MAX] if isinstance(files, list) else [],
        "lines": max(0, min(lines, LINES_MAX)) if isinstance(lines, int) else 10,
        "since": float(from_) if isinstance(from_, (int, float)) else 0.0,
    }
