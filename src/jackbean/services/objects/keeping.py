"""Giving bytes a name, safely while others are being deleted.

Bytes are written before the row that names them, so a collection could delete equal bytes, long
unnamed, in between. Therefore the row's transaction looks whether the bytes are still there, and
fails if they are not: the client sends them again. Bytes that get no name after all are orphans.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

from jackbean.core.errors import PortError
from jackbean.ports.buckets import Admit, Buckets, ObjectRecord, Refused, anything
from jackbean.ports.objects import Blobs
from jackbean.services.objects import faults


def while_kept(blobs: Blobs, digest: str, admit: Admit = anything) -> Admit:
    """Return `admit`, and refusal where the bytes have gone."""

    def check(present: ObjectRecord | None) -> None:
        admit(present)
        try:
            blobs.path(digest)
        except PortError:
            raise faults.again() from None

    return check


@asynccontextmanager
async def naming(buckets: Buckets, digest: str, now: float) -> AsyncIterator[None]:
    """Remember bytes as orphans if what is done within fails to name them."""
    try:
        yield
    except BaseException:
        await buckets.disown(digest, now)
        raise


async def settled(change: Awaitable[None], bucket: str) -> None:
    """Wait for a change. Raises the Fault that belongs to a refusal."""
    try:
        await change
    except Refused as refused:
        raise faults.of_refusal(refused.why, bucket) from None
