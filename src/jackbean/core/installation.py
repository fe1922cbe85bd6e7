"""The identity of an installation: its region and account name everything it makes.

Requests signed for any region are served; only this region ever names anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REGION = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
ACCOUNT = re.compile(r"\d{12}")
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,100}[a-z0-9])?")


@dataclass(frozen=True)
class Installation:
    """`endpoint` is where instances reach AWS's services; empty: at AWS's own names."""

    region: str
    account: str
    domain: str = "localhost"
    http_port: int = 7080
    endpoint: str = ""

    def __post_init__(self) -> None:
        for name, pattern in (("region", REGION), ("account", ACCOUNT), ("domain", DOMAIN)):
            if not pattern.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} {getattr(self, name)!r} is not a valid {name}")

    @property
    def bucket(self) -> str:
        """The bucket that CreateStorageLocation answers with."""
        return f"elasticbeanstalk-{self.region}-{self.account}"

    def arn(self, resource: str, service: str = "elasticbeanstalk") -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    @property
    def signal_bucket(self) -> str:
        """Where signals for wait conditions are PUT: a bucket of CloudFormation's own."""
        return f"cloudformation-waitcondition-{self.region}"

    @property
    def signal_url(self) -> str:
        """What the URLs of wait condition handles begin with, on AWS."""
        return f"https://{self.signal_bucket}.s3.amazonaws.com/"

    def reached(self, url: str) -> str:
        """Return a URL of AWS's, such as a queue's, as instances reach it."""
        return self.reached_by(self.endpoint, url)

    def reached_by(self, endpoint: str, url: str) -> str:
        """Like `reached`, for whoever reaches us by `endpoint`; as it is if that is empty."""
        queues = f"https://sqs.{self.region}.amazonaws.com/"
        if endpoint and url.startswith(queues):
            return f"{endpoint}/{url.removeprefix(queues)}"
        if endpoint and url.startswith(self.signal_url):
            return f"{endpoint}/{self.signal_bucket}/{url.removeprefix(self.signal_url)}"
        return url

    def hostname(self, prefix: str) -> str:
        """Return the name that a CNAME prefix stands for, without a port."""
        return f"{prefix}.{self.region}.elasticbeanstalk.{self.domain}"

    def cname(self, prefix: str) -> str:
        """Like `hostname`, with the port where browsers need it: clients open it as it is."""
        return self.with_port(self.hostname(prefix))

    def with_port(self, host: str) -> str:
        return host if self.http_port == 80 else f"{host}:{self.http_port}"
