"""Where a config file has something fetched from, and what it is let in with.

Credentials are `AWS::CloudFormation::Authentication` in the metadata of the Auto Scaling group:
really an instance's means to fetch files, whatever its place in a template says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from jackbean.core.instructions import Origin
from jackbean.sources.reading import Reader, printable

AUTHENTICATION = "AWS::CloudFormation::Authentication"
GROUP = "AWSEBAutoScalingGroup"
URL_MAX = 4_096
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# bucket.s3.amazonaws.com, bucket.s3-region..., bucket.s3.region... and the same without a bucket
S3_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?"
)
LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


@dataclass(frozen=True)
class Credential:
    """What lets an instance in somewhere. `uris` are beginnings of addresses."""

    kind: str
    uris: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    user: str = ""
    password: str = field(default="", repr=False)


def read_credentials(resources: Mapping[str, Any]) -> dict[str, Credential]:
    """Return the credentials that resources (functions evaluated) declare, by name."""
    group = resources.get(GROUP)
    metadata = group.get("Metadata") if isinstance(group, dict) else None
    found = metadata.get(AUTHENTICATION) if isinstance(metadata, dict) else None
    if not isinstance(found, dict):
        return {}
    return {name: _credential(said) for name, said in found.items() if isinstance(said, dict)}


def _credential(said: Mapping[str, Any]) -> Credential:
    return Credential(
        str(said.get("type", "")).lower(),
        _texts(said.get("uris")),
        _texts(said.get("buckets")),
        str(said.get("username", "")),
        str(said.get("password", "")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def origin(
    reader: Reader, credentials: Mapping[str, Credential], known: Mapping[str, Reader] | None = None
) -> Origin:
    """Return what an address is; write down what is wrong with it."""
    url = reader.text().strip()
    bucket, key = location(url)
    parts = urlsplit(url if _readable(url) else "")
    fetchable = parts.scheme in {"http", "https"} and parts.hostname
    if not bucket and not fetchable:
        reader.fault(f"{printable(url)!r} is not an address that begins with https://")
        return Origin("")
    credential = _chosen(reader, url, credentials, known or {})
    return Origin(url, bucket, key, credential.user, credential.password)


def _readable(url: str) -> bool:
    if len(url) > URL_MAX or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        return False
    try:
        return urlsplit(url).port is None or True
    except ValueError:
        return False


def _chosen(
    reader: Reader, url: str, credentials: Mapping[str, Credential], known: Mapping[str, Reader]
) -> Credential:
    """Return the credential that is named, or else meant for such addresses."""
    if "authentication" in known:
        name = known["authentication"].text()
        if name not in credentials:
            known["authentication"].fault(f"there is no {AUTHENTICATION} {printable(name)!r}")
        return credentials.get(name, Credential(""))
    basic = (c for c in credentials.values() if c.kind == "basic")
    return next((c for c in basic if url.startswith(c.uris)), Credential(""))


def location(url: str) -> tuple[str, str]:
    """Return bucket and key of an address that may be an object's, else two empty texts."""
    if not _readable(url):
        return "", ""
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), unquote(parts.path.removeprefix("/"))
    if parts.scheme == "s3":
        return _checked(host, path)
    found = S3_HOST.fullmatch(host)
    if found and found["bucket"]:
        return _checked(found["bucket"], path)
    if found or host in LOCAL or host.endswith(".localhost"):
        bucket, _, key = path.partition("/")
        return _checked(bucket, key)
    return "", ""


def _checked(bucket: str, key: str) -> tuple[str, str]:
    return (bucket, key) if BUCKET.fullmatch(bucket) and key else ("", "")
