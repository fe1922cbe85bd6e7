"""Digests by which clients check that what they sent is what is kept.

That of attributes is over their names in order, each name, type and value with its length before
it, and a byte before the value that tells text (1) from bytes (2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Attribute:
    """A typed value that travels with a message: text, or bytes where the type is Binary."""

    kind: str
    value: str | bytes

    @property
    def data(self) -> bytes:
        return self.value.encode() if isinstance(self.value, str) else self.value


Attributes = Mapping[str, Attribute]


def of_body(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def of_attributes(attributes: Attributes) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        for part in (name.encode(), attribute.kind.encode()):
            digest.update(_sized(part))
        digest.update(b"\x01" if isinstance(attribute.value, str) else b"\x02")
        digest.update(_sized(attribute.data))
    return digest.hexdigest()


def _sized(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part
