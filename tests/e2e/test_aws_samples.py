"""AWS's own samples on a real instance: those that work anywhere, and those that cannot work here.

`JACKBEAN_AWS_SAMPLES` names a checkout of awsdocs/elastic-beanstalk-samples; `./dev test` has none.
Bundles of the same kinds are tried in `test_extensions`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.e2e.installation import Installation, app, installed, option
from tests.e2e.story import DEPLOYED, FAILED, end_of

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(
        "JACKBEAN_AWS_SAMPLES" not in os.environ, reason="JACKBEAN_AWS_SAMPLES names no checkout"
    ),
]

ROOT = Path(os.environ.get("JACKBEAN_AWS_SAMPLES", "."), "configuration-files")
NAME = "samples-env"
SINGLE = option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
NUMBERS = count(1)
INSTANCE = "aws-provided/instance-configuration"
# What the samples' placeholders name.
OBJECTS = (("elasticbeanstalk-region-accountid", "prefix/myfile.txt"),)
RUN = (
    "aws-provided/resource-configuration/autoscaling-memory-utilization-cwagent",
    f"{INSTANCE}/awslogs-change-frequency",
    f"{INSTANCE}/cron-leaderonly-linux",
    f"{INSTANCE}/cron-linux",
    f"{INSTANCE}/files-downloadfromS3",
    f"{INSTANCE}/logs-ratelimitcloudwatchlogs-linux",
    f"{INSTANCE}/logs-streamtocloudwatch-linux",
    f"{INSTANCE}/timezone-linux",
    "community-provided/instance-configuration/amazon-linux-2023-ruby-on-rails-cloudwatch",
)
FAIL = {
    f"{INSTANCE}/add-ebs-volume": "an instance may not mount file systems",
    "community-provided/instance-configuration/storage-efs-mountfilesystem-ip-addr": (
        "an instance may not mount file systems"
    ),
}


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        installation.version("good", app("good"))
        installation.create(NAME, "good", SINGLE)
        s3 = installation.client("s3")
        for bucket, key in OBJECTS:
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key=key, Body=b"mine")
        yield installation


def deploy(one: Installation, path: str) -> str:
    """Deploy a sample alone; return the request."""
    file = ROOT / f"{path}.config"
    label = f"sample-{next(NUMBERS)}"
    one.version(label, app(label, **{f".ebextensions/{file.name}": file.read_text()}))
    request = one.begin(NAME, VersionLabel=label)
    one.rest(NAME)
    return request


@pytest.mark.parametrize("path", RUN)
def test_runs(one: Installation, path: str) -> None:
    request = deploy(one, path)
    assert end_of(one, NAME, request) == DEPLOYED, one.events(NAME, request)


@pytest.mark.parametrize(("path", "says"), FAIL.items())
def test_says_why_not(one: Installation, path: str, says: str) -> None:
    request = deploy(one, path)
    assert end_of(one, NAME, request) == FAILED
    assert any(says in e for e in one.events(NAME, request) if e.startswith("WARN"))
