"""Between S3's members and ours: descriptions, checksums, conditions, records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from jackbean.api.s3_call import Call
from jackbean.core.errors import Fault
from jackbean.ports.buckets import Checksum, Description, ObjectRecord, Pairs
from jackbean.services.objects import Conditions, faults
from jackbean.services.objects.checksums import COMPOSITE, FULL_OBJECT
from jackbean.wire.payload import content_encoding
from jackbean.wire.request import Headers

CHECKSUMS: Mapping[str, str] = {
    "CRC32": "ChecksumCRC32",
    "CRC32C": "ChecksumCRC32C",
    "CRC64NVME": "ChecksumCRC64NVME",
    "MD5": "ChecksumMD5",
    "SHA1": "ChecksumSHA1",
    "SHA256": "ChecksumSHA256",
    "SHA512": "ChecksumSHA512",
}
KEPT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
OVERRIDES: Mapping[str, str] = {
    "cache-control": "ResponseCacheControl",
    "content-disposition": "ResponseContentDisposition",
    "content-encoding": "ResponseContentEncoding",
    "content-language": "ResponseContentLanguage",
    "content-type": "ResponseContentType",
    "expires": "ResponseExpires",
}
METADATA = "x-amz-meta-"
STORAGE_CLASS = "STANDARD"

Encode = Callable[[str], str]


def checksum(members: Mapping[str, Any]) -> Checksum | None:
    """Return the checksum that a request or an element gives, if any."""
    found = ((name, members.get(member)) for name, member in CHECKSUMS.items())
    given = [(name, str(value)) for name, value in found if value is not None]
    if len(given) > 1:
        raise Fault(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    return next((Checksum(name, value, _kind(value)) for name, value in given), None)


def _kind(value: str) -> str:
    """Return which kind of checksum a value is: one of parts' checksums ends in their number."""
    return COMPOSITE if "-" in value else FULL_OBJECT


def checksum_members(found: Checksum | None, *, typed: bool = True) -> dict[str, str]:
    """Return a checksum as members of an answer; some have no member for its type."""
    if found is None:
        return {}
    kind = {"ChecksumType": found.kind} if typed else {}
    return {CHECKSUMS[found.algorithm]: found.value, **kind}


def described(call: Call) -> Description:
    """Return what the headers of a request say of the object in its body."""
    headers = call.http.headers
    kept = ((name, _kept(headers, name)) for name in KEPT_HEADERS)
    return Description(
        tuple((name, value) for name, value in kept if value),
        tuple(
            (name.removeprefix(METADATA), plain(headers[name]))
            for name in headers
            if name.startswith(METADATA)
        ),
        tags(call.text("Tagging")),
    )


def _kept(headers: Headers, name: str) -> str:
    value = plain(headers.get(name, ""))
    return content_encoding(value) or "" if name == "content-encoding" else value


def plain(value: str) -> str:
    """Return the text of a header: UTF-8 where it is that, else one character per byte."""
    try:
        return value.strip().encode("latin-1").decode()
    except UnicodeError:
        return value.strip()


def tags(query: str) -> Pairs:
    """Return the tags that the header x-amz-tagging spells."""
    try:
        return tuple(
            parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=50)
        )
    except ValueError:
        raise faults.argument("The header 'x-amz-tagging' must be encoded as a query.") from None


def conditions(members: Mapping[str, Any], prefix: str = "") -> Conditions:
    """Return the conditional headers of a request; `prefix` is "CopySource" for its source."""
    return Conditions(
        str(members.get(f"{prefix}IfMatch") or ""),
        str(members.get(f"{prefix}IfNoneMatch") or ""),
        _seconds(members.get(f"{prefix}IfModifiedSince")),
        _seconds(members.get(f"{prefix}IfUnmodifiedSince")),
    )


def _seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()


def quoted(etag: str) -> str:
    return f'"{etag}"'


def described_again(record: ObjectRecord, members: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that describe an object, as a request may override them."""
    overrides = {name: members.get(member) for name, member in OVERRIDES.items()}
    headers = {"content-type": "binary/octet-stream", **dict(record.description.headers)}
    return {**headers, **{name: text for name, text in overrides.items() if text}}


def element(
    record: ObjectRecord, encode: Encode, owner: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return an object as an element of a list."""
    found: dict[str, Any] = {
        "Key": encode(record.key),
        "LastModified": record.modified,
        "ETag": quoted(record.etag),
        "Size": record.size,
        "StorageClass": STORAGE_CLASS,
    }
    if record.checksum is not None:
        found["ChecksumAlgorithm"] = [record.checksum.algorithm]
        found["ChecksumType"] = record.checksum.kind
    if owner is not None:
        found["Owner"] = owner
    return found


def owner(call: Call) -> dict[str, str]:
    account = call.objects.installation.account
    return {"DisplayName": account, "ID": account}


def encoding(asked: str) -> Encode:
    """Return how keys are spelled in lists: as they are, or percent-encoded."""
    if asked not in ("", "url"):
        raise faults.argument("Invalid Encoding Method specified in Request")
    return _percent if asked else str


def _percent(key: str) -> str:
    return quote(key, safe="/")
