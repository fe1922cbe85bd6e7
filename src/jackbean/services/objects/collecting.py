"""Deleting the bytes that nobody refers to any more, and uploads that nobody will finish.

Bytes stay for a while after their last name went: whoever has just looked an object up (to make an
application version of it, to send it, to copy it) has that long to refer to its bytes himself.
"""

from __future__ import annotations

from collections.abc import Collection

from jackbean.ports.buckets import Buckets, Refused
from jackbean.ports.objects import Blobs
from jackbean.services.objects import limits


async def collect(buckets: Buckets, blobs: Blobs, used: Collection[str], now: float) -> int:
    """Delete what nobody needs, and return how many blobs that were.

    `used` are the digests that others refer to, read just before. Ending anywhere in between does
    no harm: what is condemned stays so, and the next call deletes it.
    """
    for upload in await buckets.stale_uploads(now - limits.UPLOAD_AGE_MAX_S, limits.COLLECT_MAX):
        try:
            await buckets.drop_upload(upload.id, now)
        except Refused:
            continue  # finished or given up in this moment
    doomed = await buckets.condemn(used, now - limits.ORPHAN_GRACE_S, limits.COLLECT_MAX)
    for digest in doomed:
        await blobs.delete(digest)
    await buckets.bury(doomed)
    return len(doomed)
