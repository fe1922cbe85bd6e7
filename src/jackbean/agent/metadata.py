"""What the instance metadata service says, as EC2's does: paths and answers, without a socket.

Version 2 asks for a token first, with a PUT that a proxy in between would not pass on; version 1
answers at once, and is off unless the environment's option DisableIMDSv1 is false. Tokens are
marked, not kept: none can be made up, none fills memory, and a new agent knows none of the old
ones, which clients take as one that has ended.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jackbean.agent.keys import InstanceKeys

TTL_S_MAX = 21_600
TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER = "x-aws-ec2-metadata-token"  # noqa: S105 - the name of a header
VERSIONS = ("latest", "1.0", "2007-10-10", "2009-04-04", "2014-11-05", "2018-09-24", "2021-07-15")
JSON = "application/json"
TEXT = "text/plain"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str = ""
    kind: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request: `headers` have names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """What an instance is. `started` in seconds since the epoch."""

    instance: str
    instance_type: str
    address: str
    hostname: str
    region: str
    started: float

    @property
    def zone(self) -> str:
        return f"{self.region}a"


class Metadata:
    """`keys` returns those that hold; `secret` marks tokens, and is this agent's own."""

    def __init__(
        self,
        facts: Facts,
        keys: Callable[[], InstanceKeys | None],
        secret: bytes,
        *,
        v1: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._facts = facts
        self._keys = keys
        self._secret = secret
        self._v1 = v1
        self._clock = clock

    def answer(self, asked: Asked) -> Answer:
        path = asked.path.partition("?")[0]
        if path == "/latest/api/token":
            return self._token(asked)
        if asked.method not in ("GET", "HEAD"):
            return Answer(405, headers={"Allow": "OPTIONS, GET, HEAD"})
        if not self._may(asked.headers.get(TOKEN_HEADER)):
            return Answer(401, "401 - Unauthorized")
        if path == "/":
            return Answer(200, "\n".join(VERSIONS))
        version, _, rest = path.lstrip("/").partition("/")
        return self._found(rest) if version in VERSIONS else Answer(404, "404 - Not Found")

    def _token(self, asked: Asked) -> Answer:
        if asked.method != "PUT":
            return Answer(405, headers={"Allow": "OPTIONS, PUT"})
        if "x-forwarded-for" in asked.headers:  # a proxy sent it: that is what version 2 is for
            return Answer(403)
        said = asked.headers.get(TTL_HEADER, "")
        if not (said.isascii() and said.isdecimal() and 1 <= int(said[:9]) <= TTL_S_MAX):
            return Answer(400, "400 - Bad Request")
        ends = int(self._clock()) + int(said)
        return Answer(200, f"{ends}.{self._mark(ends)}", headers={TTL_HEADER: said})

    def _may(self, token: str | None) -> bool:
        if token is None:
            return self._v1
        ends, _, mark = token.partition(".")
        if not (ends.isascii() and ends.isdecimal() and len(ends) <= 12):
            return False
        genuine = hmac.compare_digest(mark.encode(), self._mark(int(ends)).encode())
        return genuine and int(ends) > self._clock()

    def _mark(self, ends: int) -> str:
        return hmac.new(self._secret, str(ends).encode(), "sha256").hexdigest()

    def _found(self, path: str) -> Answer:
        """Return what is at a path: a value, or the names that are below it."""
        here: Any = self._tree()
        for part in (part for part in path.split("/") if part):
            here = here.get(part) if isinstance(here, dict) else None
            if callable(here):
                here = here()
        if here is None:
            return Answer(404, "404 - Not Found")
        if isinstance(here, Answer):
            return here
        if isinstance(here, dict):
            return Answer(200, "\n".join(f"{n}/" if _folder(v) else n for n, v in here.items()))
        return Answer(200, here)

    def _tree(self) -> dict[str, Any]:
        facts = self._facts
        return {
            "dynamic": {"instance-identity": {"document": self._document}},
            "meta-data": {
                "ami-id": "ami-00000000000000000",
                "ami-launch-index": "0",
                "hostname": facts.hostname,
                "iam": {"info": self._info, "security-credentials": self._roles},
                "instance-action": "none",
                "instance-id": facts.instance,
                "instance-life-cycle": "on-demand",
                "instance-type": facts.instance_type,
                "local-hostname": facts.hostname,
                "local-ipv4": facts.address,
                "placement": {"availability-zone": facts.zone, "region": facts.region},
                "services": {"domain": "amazonaws.com", "partition": "aws"},
            },
        }

    def _roles(self) -> dict[str, Any] | None:
        keys = self._keys()
        return None if keys is None else {keys.role: Answer(200, _credentials(keys), TEXT)}

    def _info(self) -> Answer | None:
        keys = self._keys()
        if keys is None:
            return None
        told = {
            "Code": "Success",
            "LastUpdated": _moment(self._clock()),
            "InstanceProfileArn": f"arn:aws:iam::{keys.account}:instance-profile/{keys.role}",
            "InstanceProfileId": f"AIPA{keys.account}",
        }
        return Answer(200, json.dumps(told, indent=1))

    def _document(self) -> Answer:
        facts, keys = self._facts, self._keys()
        told = {
            "accountId": keys.account if keys else "",
            "architecture": "x86_64",
            "availabilityZone": facts.zone,
            "imageId": "ami-00000000000000000",
            "instanceId": facts.instance,
            "instanceType": facts.instance_type,
            "pendingTime": _moment(facts.started),
            "privateIp": facts.address,
            "region": facts.region,
            "version": "2017-09-30",
        }
        return Answer(200, json.dumps(told, indent=1))


def _folder(value: Any) -> bool:
    return isinstance(value, dict)


def _credentials(keys: InstanceKeys) -> str:
    told = {
        "Code": "Success",
        "LastUpdated": _moment(keys.expires - 6 * 3600),
        "Type": "AWS-HMAC",
        "AccessKeyId": keys.access_key,
        "SecretAccessKey": keys.secret_key,
        "Token": keys.session_token,
        "Expiration": _moment(keys.expires),
    }
    return json.dumps(told, indent=1)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
