"""Derived secrets: the right holder, and nobody else."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.control.credentials import Credentials
from jackbean.control.principals import (
    INSTANCES_MAY,
    Administrator,
    Bearer,
    InstancePrincipal,
    Keys,
    authorise,
    visible,
)
from jackbean.core.errors import Fault
from jackbean.core.installation import Installation

HERE = Credentials(b"h" * 32)
ELSEWHERE = Credentials(b"e" * 32)
INSTANCE = "i-0123456789abcdef0"
INSTALLATION = Installation("us-east-1", "123456789012")
PROGRAM = InstancePrincipal(INSTANCE, "e-abcdefghij")


def test_a_token_names_its_instance_and_proves_it() -> None:
    token = HERE.token(INSTANCE)
    assert token == HERE.token(INSTANCE)
    assert HERE.holder(token) == INSTANCE
    assert token != HERE.token("i-1")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        INSTANCE,
        f"{INSTANCE}.",
        ELSEWHERE.token(INSTANCE),
        HERE.token(INSTANCE)[:-1],
        HERE.token(INSTANCE) + "0",
        HERE.token(INSTANCE).upper(),
        HERE.token(INSTANCE).replace(INSTANCE, "i-0"),
        f"{INSTANCE}.é",
        f"{INSTANCE}.{HERE.access_key(INSTANCE)[1]}",
    ],
)
def test_foreign_tokens(token: str) -> None:
    assert HERE.holder(token) is None


@given(st.text(max_size=80))
@settings(max_examples=50)
def test_any_text_is_a_strangers(token: str) -> None:
    assert HERE.holder(token) is None


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    HERE.holder("i-1.x")
    ((mark, genuine),) = compared
    assert (mark, len(genuine)) == (b"x", 64)


def test_keys_are_derived_for_another_purpose() -> None:
    access_key, secret = HERE.access_key(INSTANCE)
    assert access_key == "JBIK0123456789ABCDEF0"
    assert secret not in HERE.token(INSTANCE)
    assert Credentials.instance_of(access_key) == INSTANCE
    assert Credentials.instance_of("AKIAEXAMPLE") is None
    assert ELSEWHERE.access_key(INSTANCE) != (access_key, secret)


def test_a_short_secret_is_none() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Credentials(b"short")


# Who may do what


def test_secrets_of_keys() -> None:
    keys = Keys({"JBAKADMIN": "secret"}, HERE)
    access_key, secret = HERE.access_key(INSTANCE)
    assert keys.secret("JBAKADMIN") == "secret"
    assert keys.secret(access_key) == secret
    assert keys.secret("AKIAEXAMPLE") is None
    assert keys.administrator("JBAKADMIN") == Administrator("JBAKADMIN")
    assert keys.administrator(access_key) is None


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("elasticbeanstalk", "TerminateEnvironment"),
        ("elasticbeanstalk", "UpdateEnvironment"),
        ("elasticbeanstalk", "RequestEnvironmentInfo"),
        ("elasticbeanstalk", "RetrieveEnvironmentInfo"),  # links signed by the installation
        ("elasticbeanstalk", "DescribeApplicationVersions"),
        ("iam", "GetRole"),
        ("jackbean", "DescribeInstallation"),
        ("jackbean", "IssueInstanceCredentials"),
        ("elasticbeanstalk", ""),
        ("nothing", "DescribeEnvironments"),
    ],
)
def test_what_a_program_on_an_instance_may_not_do(service: str, operation: str) -> None:
    with pytest.raises(Fault) as caught:
        authorise(PROGRAM, service, operation, INSTALLATION)
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)
    assert f"assumed-role/instance/{INSTANCE}" in caught.value.message
    assert f"{service}:{operation}" in caught.value.message
    authorise(Administrator("x"), service, operation, INSTALLATION)


def test_what_it_may() -> None:
    authorise(PROGRAM, "elasticbeanstalk", "DescribeEnvironments", INSTALLATION)
    authorise(PROGRAM, "sts", "GetCallerIdentity", INSTALLATION)
    changing = ("Create", "Update", "Delete", "Terminate", "Request", "Issue", "Put")
    others = {service: ops for service, ops in INSTANCES_MAY.items() if service != "sqs"}
    assert not [op for ops in others.values() for op in ops if op.startswith(changing)]


def test_it_may_use_queues_and_make_none() -> None:
    for operation in ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"):
        authorise(PROGRAM, "sqs", operation, INSTALLATION)
    for operation in ("CreateQueue", "DeleteQueue", "PurgeQueue", "SetQueueAttributes"):
        with pytest.raises(Fault):
            authorise(PROGRAM, "sqs", operation, INSTALLATION)


def test_whoever_did_not_sign_may_follow_a_link_and_nothing_else() -> None:
    authorise(Bearer(), "sns", "ConfirmSubscription", INSTALLATION)
    for service, operation in (
        ("sns", "Publish"),
        ("sqs", "SendMessage"),
        ("sts", "GetCallerIdentity"),
    ):
        with pytest.raises(Fault):
            authorise(Bearer(), service, operation, INSTALLATION)
    assert not visible(Bearer(), "e-abcdefghij")


def test_an_instance_sees_its_own_environment() -> None:
    assert visible(PROGRAM, "e-abcdefghij")
    assert not visible(PROGRAM, "e-0000000000")
    assert visible(Administrator("x"), "e-0000000000")
