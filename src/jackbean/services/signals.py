"""Signals on record, by the physical name of what they are for: a handle, or a wait condition.

On record before the answer, so that a control plane that dies has every signal that was taken.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote, unquote, urlsplit

from jackbean.core.installation import Installation
from jackbean.core.signals import Signal, added, from_json, to_json
from jackbean.ports.store import PutDocument, Store

DOCUMENT = "signals"


class SignalDesk:
    """There is one in a control plane: under its lock no signal is lost to another."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = asyncio.Lock()

    async def signals(self, name: str) -> tuple[Signal, ...]:
        """Return those for a physical name, in the order in which they came."""
        return from_json(await self.store.document(DOCUMENT, name))

    async def expect(self, name: str) -> None:
        """Let signals for a name be taken from now on."""
        async with self._lock:
            if not await self.expected(name):
                await self.store.commit([PutDocument(DOCUMENT, name, to_json(()))])

    async def expected(self, name: str) -> bool:
        """Whether signals for a name are taken: it has been made, and has not ended."""
        return await self.store.document(DOCUMENT, name) is not None

    async def take(self, name: str, signal: Signal) -> bool:
        """Keep a signal; one that is there already stays as it is. Returns whether it is new."""
        async with self._lock:
            before = await self.signals(name)
            after = added(before, signal)
            if len(after) == len(before):
                return False
            await self.store.commit([PutDocument(DOCUMENT, name, to_json(after))])
            return True

    async def forget(self, name: str) -> None:
        """Take no more signals for a name."""
        async with self._lock:
            if await self.expected(name):
                await self.store.commit([PutDocument(DOCUMENT, name, None)])


def url_of(name: str, signature: str, installation: Installation) -> str:
    """Return the URL of a handle, of the shape that AWS's have."""
    key = quote(installation.arn(f"stack/{name}", "cloudformation"), safe="")
    return f"{installation.signal_url}{key}?AWSAccessKeyId=CLOUDFORMATION&Signature={signature}"


def name_in(url: str, installation: Installation) -> str:
    """Return the physical name of the handle that a URL is of, by whatever host it is reached.

    Empty where it is of none.
    """
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return ""
    key = path.removeprefix(f"/{installation.signal_bucket}").removeprefix("/")
    prefix = installation.arn("stack/", "cloudformation")
    return key.removeprefix(prefix) if key.startswith(prefix) else ""
