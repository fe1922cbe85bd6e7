"""Real time and real randomness."""

from __future__ import annotations

import secrets
import string
import time
import uuid

LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits


class SystemClock:
    """Wall time that never goes back: set back, it stands still until it is caught up."""

    def __init__(self) -> None:
        self._last = 0.0

    def now(self) -> float:
        self._last = max(self._last, time.time())
        return self._last


class RandomIds:
    """Identifiers that nobody can guess."""

    def environment(self) -> str:
        return f"e-{_draw(LOWER, 10)}"

    def instance(self) -> str:
        return f"i-{secrets.token_hex(9)[:17]}"

    def request(self) -> str:
        return str(uuid.uuid4())

    def suffix(self, length: int) -> str:
        return _draw(UPPER, length)

    def secret(self) -> str:
        return secrets.token_hex(32)


def _draw(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
