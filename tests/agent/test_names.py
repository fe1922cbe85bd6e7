"""Which names lead to the control plane, and what is said of them; all else is passed on."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.agent.names import OURS, answered, asked, failed, passed_on, passed_on_whole

ADDRESS = bytes([10, 64, 0, 1])


def question(name: str, kind: int = 1, number: int = 0x1234) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    head = struct.pack("!6H", number, 0x0100, 1, 0, 0, 1)
    extra = b"\0\0\x29\x10\0\0\0\0\0\0\0"  # what resolvers add of late
    return head + labels + b"\0" + struct.pack("!2H", kind, 1) + extra


@pytest.mark.parametrize(
    "name",
    [
        "sqs.us-east-1.amazonaws.com",
        "queue.amazonaws.com",
        "eu-central-1.queue.amazonaws.com",
        "sns.us-gov-west-1.amazonaws.com",
        "dynamodb.us-east-1.amazonaws.com",
        "123456789012.ddb.us-east-1.amazonaws.com",
        "sts.amazonaws.com",
        "s3.amazonaws.com",
        "s3-eu-west-1.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "my.bucket.s3.amazonaws.com",
        "my-bucket.s3.dualstack.eu-west-1.amazonaws.com",
        "elasticbeanstalk.us-east-1.amazonaws.com",
    ],
)
def test_ours(name: str) -> None:
    assert OURS.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    [
        "amazonaws.com",
        "ec2.us-east-1.amazonaws.com",
        "ses.us-east-1.amazonaws.com",
        "mydb.abc.us-east-1.rds.amazonaws.com",
        "sqs.us-east-1.amazonaws.com.evil.test",
        "sqs.us-east-1.amazonawsXcom",
        "evilsqs.amazonaws.com",
        "s3.evil.amazonaws.com.",
        "example.com",
    ],
)
def test_not_ours(name: str) -> None:
    assert not OURS.fullmatch(name)


def test_an_address_is_told() -> None:
    sent = question("SQS.us-east-1.amazonaws.com")
    found = asked(sent)
    assert found is not None
    assert found[:2] == ("sqs.us-east-1.amazonaws.com", 1)
    told = answered(sent, found, ADDRESS)
    number, flags, questions, answers, *rest = struct.unpack_from("!6H", told)
    assert (number, questions, answers, rest) == (0x1234, 1, 1, [0, 0])
    assert flags & 0x8000
    assert flags & 0x000F == 0
    assert told.endswith(struct.pack("!HIH", 1, 60, 4) + ADDRESS)


def test_of_other_kinds_there_is_none() -> None:
    sent = question("sqs.us-east-1.amazonaws.com", kind=28)
    found = asked(sent)
    assert found is not None
    told = answered(sent, found, ADDRESS)
    assert struct.unpack_from("!6H", told)[3] == 0
    assert ADDRESS not in told


def test_nobodys_answer_is_said_at_once() -> None:
    sent = question("example.com")
    assert passed_on(sent, []) is None
    assert passed_on_whole(sent, []) is None
    number, flags, *counts = struct.unpack("!6H", failed(sent))
    assert (number, flags & 0x000F, counts) == (0x1234, 2, [0, 0, 0, 0])
    assert failed(b"x") == b""


@given(st.binary(max_size=80))
def test_any_bytes_are_a_question_or_none(sent: bytes) -> None:
    found = asked(sent)
    if found is not None:
        assert answered(sent, found, ADDRESS)
