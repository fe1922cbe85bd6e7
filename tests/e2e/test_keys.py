"""Who may do what, and who is sent away: with the words that AWS has for it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from tests.e2e.installation import ASG, Installation, app, installed, option, until
from tests.e2e.signing import Keys, extend, operate, own_keys

pytestmark = pytest.mark.e2e

NAME = "guarded-env"
READING = ("Describe", "List", "Check", "Retrieve", "Validate")
CALLS: dict[str, Callable[[Any], Any]] = {
    "elasticbeanstalk": lambda c: c.describe_environments(),
    "iam": lambda c: c.list_roles(),
    "sts": lambda c: c.get_caller_identity(),
    "s3": lambda c: c.list_buckets(),
}


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        installation.version("one", app("one"))
        installation.create(NAME, "one", option(ASG, "MinSize", "2"))
        yield installation


@pytest.fixture
def instance(one: Installation) -> str:
    return min(one.instances(NAME))


@pytest.fixture
def keys_of_instance(one: Installation, instance: str) -> Keys:
    status, issued = extend(one, own_keys(one), "IssueInstanceCredentials", InstanceId=instance)
    assert status == 200, issued
    return triple(issued)


def triple(issued: dict[str, str]) -> Keys:
    return issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"]


def refusal(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ClientError) as refused:
        call()
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


UNKNOWN = {"s3": "InvalidAccessKeyId"}


@pytest.mark.parametrize("service", CALLS)
def test_unknown_key(one: Installation, service: str) -> None:
    for key in ("AKIAIOSFODNN7EXAMPLE", "JBAKAAAAAAAAAAAAAAAA", "JBIK0123456789ABCDEF0"):
        client = one.client_with((key, own_keys(one)[1]), service)
        status, code = refusal(lambda: CALLS[service](client))  # noqa: B023 - called at once
        assert (status, code) == (403, UNKNOWN.get(service, "InvalidClientTokenId"))


@pytest.mark.parametrize("service", CALLS)
def test_bad_signature(one: Installation, service: str) -> None:
    client = one.client_with((own_keys(one)[0], "not-the-secret"), service)
    assert refusal(lambda: CALLS[service](client)) == (403, "SignatureDoesNotMatch")


def test_unsigned(one: Installation) -> None:
    status, text = operate(one, None, "DescribeEnvironments")
    assert (status, "<Code>MissingAuthenticationToken</Code>" in text) == (403, True), text
    status, text = operate(one, None, "DeleteApplication", ApplicationName=one.application)
    assert (status, "<Code>MissingAuthenticationToken</Code>" in text) == (403, True), text
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{one.port}/some-bucket/some-key", timeout=10)
    with refused.value:
        assert refused.value.code == 403
        assert b"<Code>AccessDenied</Code>" in refused.value.read()


def test_expired_presigned(one: Installation) -> None:
    """A link works until its time is over; nobody can lengthen it."""
    bucket = one.client().create_storage_location()["S3Bucket"]
    one.client("s3").put_object(Bucket=bucket, Key="linked", Body=b"content")
    params = {"Bucket": bucket, "Key": "linked"}
    keys = own_keys(one)
    link = _link(one, keys, params)
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert answer.read() == b"content"
    past = datetime.now(UTC) - timedelta(minutes=10)
    with patch.object(botocore.auth, "get_current_datetime", lambda **_: past.replace(tzinfo=None)):
        expired = _link(one, keys, params)
    for url in (expired, expired.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=10)
        with refused.value:
            assert refused.value.code == 403, url


def _link(one: Installation, keys: Keys, params: dict[str, str]) -> str:
    from botocore.config import Config  # only links choose their signature

    client = one.client_with(keys, "s3", config=Config(signature_version="s3v4"))
    return str(client.generate_presigned_url("get_object", Params=params, ExpiresIn=60))


def test_instance_reads_and_changes_nothing(
    one: Installation, instance: str, keys_of_instance: Keys
) -> None:
    eb = one.client_with(keys_of_instance, "elasticbeanstalk")
    described = eb.describe_environments()["Environments"]
    assert [e["EnvironmentName"] for e in described] == [NAME]
    assert eb.list_available_solution_stacks()["SolutionStacks"]
    who = one.client_with(keys_of_instance, "sts").get_caller_identity()["Arn"]
    assert who.endswith(f"assumed-role/aws-elasticbeanstalk-ec2-role/{instance}")
    before = one.client().describe_environments()["Environments"]
    model = Loader().load_service_model("elasticbeanstalk", "service-2")
    mutating = [name for name in model["operations"] if not name.startswith(READING)]
    assert {"CreateEnvironment", "TerminateEnvironment", "RebuildEnvironment"} < set(mutating)
    for action in mutating:
        status, text = operate(
            one, keys_of_instance, action, EnvironmentName=NAME, ApplicationName=one.application
        )
        assert (status, "<Code>AccessDenied</Code>" in text) == (403, True), (action, text)
    for action in ("CreateRole", "CreateInstanceProfile"):
        status, text = operate(one, keys_of_instance, action, "iam", RoleName="any")
        assert status == 403, text
    assert one.client().describe_environments()["Environments"] == before


def test_instance_writes_no_objects(one: Installation, keys_of_instance: Keys) -> None:
    bucket = one.client().create_storage_location()["S3Bucket"]
    one.client("s3").put_object(Bucket=bucket, Key="theirs", Body=b"kept")
    s3 = one.client_with(keys_of_instance, "s3")
    for call in (
        lambda: s3.put_object(Bucket=bucket, Key="mine", Body=b"x"),
        lambda: s3.delete_object(Bucket=bucket, Key="theirs"),
        lambda: s3.copy_object(Bucket=bucket, Key="mine", CopySource=f"{bucket}/theirs"),
        lambda: s3.create_multipart_upload(Bucket=bucket, Key="mine"),
        lambda: s3.create_bucket(Bucket="mine-alone"),
        lambda: s3.delete_bucket(Bucket=bucket),
    ):
        assert refusal(call) == (403, "AccessDenied")
    assert one.client("s3").get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"kept"


def test_instance_issues_no_keys(one: Installation, instance: str, keys_of_instance: Keys) -> None:
    status, answer = extend(one, keys_of_instance, "IssueInstanceCredentials", InstanceId=instance)
    assert (status, answer["__type"]) == (403, "AccessDenied")
    status, answer = extend(one, None, "IssueInstanceCredentials", InstanceId=instance)
    assert status in {400, 403}
    assert "SecretAccessKey" not in answer


def test_key_dies_with_its_instance(one: Installation, instance: str) -> None:
    """Scaled in, its instance is gone, and so is what it could do."""
    keys = {
        name: extend(one, own_keys(one), "IssueInstanceCredentials", InstanceId=name)[1]
        for name in one.instances(NAME)
    }
    size = [option(ASG, "MinSize", "1"), option(ASG, "MaxSize", "1")]
    one.begin(NAME, OptionSettings=size)
    one.rest(NAME)
    (left,) = one.instances(NAME)
    for name, issued in keys.items():
        status, text = operate(one, triple(issued), "DescribeEnvironments")
        if name == left:
            assert status == 200, text
        else:
            assert (status, "<Code>InvalidClientTokenId</Code>" in text) == (403, True), text
            status, _ = extend(one, own_keys(one), "IssueInstanceCredentials", InstanceId=name)
            assert status == 400
    until(lambda: one.rest(NAME), 30, "it is ready")


@pytest.mark.parametrize("region", ["eu-west-1", "ap-southeast-7", "nonsense", "x"])
def test_other_regions_are_served_and_name_nothing(one: Installation, region: str) -> None:
    """Clients make regions up; what is here is named after the installation's own."""
    status, text = operate(one, own_keys(one), "DescribeEnvironments", region=region)
    assert status == 200
    assert NAME in text
    assert region not in text or region == "x"
    assert ":us-east-1:" in text
    if region == "eu-west-1":
        eb = one.client_with(own_keys(one), "elasticbeanstalk", region)
        bucket = eb.create_storage_location()["S3Bucket"]
        assert bucket.startswith("elasticbeanstalk-us-east-1-")
        s3 = one.client_with(own_keys(one), "s3", region)
        s3.put_object(Bucket=bucket, Key="from-afar", Body=b"x")
        assert one.client("s3").head_object(Bucket=bucket, Key="from-afar")
