"""The source bundle: fetched once, kept under its digest, and unpacked from there."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from jackbean.agent.dial import Dial, Request, Unreachable
from jackbean.agent.logfiles import EngineLog
from jackbean.agent.phases import StepFailed
from jackbean.core.protocol import BUNDLE_BYTES_MAX

DIGEST = r"[0-9a-f]{64}"
KEPT = 3  # the current, the previous and the next release's
BACKOFF_S_MIN = 0.1
BACKOFF_S_MAX = 2.0
DAMAGED_MAX = 3
PIECE_BYTES = 1 << 20


class _Damaged(Exception):
    """What came is not what the digest says."""


class Bundles:
    def __init__(self, folder: Path, dial: Dial, log: EngineLog) -> None:
        self._folder = folder
        self._dial = dial
        self._log = log

    def fetch(self, digest: str, check: Callable[[], None]) -> Path:
        """Return the file with this digest, from the control plane if it is not here.

        A transfer that breaks off goes on where it was. `check` is called now and then and may
        raise.
        """
        if not re.fullmatch(DIGEST, digest):
            raise StepFailed(f"The release names no bundle by its SHA-256 but {digest[:80]!r}.")
        path = self._folder / digest
        if not path.is_file():
            self._transfer(digest, path, check)
        os.utime(path)
        self._let_go()
        return path

    def _transfer(self, digest: str, path: Path, check: Callable[[], None]) -> None:
        part = path.with_suffix(".part")
        backoff_s = BACKOFF_S_MIN
        damaged = 0
        while True:
            check()
            try:
                self._ask(digest, part, check)
                _verify(part, digest)
                part.replace(path)
                return
            except _Damaged:
                part.unlink(missing_ok=True)
                damaged += 1
                if damaged == DAMAGED_MAX:
                    raise StepFailed(f"Bundle {digest} arrives damaged; upload it again.") from None
            except (Unreachable, TimeoutError, ConnectionError, FileNotFoundError) as error:
                self._log.warn(f"The bundle did not arrive, trying again: {error}")
                time.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    def _ask(self, digest: str, part: Path, check: Callable[[], None]) -> None:
        """Fetch what is missing of a file."""
        with part.open("ab") as file:
            have = file.tell()
            headers = {"Range": f"bytes={have}-"} if have else {}
            request = Request("GET", f"/v1/bundle/{digest}", headers=headers)
            with self._dial.send(request) as exchange:
                status = exchange.receive().status
                if status in (404, 410):
                    raise StepFailed(f"The control plane has no bundle {digest}; upload it again.")
                if status == 416:
                    return  # it was whole already, or is damaged
                if status not in (200, 206):
                    raise Unreachable(f"the control plane answers {status}")
                if status == 200:
                    file.truncate(have := 0)
                for piece in exchange.pieces():
                    check()
                    file.write(piece)
                    have += len(piece)
                    if have > BUNDLE_BYTES_MAX:
                        raise StepFailed(f"The bundle is over {BUNDLE_BYTES_MAX >> 20} MB.")

    def _let_go(self) -> None:
        """Keep the bundles that were used last."""
        found = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in found[:-KEPT]:
            old.unlink(missing_ok=True)


def _verify(path: Path, digest: str) -> None:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            found.update(piece)
    if found.hexdigest() != digest:
        raise _Damaged


def place(source: Path, target: Path) -> None:
    """Show a kept bundle where Elastic Beanstalk has it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        import shutil  # noqa: PLC0415 - only where links are not to be had

        shutil.copyfile(source, target)
