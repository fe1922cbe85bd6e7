"""Fetching what config files name: objects from the control plane, all else from the network.

An address that could be an object's is asked of the control plane first, which hands out what the
release names and nothing else; so an instance needs neither keys nor a way to the S3 endpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from jackbean.agent.dial import Request, Unreachable
from jackbean.agent.extensions.bench import Bench
from jackbean.agent.phases import StepFailed
from jackbean.core.instructions import Origin

BYTES_MAX = 512 << 20
PIECE_BYTES = 256 << 10
TIMEOUT_S = 20.0
TRIES = 3
PAUSE_S = 0.3
SCHEMES = ("http://", "https://")
SHOWN_MAX = 200


class _Again(Exception):
    """It did not work this time."""


def fetch(bench: Bench, origin: Origin, target: Path) -> None:
    """Write what is at an address into `target`. Raises StepFailed."""
    if origin.bucket and _object(bench, origin, target):
        return
    if not origin.url.startswith(SCHEMES):
        raise StepFailed(f"bucket {origin.bucket} has no object {origin.key}: upload it.")
    for number in range(TRIES):
        try:
            with target.open("wb") as file:
                _download(bench, origin, file)
            break
        except _Again as error:
            if number + 1 == TRIES:
                raise StepFailed(f"{_shown(origin)} cannot be fetched: {error}.") from None
            time.sleep(PAUSE_S * 4**number)


def _shown(origin: Origin) -> str:
    """Return an address without what might be a secret in it."""
    return origin.url.partition("?")[0].partition("#")[0][:SHOWN_MAX]


def _object(bench: Bench, origin: Origin, target: Path) -> bool:
    """Fetch an object that the control plane has; tell if it has it."""
    from urllib.parse import quote  # noqa: PLC0415 - 8 ms, and seldom needed

    path = f"/v1/object/{quote(origin.bucket)}/{quote(origin.key)}"
    while True:
        bench.run.check()
        try:
            with bench.run.host.dial.send(Request("GET", path)) as exchange:
                status = exchange.receive().status
                if status == 200:
                    with target.open("wb") as file:
                        _copy(exchange.pieces(), file, bench.run.check)
                    return True
                if status < 500:
                    return False
        except (Unreachable, TimeoutError, ConnectionError, FileNotFoundError) as error:
            bench.journal.warn(f"The control plane does not answer, trying again: {error}")
        time.sleep(PAUSE_S)


def _download(bench: Bench, origin: Origin, file: IO[bytes]) -> None:
    import http.client  # noqa: PLC0415 - 40 ms that most instances do without
    import urllib.error  # noqa: PLC0415

    try:
        with _opened(origin) as answer:
            _copy(iter(lambda: answer.read(PIECE_BYTES), b""), file, bench.run.check)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code < 500:
            raise StepFailed(
                f"{_shown(origin)} cannot be fetched: it answers {error.code}."
            ) from None
        raise _Again(f"it answers {error.code}") from None
    except urllib.error.URLError as error:
        raise _Again(str(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise _Again(str(error) or type(error).__name__) from None


def _opened(origin: Origin) -> IO[bytes]:
    """Ask for it; only by HTTP, whatever it redirects to."""
    import urllib.request as http  # noqa: PLC0415

    opener = http.OpenerDirector()
    for handler in (
        http.ProxyHandler(),
        http.HTTPHandler(),
        http.HTTPSHandler(),
        http.HTTPDefaultErrorHandler(),
        http.HTTPRedirectHandler(),
        http.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    agent = {"User-Agent": "jackbean"}
    request = http.Request(origin.url, headers=agent)  # noqa: S310 - the opener knows HTTP only
    if origin.user:
        import base64  # noqa: PLC0415

        said = base64.b64encode(f"{origin.user}:{origin.password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {said}")
    answer: IO[bytes] | None = opener.open(request, timeout=TIMEOUT_S)
    if answer is None:
        raise StepFailed(f"{_shown(origin)} leads to what is not fetched by HTTP.")
    return answer


def _copy(pieces: Iterator[bytes], file: IO[bytes], check: Callable[[], None]) -> None:
    size = 0
    for piece in pieces:
        check()
        size += len(piece)
        if size > BYTES_MAX:
            with suppress(OSError):
                file.truncate(0)
            raise StepFailed(f"it is over {BYTES_MAX >> 20} MB.")
        file.write(piece)
