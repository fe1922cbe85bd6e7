"""Policies: what they grant, what they refuse, and that no document does harm."""

from __future__ import annotations

import json
import time
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.policies import (
    NOTES_MAX,
    POLICY_CHARS_MAX,
    STATEMENTS_MAX,
    TESTS,
    Caller,
    Effect,
    judge,
    like,
)

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:news"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/web"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SEND = "sqs:SendMessage"
SNS = Caller(
    ("sns.amazonaws.com",),
    {"aws:SourceArn": TOPIC, "aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"},
)
WEB = Caller((ROLE,), {"aws:PrincipalArn": ROLE, "aws:SecureTransport": "true"}, ACCOUNT)
NOBODY = Caller((), {"aws:SecureTransport": "true", "aws:SourceIp": "10.0.0.7"})

Statement = dict[str, Any]


def said(effect: str = "Allow", **more: Any) -> Statement:
    return {"Effect": effect, "Principal": "*", "Action": SEND, "Resource": QUEUE, **more}


def when(operator: str, key: str, value: Any) -> Statement:
    return said(Condition={operator: {key: value}})


def verdict(caller: Caller, *statements: Any, action: str = SEND) -> Effect:
    document = json.dumps({"Version": "2008-10-17", "Statement": list(statements)})
    return judge(document, caller, action, QUEUE).effect


FROM = "aws:SourceArn"
ALLOWED = [
    (SNS, said()),
    (SNS, said(Principal={"AWS": "*"})),
    (SNS, said(Principal={"Service": "sns.amazonaws.com"})),
    (SNS, said(Principal={"Service": ["s3.amazonaws.com", "sns.amazonaws.com"]})),
    (SNS, said(Action="SQS:sendmessage")),
    (SNS, said(Action=["sqs:Receive*", "sqs:Send*"])),
    (SNS, said(Action="*", Resource="arn:aws:sqs:*:*:jobs")),
    (SNS, said(Resource="arn:aws:sqs:us-east-?:*")),
    (SNS, when("ArnEquals", FROM, TOPIC)),
    (SNS, when("ArnLike", FROM, "arn:aws:sns:*:*:news")),
    (SNS, when("StringEquals", "AWS:sourceARN", [TOPIC, "another"])),
    (SNS, when("StringLike", FROM, "arn:aws:sns:*")),
    (SNS, when("StringEquals", "aws:SourceAccount", ACCOUNT)),
    (SNS, when("Bool", "aws:SecureTransport", True)),
    (SNS, when("StringNotEquals", "aws:PrincipalArn", ROLE)),  # it has none
    (WEB, said(Principal={"AWS": ROLE})),
    (WEB, when("StringEqualsIfExists", FROM, TOPIC)),
    (WEB, when("Null", FROM, "true")),
    (WEB, {"Effect": "Allow", "Principal": "*", "NotAction": "sqs:DeleteQueue", "Resource": "*"}),
    (WEB, {"Effect": "Allow", "Principal": "*", "Action": SEND, "NotResource": "arn:aws:s3:::*"}),
    (NOBODY, said()),
    (NOBODY, when("IpAddress", "aws:SourceIp", ["192.168.0.0/16", "10.0.0.0/8"])),
    (NOBODY, when("NotIpAddress", "aws:SourceIp", "10.0.1.0/24")),
]
NOT_ALLOWED = [
    (SNS, said(Principal={"Service": "events.amazonaws.com"})),
    (SNS, said(Principal={"Service": "*"})),
    (SNS, said(Principal={"AWS": ROOT})),
    (SNS, said(Principal={"AWS": ROLE})),
    (SNS, said(Action="sqs:ReceiveMessage")),
    (SNS, said(Resource=QUEUE + "2")),
    (SNS, when("ArnEquals", FROM, TOPIC + "2")),
    (SNS, when("ArnNotEquals", FROM, TOPIC)),
    (SNS, when("Null", FROM, True)),
    (SNS, when("Bool", "aws:SecureTransport", "false")),
    (WEB, when("ArnEquals", FROM, TOPIC)),  # the topic may, whoever asks may not
    (WEB, said(Principal={"AWS": ROOT})),  # which leaves it to policies of roles
    (WEB, said(Principal={"AWS": ACCOUNT})),
    (WEB, said(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"})),
    (WEB, said(Principal={"Federated": "*"})),
    (WEB, {"Effect": "Allow", "NotPrincipal": {"AWS": ROOT}, "Action": SEND, "Resource": QUEUE}),
    (WEB, {"Effect": "Allow", "Action": SEND, "Resource": QUEUE}),
    (WEB, {"Effect": "Allow", "Principal": "*", "Resource": QUEUE}),
    (NOBODY, said(Principal={"AWS": [ROLE, ROOT]})),
    (NOBODY, when("IpAddress", "aws:SourceIp", "10.0.1.0/24")),
    (NOBODY, when("IpAddress", "aws:SourceIp", "nonsense")),
]


@pytest.mark.parametrize(("caller", "statement"), ALLOWED)
def test_allows(caller: Caller, statement: Statement) -> None:
    assert verdict(caller, statement) is Effect.ALLOW
    assert verdict(caller, {**statement, "Effect": "Deny"}, said()) is Effect.DENY


@pytest.mark.parametrize(("caller", "statement"), NOT_ALLOWED)
def test_says_nothing(caller: Caller, statement: Statement) -> None:
    assert verdict(caller, statement) is Effect.SILENT


@pytest.mark.parametrize(
    ("caller", "statement"),
    [
        (WEB, said("Deny", Principal={"AWS": ROOT})),
        (WEB, said("Deny", Principal={"AWS": ACCOUNT})),
        (SNS, {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}),
    ],
)
def test_denies(caller: Caller, statement: Statement) -> None:
    assert verdict(caller, said(), statement) is Effect.DENY


def test_who_is_excepted_is_not_denied() -> None:
    but_web = {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}
    assert verdict(WEB, said(), but_web) is Effect.ALLOW


UNJUDGED = [
    ("NumericLessThan", "s3:max-keys", "10"),
    ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z"),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a"]),
    ("StringEquals", "aws:sourceVpce", "vpce-1"),
    ("StringNotEquals", "aws:sourceVpce", "vpce-1"),
    ("StringEqualsIfExists", "aws:userid", "x"),
    ("Null", "aws:MultiFactorAuthAge", "false"),
    ("Null", "aws:MultiFactorAuthAge", "true"),
    ("StringLike", "aws:PrincipalArn", "${aws:PrincipalArn}"),
]


@pytest.mark.parametrize("condition", UNJUDGED)
def test_what_cannot_be_judged_opens_nothing_and_is_told(condition: tuple[str, str, Any]) -> None:
    allowing = when(*condition)
    denying = {**allowing, "Effect": "Deny"}
    for statements, effect in (([allowing], Effect.SILENT), ([said(), denying], Effect.DENY)):
        found = judge(json.dumps({"Statement": statements}), WEB, SEND, QUEUE)
        assert found.effect is effect
        (told,) = found.unjudged
        assert any(word in told for word in condition[:2])


def test_variables_open_nothing() -> None:
    mine = said(Resource="arn:aws:sqs:*:*:${aws:username}")
    assert verdict(WEB, mine) is Effect.SILENT
    assert verdict(WEB, said(), {**mine, "Effect": "Deny"}) is Effect.DENY
    but = {"Effect": "Allow", "Principal": "*", "Action": SEND, "NotResource": "${x}"}
    assert verdict(WEB, but) is Effect.SILENT
    assert verdict(WEB, said(), {**but, "Effect": "Deny"}) is Effect.DENY


def test_one_statement_needs_no_list() -> None:
    assert judge(json.dumps({"Statement": said()}), WEB, SEND, QUEUE).effect is Effect.ALLOW


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "nonsense",
        "[" * 5000,
        json.dumps({"Statement": "x"}),
        json.dumps({"Statement": [said(), {**said(), "Effect": "allow"}]}),
        json.dumps({"Statement": [said()] * (STATEMENTS_MAX + 1)}),
        json.dumps({"Statement": [said(Sid="x" * POLICY_CHARS_MAX)]}),
    ],
)
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    found = judge(text, WEB, SEND, QUEUE)
    assert found.effect is Effect.SILENT
    assert found.unjudged


# Properties

effects = st.sampled_from(["Allow", "Deny"])
principals = st.sampled_from(
    ["*", {"AWS": "*"}, {"AWS": ROLE}, {"AWS": ROOT}, {"Service": "sns.amazonaws.com"}]
)
actions = st.sampled_from([SEND, "sqs:*", "*", "sqs:ReceiveMessage", "SQS:Send*", "x"])
resources = st.sampled_from([QUEUE, "*", QUEUE + "2", "arn:aws:sqs:*"])
operators = st.sampled_from([*TESTS, "StringNotLike", "Null", "NumericEquals", "BoolIfExists"])
keys = st.sampled_from([FROM, "aws:PrincipalArn", "aws:SecureTransport", "aws:userid"])
values = st.sampled_from([TOPIC, ROLE, "*", "true", ["x", TOPIC], "${a}", 1, None])
statements = st.fixed_dictionaries(
    {"Effect": effects, "Resource": resources},
    optional={
        "Principal": principals,
        "NotPrincipal": principals,
        "Action": actions,
        "NotAction": actions,
        "Condition": st.dictionaries(operators, st.dictionaries(keys, values, max_size=2)),
    },
)
documents = st.lists(statements, max_size=4)
callers = st.sampled_from([SNS, WEB, NOBODY])


@given(documents, callers, st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(
    document: list[Statement], caller: Caller, random: Any
) -> None:
    mixed = list(document)
    random.shuffle(mixed)
    assert verdict(caller, *document) is verdict(caller, *mixed)


@given(documents, statements, callers)
def test_a_statement_more_does_what_it_says(
    document: list[Statement], more: Statement, caller: Caller
) -> None:
    before, after = verdict(caller, *document), verdict(caller, *document, more)
    alone = verdict(caller, more)
    if Effect.DENY in (before, alone):
        assert after is Effect.DENY
    else:
        assert after is (Effect.ALLOW if Effect.ALLOW in (before, alone) else Effect.SILENT)


@given(statements, callers, operators, keys, values)
def test_a_condition_more_never_opens(
    statement: Statement, caller: Caller, operator: str, key: str, value: Any
) -> None:
    allowing = {**statement, "Effect": "Allow"}
    stricter = {**allowing, "Condition": {**allowing.get("Condition", {}), operator: {key: value}}}
    if operator not in allowing.get("Condition", {}) and verdict(caller, allowing) is Effect.SILENT:
        assert verdict(caller, stricter) is Effect.SILENT


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Statement", "Effect", "Principal", "Action", "Condition", "Null", "AWS", "Bool"]
            )
            | st.text(),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(anything, anything, anything, callers)
def test_no_document_does_harm(one: Any, other: Any, third: Any, caller: Caller) -> None:
    bare = judge(json.dumps(one), caller, SEND, QUEUE)
    assert bare.effect is Effect.SILENT or isinstance(one, dict)
    dressed = said(Principal=one, Condition=other, Resource=third)
    found = judge(json.dumps({"Statement": [dressed]}), caller, SEND, QUEUE)
    assert len(found.unjudged) <= NOTES_MAX


@given(st.text("ab*?"), st.text("ab"))
def test_patterns_are_those_of_shells(pattern: str, text: str) -> None:
    assert like(pattern, text) is fnmatchcase(text, pattern)


@given(st.text(), st.text())
def test_all_else_means_itself(pattern: str, text: str) -> None:
    plain = pattern.replace("*", "").replace("?", "")
    assert like(plain, text) is (plain == text)
    assert like(plain, plain)
    assert like(f"{plain}*", plain + text)


@pytest.mark.parametrize(
    "pattern", ["*a" * 700 + "b", "*?a" * 500 + "b", "?" * 1024 + "b", "*" * 9]
)
def test_the_worst_policy_takes_moments(pattern: str) -> None:
    count = POLICY_CHARS_MAX // (len(pattern) + 8)
    document = json.dumps({"Statement": said(Resource=[pattern] * count)})
    assert len(document) < POLICY_CHARS_MAX
    began = time.process_time()
    judge(document, WEB, SEND, "a" * 1100)
    assert time.process_time() - began < 2.0
