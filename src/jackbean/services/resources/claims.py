"""Resources of all types, each by the provider of its type, and to whom each belongs.

A claim is kept before anything is made under a name. So whoever asks again after a crash finds its
own, and a name that a person or another stack uses already is refused, neither changed nor ended.
"""

from __future__ import annotations

from collections.abc import Iterable

from jackbean.core.errors import Fault
from jackbean.core.resources import Gone, Made, Underway
from jackbean.ports.resources import Properties, Provider, Wanted
from jackbean.ports.store import PutDocument, Store

CLAIM = "resource"  # documents: who owns what, by type and name


class ClaimedResources:
    """ports.Resources."""

    def __init__(self, store: Store, providers: Iterable[Provider]) -> None:
        self._store = store
        self._providers = {kind: provider for provider in providers for kind in provider.types}

    async def ensure(self, wanted: Wanted) -> Made | Underway:
        provider = self._provider(wanted)
        owner = await self._store.document(CLAIM, _place(wanted))
        if owner is None:
            if await provider.exists(wanted):
                raise _taken(wanted)
            await self._store.commit([PutDocument(CLAIM, _place(wanted), wanted.owner)])
        elif owner != wanted.owner:
            raise _taken(wanted)
        return await provider.ensure(wanted)

    async def remove(self, wanted: Wanted) -> Gone | Underway:
        owner = await self._store.document(CLAIM, _place(wanted))
        if owner != wanted.owner:
            return Gone()
        done = await self._provider(wanted).remove(wanted)
        if isinstance(done, Gone):
            await self._store.commit([PutDocument(CLAIM, _place(wanted), None)])
        return done

    async def read(self, wanted: Wanted) -> Properties | None:
        owner = await self._store.document(CLAIM, _place(wanted))
        return await self._provider(wanted).read(wanted) if owner == wanted.owner else None

    def _provider(self, wanted: Wanted) -> Provider:
        provider = self._providers.get(wanted.type)
        if provider is None:
            raise Fault("ValidationError", f"Resources of type {wanted.type} cannot be made here.")
        return provider


def _place(wanted: Wanted) -> str:
    return f"{wanted.type} {wanted.name}"


def _taken(wanted: Wanted) -> Fault:
    text = f"{wanted.name} already exists, and not in this stack ({wanted.type})."
    return Fault("AlreadyExistsException", text)
