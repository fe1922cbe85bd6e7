"""What an agent must still know after it was killed: its assignment, and what is on the disk.

One small JSON file, replaced whole. It is not synced: it has to survive the agent, not the machine,
whose file system would be gone with it. If the disk is full, the agent goes on with what it knows.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jackbean.core.protocol import Manifest, from_json


@dataclass(frozen=True)
class Built:
    """A release on this disk. `runtime` is the directory that its platform made for it, if any."""

    manifest: Manifest
    runtime: str = ""


@dataclass(frozen=True)
class Record:
    """`serial` is the highest that was ever accepted; `state` that of its work.

    `flipping` is set while the staged release is about to become the current one, so that an agent
    killed in between can tell which of the two is in /var/app/current.
    """

    serial: int = 0
    work: str = ""
    state: str = ""
    leader: bool = False
    manifest: Manifest | None = None
    failure: dict[str, str] | None = None
    current: Built | None = None
    previous: Built | None = None
    staged: Built | None = None
    flipping: bool = False
    deployed: dict[str, Any] | None = None
    polling: bool = True  # whether the daemon of a worker may poll: what was said last


class Ledger:
    """The record, and the only place that changes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._record = _read(path)

    @property
    def record(self) -> Record:
        return self._record

    def note(self, **changes: Any) -> Record:
        """Change members of the record; return it when it is on the disk."""
        with self._lock:
            self._record = replace(self._record, **changes)
            with suppress(OSError):
                self._write()
            return self._record

    def _write(self) -> None:
        new = self._path.with_suffix(".new")
        new.touch(mode=0o600)  # it holds environment properties
        new.write_text(json.dumps(asdict(self._record)))
        new.replace(self._path)


def _read(path: Path) -> Record:
    """Return the record in a file; an empty one if there is none or it makes no sense."""
    try:
        data = json.loads(path.read_text())
        for member in ("current", "previous", "staged"):
            data[member] = _built(data[member])
        data["manifest"] = _manifest(data["manifest"])
        return Record(**data)
    except (OSError, ValueError, TypeError, KeyError):
        return Record()


def _built(data: Any) -> Built | None:
    return data and Built(from_json(Manifest, data["manifest"]), str(data["runtime"]))


def _manifest(data: Any) -> Manifest | None:
    return data and from_json(Manifest, data)
