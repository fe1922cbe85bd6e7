"""Names for bytes: buckets, the objects in them, and uploads that are not finished.

Bytes live in `Blobs`; here are only rows that name them by digest, so a key is never a path. The
port also counts who refers to a digest: one that nobody here refers to is an orphan, remembered
with the instant it became one, until it is condemned, deleted and buried.

Order everywhere is that of the UTF-8 bytes of keys, which is also that of Python's strings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from jackbean.core.errors import Conflict

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bucket:
    """`policy` is JSON, "" where there is none."""

    name: str
    created: float
    policy: str = ""


@dataclass(frozen=True)
class Checksum:
    """As the wire spells it: "CRC32" and base64; `kind` is FULL_OBJECT or COMPOSITE."""

    algorithm: str
    value: str
    kind: str = "FULL_OBJECT"


@dataclass(frozen=True)
class Description:
    """What a client said of an object: header fields (lower case), user metadata, tags."""

    headers: Pairs = ()
    metadata: Pairs = ()
    tags: Pairs = ()


UNDESCRIBED = Description()


@dataclass(frozen=True)
class ObjectRecord:
    """`etag` is without quotes; `parts` are sizes, of an object that was uploaded in parts.

    `upload` names that upload, so that completing it twice can be answered like once.
    """

    bucket: str
    key: str
    digest: str
    size: int
    etag: str
    modified: float
    description: Description = UNDESCRIBED
    checksum: Checksum | None = None
    parts: tuple[int, ...] = ()
    upload: str = ""


@dataclass(frozen=True)
class Upload:
    """An upload in parts. `algorithm` and `kind` say which checksum it asked for, if any."""

    id: str
    bucket: str
    key: str
    initiated: float
    description: Description = UNDESCRIBED
    algorithm: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Part:
    upload: str
    number: int
    digest: str
    size: int
    etag: str
    modified: float
    checksum: Checksum | None = None


class Cursor(NamedTuple):
    """Where to go on: after this key (UTF-8), and among uploads of one key after this id."""

    key: bytes = b""
    id: str = ""


class Refusal(Enum):
    """Why a change was not made."""

    BUCKET_TAKEN = "the bucket exists"
    BUCKET_ABSENT = "there is no such bucket"
    BUCKET_FULL = "the bucket holds objects"
    UPLOAD_ABSENT = "there is no such upload"
    BYTES_CONDEMNED = "the bytes are about to be deleted"


class Refused(Conflict):
    """Nothing was changed, and why."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.value)
        self.why = why


Admit = Callable[[ObjectRecord | None], None]


def anything(_present: ObjectRecord | None) -> None:
    """Admit every change."""


class Buckets(Protocol):
    """A change is on disk when it returns, and seen by every read after that.

    `admit` is called with the object present, inside the change's transaction, and raises to
    refuse it: that is how conditions hold against others who write at the same time. It is plain,
    quick, and may run in another thread.
    """

    async def buckets(self) -> list[Bucket]:
        """Return all, by name."""
        ...

    async def bucket(self, name: str) -> Bucket | None: ...

    async def add_bucket(self, bucket: Bucket) -> None:
        """Keep a new one. Raises Refused: BUCKET_TAKEN."""
        ...

    async def save_bucket(self, bucket: Bucket) -> None:
        """Keep what has changed of one that is there. Raises Refused: BUCKET_ABSENT."""
        ...

    async def drop_bucket(self, name: str, now: float) -> None:
        """Remove an empty bucket and its unfinished uploads.

        Raises Refused: BUCKET_ABSENT, BUCKET_FULL.
        """
        ...

    async def object(self, bucket: str, key: str) -> ObjectRecord | None: ...

    async def objects(
        self, bucket: str, prefix: str, after: Cursor, limit: int
    ) -> list[ObjectRecord]:
        """Return objects whose keys begin with `prefix`, in order."""
        ...

    async def put(self, record: ObjectRecord, admit: Admit = anything) -> None:
        """Name bytes, instead of what the key named. Raises Refused: BUCKET_ABSENT, _CONDEMNED."""
        ...

    async def drop(
        self, bucket: str, keys: Sequence[str], now: float, admit: Admit = anything
    ) -> None:
        """Remove objects, all or none; those absent are removed already."""
        ...

    async def upload(self, id: str) -> Upload | None:  # noqa: A002 - the record's own word
        ...

    async def uploads(self, bucket: str, prefix: str, after: Cursor, limit: int) -> list[Upload]:
        """Return unfinished uploads by key, then id."""
        ...

    async def stale_uploads(self, before: float, limit: int) -> list[Upload]:
        """Return uploads initiated before an instant, of all buckets."""
        ...

    async def add_upload(self, upload: Upload) -> None:
        """Keep a new one. Raises Refused: BUCKET_ABSENT."""
        ...

    async def drop_upload(self, id: str, now: float) -> None:  # noqa: A002 - the record's own word
        """Remove an upload and its parts. Raises Refused: UPLOAD_ABSENT."""
        ...

    async def parts(self, upload: str, after: int, limit: int) -> list[Part]:
        """Return parts with a number above `after`, by number."""
        ...

    async def put_part(self, part: Part, admit: Admit = anything) -> None:
        """Keep a part, instead of one with the same number. `admit` is called with None.

        Raises Refused: UPLOAD_ABSENT, BYTES_CONDEMNED.
        """
        ...

    async def finish(self, record: ObjectRecord, admit: Admit = anything) -> None:
        """Like `put`, and remove the upload `record.upload` with its parts.

        Raises Refused: UPLOAD_ABSENT, and what `put` raises.
        """
        ...

    async def disown(self, digest: str, now: float) -> None:
        """Remember bytes that got no name as orphans; those known here stay as they are."""
        ...

    async def condemn(self, used: Collection[str], before: float, limit: int) -> list[str]:
        """Return digests of orphans since `before` that are not in `used`, and those condemned.

        From now on nobody can refer to them until they are buried.
        """
        ...

    async def bury(self, digests: Collection[str]) -> None:
        """Forget condemned digests: their bytes are gone."""
        ...
