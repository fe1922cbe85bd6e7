"""The AWS keys of this instance: fetched when they are needed, and kept for when nobody answers.

An instance with a metadata service hands them to whoever asks there. Where it has none, programs
find them in their environment, and keep what they found for as long as they run.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jackbean.agent.dial import Dial, Request, Unreachable

ROLE, VARIABLES = "role", "variables"
RENEW_S = {ROLE: 3 * 3600, VARIABLES: 183 * 24 * 3600}  # with less left, they are fetched anew
ASK_TIMEOUT_S = 5.0
AGAIN_S = 5.0  # between two tries to renew keys that still hold


@dataclass(frozen=True)
class InstanceKeys:
    """Temporary AWS keys of one instance; `expires` in seconds since the epoch."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires: float
    account: str
    role: str

    @classmethod
    def told(cls, said: Any) -> InstanceKeys:
        """Return what the control plane said. Raises ValueError for anything else."""
        try:
            return cls(
                str(said["AccessKeyId"]),
                str(said["SecretAccessKey"]),
                str(said["SessionToken"]),
                float(said["Expiration"]),
                str(said["AccountId"]),
                str(said["Role"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are no keys: {error!r}") from None


class Keys:
    """Keys of one kind. Whoever asks waits a few seconds at most."""

    def __init__(
        self, dial: Dial, kind: str, file: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._dial = dial
        self._kind = kind
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._known = _read(file)
        self._tried = -AGAIN_S

    def current(self) -> InstanceKeys | None:
        """Return keys that hold; None if there are none and the control plane is silent."""
        with self._lock:
            if self._left() < RENEW_S[self._kind] and self._due():
                self._renew()
            return self._known if self._left() > 0 else None

    def export(self) -> None:
        """Put them where programs of this instance inherit them from, if that is how they get them.

        Where there is a metadata service it hands them out, and renews them.
        """
        if self._kind == VARIABLES:
            os.environ.update(self.variables())

    def _left(self) -> float:
        return self._known.expires - self._clock() if self._known else 0.0

    def _due(self) -> bool:
        return self._left() <= 0 or time.monotonic() - self._tried >= AGAIN_S

    def _renew(self) -> None:
        self._tried = time.monotonic()
        target = f"/v1/credentials?for={self._kind}"
        with suppress(Unreachable, OSError, ValueError):
            status, told = self._dial.call(Request("GET", target, timeout_s=ASK_TIMEOUT_S))
            if status == 200:
                self._known = InstanceKeys.told(told)
                _write(self._file, told)

    def variables(self) -> dict[str, str]:
        """Return them as programs find them in their environment."""
        keys = self.current()
        if keys is None:
            return {}
        return {
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_SESSION_TOKEN": keys.session_token,
        }


def _read(file: Path) -> InstanceKeys | None:
    try:
        return InstanceKeys.told(json.loads(file.read_text()))
    except (OSError, ValueError):
        return None


def _write(file: Path, told: Any) -> None:
    new = file.with_name(file.name + ".new")
    with suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(json.dumps(told))
    new.replace(file)
