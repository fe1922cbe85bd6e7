"""Requests signed by hand: for keys, regions and services that clients would not send."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.e2e.installation import Installation

Keys = tuple[str, ...]


def own_keys(one: Installation) -> Keys:
    env = one.env
    return env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]


def operate(
    one: Installation,
    keys: Keys | None,
    action: str,
    service: str = "elasticbeanstalk",
    region: str = "us-east-1",
    **members: str,
) -> tuple[int, str]:
    """Call an operation of a service that speaks the query protocol; without keys, unsigned."""
    body = urlencode({"Action": action, "Version": "2010-12-01", **members})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return _send(one, keys, (service, region), headers, body.encode())


def extend(one: Installation, keys: Keys | None, operation: str, **members: str) -> tuple[int, Any]:
    """Call an operation of Jackbean's own service."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"Jackbean.{operation}",
    }
    body = json.dumps(members).encode()
    status, text = _send(one, keys, ("jackbean", "us-east-1"), headers, body)
    return status, json.loads(text)


def _send(
    one: Installation,
    keys: Keys | None,
    scope: tuple[str, str],
    headers: dict[str, str],
    body: bytes,
) -> tuple[int, str]:
    url = f"http://127.0.0.1:{one.port}/"
    request = AWSRequest("POST", url, headers=headers, data=body)
    if keys:
        SigV4Auth(Credentials(*keys), *scope).add_auth(request)
    sent = urllib.request.Request(url, body, dict(request.headers.items()))
    try:
        with urllib.request.urlopen(sent, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
