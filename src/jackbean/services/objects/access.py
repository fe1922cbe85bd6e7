"""What a request does to buckets and objects, and what a program on an instance may do of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """`key` is "" for actions on a bucket; `bucket` is "" for the list of all buckets."""

    GET = "GetObject"
    PUT = "PutObject"
    DELETE = "DeleteObject"
    LIST = "ListBucket"
    MANAGE = "ManageBuckets"


@dataclass(frozen=True)
class Grant:
    """Reading and writing below prefixes of one bucket, and nothing else.

    A prefix should end in a slash: "logs/i-1" would also open "logs/i-10".
    """

    bucket: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()

    def allows(self, action: Action, bucket: str, key: str) -> bool:
        prefixes = {Action.GET: self.read, Action.PUT: self.write}.get(action, ())
        return bucket == self.bucket and any(
            prefix and key.startswith(prefix) for prefix in prefixes
        )
