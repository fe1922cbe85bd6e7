"""Real time and real randomness."""

from __future__ import annotations

import os
import secrets
import string
import time

LOWER = string.ascii_lowercase + string.digits
UUIDS = 256
UPPER = string.ascii_uppercase + string.digits


class SystemClock:
    """Wall time that never goes back: set back, it stands still until it is caught up."""

    def __init__(self) -> None:
        self._last = 0.0

    def now(self) -> float:
        self._last = max(self._last, time.time())
        return self._last


class RandomIds:
    """Identifiers that nobody can guess.

    A request has up to ten of them, so their randomness is fetched for many at a time.
    """

    def __init__(self) -> None:
        self._random = b""

    def environment(self) -> str:
        return f"e-{_draw(LOWER, 10)}"

    def instance(self) -> str:
        return f"i-{secrets.token_hex(9)[:17]}"

    def request(self) -> str:
        if not self._random:
            self._random = os.urandom(16 * UUIDS)
        drawn, self._random = self._random[:16], self._random[16:]
        number = int.from_bytes(drawn, "big") & ~(0xF << 76 | 0x3 << 62) | 4 << 76 | 0x2 << 62
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def suffix(self, length: int) -> str:
        return _draw(UPPER, length)

    def secret(self) -> str:
        return secrets.token_hex(32)


def _draw(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
