"""What bundles say in vain is told when they are deployed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.stacks.advice import advised

ARN = {"Fn::GetAtt": ["Jobs", "Arn"]}
SHORT = {"Fn::GetAtt": "Jobs.Arn"}
JOBS = {"Jobs": {"Type": "AWS::SQS::Queue"}}


def policy(document: Any = None) -> dict[str, Any]:
    properties = {"Queues": [{"Ref": "Jobs"}], "PolicyDocument": document or {}}
    return {"May": {"Type": "AWS::SQS::QueuePolicy", "Properties": properties}}


def topic(endpoint: Any, protocol: str = "sqs") -> dict[str, Any]:
    subscribers = [{"Protocol": protocol, "Endpoint": endpoint}]
    return {"News": {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": subscribers}}}


def subscription(endpoint: Any) -> dict[str, Any]:
    properties = {"Protocol": "sqs", "Endpoint": endpoint, "TopicArn": {"Ref": "News"}}
    return {"Heard": {"Type": "AWS::SNS::Subscription", "Properties": properties}}


@pytest.mark.parametrize("subscribed", [topic(ARN), topic(SHORT), subscription(ARN)])
def test_a_queue_that_will_hear_nothing(subscribed: dict[str, Any]) -> None:
    ((name, text),) = advised({**JOBS, **subscribed})
    assert name == "Jobs"
    assert "QueuePolicy" in text
    assert list(advised({**JOBS, **subscribed, **policy()})) == []


@pytest.mark.parametrize(
    "resources",
    [
        JOBS,
        {**JOBS, **topic("arn:aws:sqs:us-east-1:123456789012:elsewhere")},
        topic(ARN),  # to a queue that is not there, which is told elsewhere
    ],
)
def test_nothing_to_tell(resources: dict[str, Any]) -> None:
    assert list(advised(resources)) == []


@pytest.mark.parametrize(
    ("protocol", "says"),
    [("email", "files in mail/"), ("lambda", "nothing is sent"), ("sms", "nothing is sent")],
)
def test_who_is_not_told(protocol: str, says: str) -> None:
    ((name, text),) = advised({**JOBS, **topic("you@example.com", protocol)})
    assert name == "News"
    assert text.startswith(f"{protocol}: ")
    assert says in text


def test_what_cannot_be_judged_of_a_policy() -> None:
    condition = {"DateGreaterThan": {"aws:CurrentTime": "x"}, "Bool": {"aws:ViaAWSService": "true"}}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": condition}
    ((name, text),) = advised({**JOBS, **policy({"Statement": [statement]})})
    assert name == "May"
    assert "the operator DateGreaterThan, the key aws:ViaAWSService" in text


anything = st.recursive(
    st.none() | st.text() | st.sampled_from(["AWS::SNS::Topic", "AWS::SQS::QueuePolicy", "sqs"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Type", "Properties", "Subscription", "Queues", "Fn::GetAtt", "PolicyDocument"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(st.dictionaries(st.text(max_size=3), anything, max_size=3))
def test_no_template_does_harm(resources: dict[str, Any]) -> None:
    list(advised(resources))
