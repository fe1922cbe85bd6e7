"""Trusted certificates as Java reads them: JKS, its keystore of old, which every Java still takes.

    magic, version, count | each: tag, alias, date, "X.509", certificate | SHA-1 over all of it

Numbers are big-endian, texts have their length before them. The digest is seeded with a password;
whoever names none has the file read without asking for one.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import struct

MAGIC, VERSION, TRUSTED = 0xFEEDFEED, 2, 2
PASSWORD = "changeit"  # noqa: S105 - Java's own, known to everybody: what is trusted is no secret
SEED = b"Mighty Aphrodite"
PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----")


def jks(pem: str) -> bytes:
    """Return a truststore of the certificates in a PEM file; what is no certificate is left out."""
    found = dict.fromkeys(ssl.PEM_cert_to_DER_cert(one) for one in PEM.findall(pem))
    entries = b"".join(
        struct.pack(">I", TRUSTED)
        + _text(f"trusted-{number}")
        + struct.pack(">Q", 0)  # when it was added: the file is the same every time
        + _text("X.509")
        + struct.pack(">I", len(der))
        + der
        for number, der in enumerate(found)
    )
    body = struct.pack(">III", MAGIC, VERSION, len(found)) + entries
    seed = PASSWORD.encode("utf-16-be") + SEED
    return body + hashlib.sha1(seed + body, usedforsecurity=False).digest()


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode("ascii")
