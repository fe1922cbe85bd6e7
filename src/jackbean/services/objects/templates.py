"""Templates that somebody has uploaded: by the URLs that CloudFormation takes, of our own S3."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import unquote, urlsplit

from jackbean.core.errors import Fault
from jackbean.services.objects.service import ObjectService

BYTES_MAX = 1 << 20
VIRTUAL = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3[a-z0-9.-]*\.amazonaws\.com")


def place(url: str) -> tuple[str, str]:
    """Return the bucket and the key that a URL names, by whatever host it reaches us.

    Raises the Fault for what names none.
    """
    try:
        parts = urlsplit(url)
        host, path = parts.hostname or "", unquote(parts.path).removeprefix("/")
    except ValueError:
        host = path = ""
    virtual = VIRTUAL.fullmatch(host)
    bucket, _, key = (virtual["bucket"], "", path) if virtual else path.partition("/")
    if not url.startswith(("http://", "https://")) or not host or not bucket or not key:
        text = "TemplateURL must be a supported URL: http(s)://HOST/BUCKET/KEY, of this S3."
        raise Fault("ValidationError", text)
    return bucket, key


async def template_at(objects: ObjectService, url: str) -> str:
    """Return the text of a template. Raises the Fault where it cannot be read."""
    bucket, key = place(url)
    try:
        record = await objects.get(bucket, key)
    except Fault as fault:
        text = f"S3 error: {fault.message} (s3://{bucket}/{key[:200]})"
        raise Fault("ValidationError", text) from fault
    if record.size > BYTES_MAX:
        raise Fault("ValidationError", f"A template has at most {BYTES_MAX} bytes.")
    content = await asyncio.to_thread(objects.path(record).read_bytes)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Fault("ValidationError", "Template format error: it is no UTF-8 text.") from None
