"""Asking for a rollback: an operation that AWS has not."""

from __future__ import annotations

import json
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from tests.e2e.installation import Installation


def roll_back(one: Installation, name: str) -> dict[str, Any]:
    """Ask for it as `jb rollback` does."""
    env = one.env
    keys = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "Jackbean.RollBackEnvironment",
    }
    body = json.dumps({"EnvironmentName": name}).encode()
    request = AWSRequest("POST", f"http://127.0.0.1:{one.port}/", headers=headers, data=body)
    SigV4Auth(keys, "jackbean", "us-east-1").add_auth(request)
    response = URLLib3Session().send(request.prepare())
    assert response.status_code == 200, response.text
    return dict(json.loads(response.content))
