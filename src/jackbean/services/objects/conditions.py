"""Conditional requests: pure decisions about the object that is there."""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.ports.buckets import ObjectRecord
from jackbean.services.objects import faults


@dataclass(frozen=True)
class Conditions:
    """ETags as the headers spell them, lists and `*` included; instants in seconds."""

    if_match: str = ""
    if_none_match: str = ""
    modified_since: float | None = None
    unmodified_since: float | None = None


class NotModified(Exception):
    """The client's copy is good: 304."""

    def __init__(self, record: ObjectRecord) -> None:
        super().__init__(record.key)
        self.record = record


def check_read(record: ObjectRecord, conditions: Conditions) -> None:
    """Raise the Fault PreconditionFailed, or NotModified.

    An ETag that matches makes dates irrelevant, as RFC 9110 orders them.
    """
    _check_unchanged(record, conditions)
    if conditions.if_none_match:
        if matches(conditions.if_none_match, record.etag):
            raise NotModified(record)
        return
    since = conditions.modified_since
    if since is not None and int(record.modified) <= since:
        raise NotModified(record)


def check_copy(record: ObjectRecord, conditions: Conditions) -> None:
    """Like reading, but there is nobody to keep an old copy: 412 throughout."""
    try:
        check_read(record, conditions)
    except NotModified:
        raise faults.unmet("x-amz-copy-source-If-None-Match or -If-Modified-Since") from None


def _check_unchanged(record: ObjectRecord, conditions: Conditions) -> None:
    if conditions.if_match:
        if not matches(conditions.if_match, record.etag):
            raise faults.unmet("If-Match")
        return
    since = conditions.unmodified_since
    if since is not None and int(record.modified) > since:
        raise faults.unmet("If-Unmodified-Since")


def check_write(record: ObjectRecord | None, key: str, conditions: Conditions) -> None:
    """Raise a Fault unless an object may be written in place of `record`."""
    if conditions.if_none_match:
        if conditions.if_none_match.strip() != "*":
            raise faults.not_implemented("If-None-Match with an ETag, on writing,")
        if record is not None:
            raise faults.unmet("If-None-Match")
    if conditions.if_match:
        if record is None:
            raise faults.no_such_key(key)
        if not matches(conditions.if_match, record.etag):
            raise faults.unmet("If-Match")


def check_delete(record: ObjectRecord | None, key: str, conditions: Conditions) -> None:
    """Raise a Fault unless `record` may be deleted."""
    if conditions.if_match and conditions.if_match.strip() != "*":
        check_write(record, key, Conditions(if_match=conditions.if_match))
    elif conditions.if_match and record is None:
        raise faults.no_such_key(key)


def matches(header: str, etag: str) -> bool:
    """Tell whether a list of ETags, quoted or bare, strong or weak, or `*` names `etag`."""
    named = (item.strip().removeprefix("W/").strip('"') for item in header.split(","))
    return any(name in ("*", etag) for name in named)
