"""Buckets in the host's name, as AWS has them: SDKs that know no other endpoint use them."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.api.rig import ADMIN, PlantRig, ask


def client(rig: PlantRig, signature: str = "s3v4", region: str = "us-east-1") -> Any:
    """Return a client that was told no endpoint."""
    made = boto3.client(
        "s3",
        region_name=region,
        aws_access_key_id=ADMIN[0],
        aws_secret_access_key=ADMIN[1],
        config=Config(signature_version=signature, s3={"addressing_style": "virtual"}),
    )
    made._endpoint.http_session = rig.wire
    return made


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_objects_of_a_bucket_in_the_hosts_name(rig: PlantRig, region: str) -> None:
    s3 = client(rig, region=region)
    rig.client("s3").create_bucket(Bucket="my.bucket")
    s3.put_object(Bucket="my.bucket", Key="a key/ä", Body=b"content")
    assert s3.get_object(Bucket="my.bucket", Key="a key/ä")["Body"].read() == b"content"
    listed = s3.list_objects_v2(Bucket="my.bucket", Prefix="a key/")["Contents"]
    assert [one["Key"] for one in listed] == ["a key/ä"]
    s3.head_bucket(Bucket="my.bucket")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["my.bucket"]


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_links(rig: PlantRig, signature: str) -> None:
    rig.client("s3").create_bucket(Bucket="linked")
    rig.client("s3").put_object(Bucket="linked", Key="k", Body=b"content")
    given = {"Bucket": "linked", "Key": "k"}
    url = client(rig, signature).generate_presigned_url("get_object", Params=given)
    host = url.split("/")[2]
    assert host.startswith("linked.s3.")
    answer = rig.run(ask(rig.door, "GET", url, {"Host": host}))
    assert (answer.status, answer.body) == (200, b"content")
    other = host.replace("linked", "other1")
    answer = rig.run(ask(rig.door, "GET", url.replace(host, other), {"Host": other}))
    assert answer.status == 403
