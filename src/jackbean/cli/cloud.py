"""The AWS services, and what AWS has not, through botocore: nothing here knows Jackbean's inside.

botocore is imported when the first request is made: `--help` must not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from jackbean.cli.failures import Failure, refusal
from jackbean.cli.whereabouts import Whereabouts

EXTENSION = "jackbean"
CONNECT_S, READ_S = 5, 60
PAGES_MAX = 200

Members = dict[str, Any]


class Cloud:
    """Clients of one endpoint. Errors are botocore's; `failures.explain` says them."""

    def __init__(
        self, where: Whereabouts, *, verify: bool = True, patience_s: float = READ_S
    ) -> None:
        self.where = where
        self._verify = verify
        self._patience_s = patience_s

    @cached_property
    def session(self) -> Any:
        from botocore.session import Session

        session = Session(profile=self.where.profile or None)
        if self.where.keys:
            session.set_credentials(*self.where.keys)
        return session

    @cached_property
    def beanstalk(self) -> Any:
        return self._client("elasticbeanstalk")

    @cached_property
    def cloudformation(self) -> Any:
        return self._client("cloudformation")

    @cached_property
    def s3(self) -> Any:
        return self._client("s3")

    @cached_property
    def logs(self) -> Any:
        return self._client("logs")

    @property
    def endpoint(self) -> str:
        """Where requests really go."""
        return str(self.beanstalk.meta.endpoint_url)

    @property
    def region(self) -> str:
        return str(self.beanstalk.meta.region_name)

    @property
    def aws(self) -> bool:
        host = self.endpoint.removeprefix("https://").partition("/")[0]
        return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))

    def pages(self, ask: Callable[..., Members], rows: str, **members: Any) -> Iterator[Members]:
        """Yield the rows of an operation that answers in pages; `rows` is the list's name."""
        token: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = ask(**members, **token)
            yield from page.get(rows, ())
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def extension(self, operation: str, **members: Any) -> Members:
        """Ask for what only Jackbean has. Raises Failure where the endpoint is not Jackbean."""
        if self.aws:
            raise Failure(f"{operation} needs Jackbean; {self.endpoint} is AWS.", "NeedsJackbean")
        status, body = self._signed(operation, json.dumps(members).encode())
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Failure(f"{self.endpoint} is not Jackbean: {operation} has no answer there.")
        if status != 200:
            code = str(answer.get("__type") or status)
            raise refusal(code, str(answer.get("message") or code))
        return answer

    def _signed(self, operation: str, body: bytes) -> tuple[int, bytes]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import NoCredentialsError
        from botocore.httpsession import URLLib3Session

        headers: Mapping[str, str] = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"Jackbean.{operation}",
        }
        request = AWSRequest("POST", self.endpoint + "/", headers=headers, data=body)
        credentials = self.session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        SigV4Auth(credentials, EXTENSION, self.region).add_auth(request)
        response = URLLib3Session(verify=self._verify, timeout=(CONNECT_S, self._patience_s)).send(
            request.prepare()
        )
        return response.status_code, response.content

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_S,
            read_timeout=self._patience_s,
            retries={"mode": "standard", "max_attempts": 2 if self.where.near else 5},
            s3={"addressing_style": "path"} if self.where.endpoint else None,
            user_agent_extra="jb",
        )
        return self.session.create_client(
            service,
            region_name=self.where.region or None,
            endpoint_url=self.where.endpoint,
            verify=None if self._verify else False,
            config=config,
        )
