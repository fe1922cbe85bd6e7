"""Requests to the control plane: in AWS's JSON protocol, signed (SigV4), or with our token.

See https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html for the signature.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

HOST = "control-plane"
SERVICE = "sqs"
ALGORITHM = "AWS4-HMAC-SHA256"
CONTENT_TYPE = "application/x-amz-json-1.0"
SIGNED = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"


@dataclass
class Keys:
    """An access key of some hours. What is derived from its secret is kept for a day."""

    access_key: str
    secret: str = field(repr=False)
    session: str = field(repr=False)
    region: str
    _day: str = ""
    _key: bytes = field(default=b"", repr=False)

    def signing_key(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self.secret}".encode()
            for part in (day, self.region, SERVICE, "aws4_request"):
                key = _mac(key, part)
            self._day, self._key = day, key
        return self._key


def aws_request(operation: str, members: dict[str, Any], keys: Keys, now: float) -> bytes:
    """Return a request to SQS, signed at `now` (seconds since the epoch)."""
    body = json.dumps(members).encode()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    target = f"AmazonSQS.{operation}"
    scope = f"{stamp[:8]}/{keys.region}/{SERVICE}/aws4_request"
    signature = _signature(keys, (stamp, scope, target), body)
    headers = {
        "Content-Type": CONTENT_TYPE,
        "X-Amz-Date": stamp,
        "X-Amz-Security-Token": keys.session,
        "X-Amz-Target": target,
        "Authorization": f"{ALGORITHM} Credential={keys.access_key}/{scope}, "
        f"SignedHeaders={SIGNED}, Signature={signature}",
    }
    return request("POST", "/", headers, body)


def own_request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """Return a request of the protocol that agents speak."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return request(method, path, headers, body)


def request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _signature(keys: Keys, said: tuple[str, str, str], body: bytes) -> str:
    stamp, scope, target = said
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            f"content-type:{CONTENT_TYPE}",
            f"host:{HOST}",
            f"x-amz-date:{stamp}",
            f"x-amz-security-token:{keys.session}",
            f"x-amz-target:{target}",
            "",
            SIGNED,
            hashlib.sha256(body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join((ALGORITHM, stamp, scope, digest))
    return hmac.new(keys.signing_key(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
