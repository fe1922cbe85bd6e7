"""What SDKs read where names cannot lead: tables of hosts, rules, and a module for Node.js."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.session import Session

from jackbean.engines.process import signposts

URL = "http://127.0.0.1:8700"
CALLS = {
    "cloudformation": ("describe_stacks", {}),
    "dynamodb": ("list_tables", {}),
    "elasticbeanstalk": ("describe_environments", {}),
    "logs": ("describe_log_groups", {}),
    "s3": ("get_object", {"Bucket": "bucket", "Key": "a/b c"}),
    "sns": ("list_topics", {}),
    "sqs": ("list_queues", {}),
    "sts": ("get_caller_identity", {}),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    signposts.put_up(tmp_path / "signposts", URL)
    return tmp_path / "signposts"


class Asked(Exception):
    """An SDK was about to send a request."""


def asked(session: Session, service: str, region: str) -> Any:
    """Return the request that a client, told no endpoint, would send."""
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    once = Config(retries={"total_max_attempts": 1})
    client = session.create_client(service, region_name=region, config=once, **keys)
    operation, members = CALLS[service]

    def stop(request: Any, **_: Any) -> None:
        raise Asked(request)

    client.meta.events.register("before-send", stop)
    with pytest.raises(Asked) as found:
        getattr(client, operation)(**members)
    return found.value.args[0]


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-3"])
@pytest.mark.parametrize("service", CALLS)
def test_rules_lead_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch, service: str, region: str
) -> None:
    """botocore of today goes by rules when it is told no endpoint, as that of 2022 does."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in signposts.variables(str(folder)).items():
        monkeypatch.setenv(name, value)
    request = asked(Session(), service, region)
    path = "/bucket/a/b%20c" if service == "s3" else "/"
    assert request.url.partition("?")[0] == URL + path
    assert f"/{region}/{service}/aws4_request" in str(request.headers["Authorization"])


def test_hosts_are_one_and_regions_are_all(folder: Path) -> None:
    told = json.loads((folder / "endpoints.json").read_text())
    (aws,) = told["partitions"]
    assert aws["defaults"]["hostname"] == "127.0.0.1:8700"
    assert aws["defaults"]["protocols"] == ["http"]
    assert "eu-west-3" in aws["services"]["sqs"]["endpoints"]
    assert "hostname" not in json.dumps(aws["services"])
    assert aws["services"]["iam"]["endpoints"]["aws-global"]["credentialScope"]["region"]


def test_what_everybody_may_read_is_whole(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o644"}
    assert len(files) == len(signposts.VERSIONS) + 2
    signposts.put_up(folder, "http://127.0.0.1:9")  # the API moved
    assert "127.0.0.1:9" in (folder / "endpoints.json").read_text()
    assert all("8700" not in path.read_text() for path in files if path.suffix == ".json")
