"""The way out of the house for notifications: HTTP requests, and mails in a directory.

Mails are files in `mail/` of the data directory, one each; whatever sends mail collects them there.
"""

from __future__ import annotations

import asyncio
import http.client
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from jackbean.services.topics import Undelivered
from jackbean.services.topics.courier import AT_A_TIME
from jackbean.storage.durable import sync_directory

TIMEOUT_S = 15
ANSWER_BYTES_MAX = 65_536
DROP = "mail"


class NetworkCarrier:
    """`services.topics.Carrier` on the real network and disk."""

    def __init__(self, data: Path) -> None:
        self._drop = data / DROP
        self._pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="carries")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, _post, url, headers, body)

    async def drop(self, name: str, mail: bytes) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._write, name, mail)

    def _write(self, name: str, mail: bytes) -> None:
        try:
            self._drop.mkdir(mode=0o700, exist_ok=True)
            new = self._drop / f".{name}.new"
            with new.open("wb") as file:
                file.write(mail)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._drop / name)
            sync_directory(self._drop)
        except OSError as error:
            raise Undelivered(f"{self._drop / name} cannot be written: {error}") from error


def _post(url: str, headers: dict[str, str], body: bytes) -> None:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read(ANSWER_BYTES_MAX)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Undelivered(f"{url}: {error}") from error
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        hopeless = 400 <= answer.status < 500 and answer.status != 429
        raise Undelivered(f"{url} answered {answer.status}", hopeless=hopeless)
