"""Rotated logs on their way to the storage bucket, where the settings ask for that.

Each is sent once, compressed, under a name made of its path, as on AWS. What has been sent is
written down, so a later agent does not send it again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from shutil import copyfileobj

from jackbean.agent.dial import Dial, Request
from jackbean.agent.link import TROUBLE
from jackbean.agent.logfiles import original
from jackbean.agent.logs import PUBLISH_TASKS, Log, asked_for
from jackbean.agent.openlogs import log_file
from jackbean.agent.paths import Paths

REMEMBERED_MAX = 5_000
FILE_BYTES_MAX = 256 << 20
AT_ONCE_MAX = 200


class Publisher:
    """`wanted` says whether rotated logs are to be sent."""

    def __init__(self, paths: Paths, dial: Dial, wanted: Callable[[], bool]) -> None:
        self._paths = paths
        self._dial = dial
        self._wanted = wanted
        self._register = paths.own / "published-logs.json"
        self._sent = _read(self._register)
        self._parcel = paths.own / "publishing.gz"
        self._mark = ""
        self._busy = threading.Lock()

    def look(self) -> None:
        """Send what is new; what cannot be sent now is tried with the next look."""
        if not self._wanted() or not self._busy.acquire(blocking=False):
            return
        try:
            for log in list(self._logs())[:AT_ONCE_MAX]:
                name = self._packed(log)
                if name and not self._sent_as(name):
                    return
        except TROUBLE:
            return
        finally:
            self._parcel.unlink(missing_ok=True)
            self._busy.release()

    def _logs(self) -> Iterator[Log]:
        rotated = self._paths.rotated_logs
        yield from (Log(path) for path in sorted(rotated.iterdir()) if original(path))
        yield from asked_for(self._paths, PUBLISH_TASKS)

    def _packed(self, log: Log) -> str:
        """Compress a log that has not been sent; return its name, "" where there is none."""
        from gzip import GzipFile  # noqa: PLC0415 - seldom needed

        with suppress(OSError), log_file(self._paths, log.path, log.granted) as file:
            seen = os.fstat(file.fileno())
            name = published_name(self._paths.shown(log.path))
            self._mark = f"{name} {int(seen.st_mtime)}"
            if self._mark in self._sent or not 0 < seen.st_size <= FILE_BYTES_MAX:
                return ""
            with self._parcel.open("wb") as target:
                if log.path.suffix == ".gz":
                    copyfileobj(file, target)
                else:
                    with GzipFile("", "wb", 4, target) as zipped:
                        copyfileobj(file, zipped)
            return name
        return ""

    def _sent_as(self, name: str) -> bool:
        """Send what is packed; tell whether the control plane takes it. Raises TROUBLE."""
        from urllib.parse import quote  # noqa: PLC0415 - seldom needed

        request = Request("PUT", f"/v1/publish/{quote(name, safe='')}", self._parcel)
        with self._dial.send(request) as exchange:
            taken = exchange.receive().status < 300
        if taken:
            self._note(self._mark)
        return taken

    def _note(self, mark: str) -> None:
        self._sent = [*self._sent, mark][-REMEMBERED_MAX:]
        with suppress(OSError):
            new = self._register.with_suffix(".new")
            new.write_text(json.dumps(self._sent))
            new.replace(self._register)


def published_name(path: str) -> str:
    """Return the name of a log in the bucket: its path, with _ for /."""
    return path.replace("/", "_").removesuffix(".gz") + ".gz"


def _read(register: Path) -> list[str]:
    try:
        kept = json.loads(register.read_text())
        return [str(one) for one in kept] if isinstance(kept, list) else []
    except (OSError, ValueError):
        return []
