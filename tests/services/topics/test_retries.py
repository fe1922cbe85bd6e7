from __future__ import annotations

import json

import pytest

from jackbean.services.topics.retries import retries


def delays(**policy: object) -> list[float]:
    found = retries(json.dumps({"healthyRetryPolicy": policy}) if policy else "")
    told, attempts = [], 1
    while (wait := found.delay_s(attempts)) is not None:
        told.append(wait)
        attempts += 1
    return told


def test_by_default_three_retries_twenty_seconds_apart():
    assert delays() == [20, 20, 20]


def test_delays_grow_from_the_least_to_the_most():
    assert delays(numRetries=3, minDelayTarget=1, maxDelayTarget=9) == [1, 5, 9]
    doubled = {"numRetries": 5, "minDelayTarget": 1, "maxDelayTarget": 5}
    assert delays(**doubled, backoffFunction="exponential") == [1, 2, 4, 5, 5]


def test_some_retries_are_at_once():
    assert delays(numRetries=3, numNoDelayRetries=2, minDelayTarget=7) == [0, 0, 7]
    assert delays(numRetries=0) == []


@pytest.mark.parametrize(
    "policy",
    [
        "[]",
        "{",
        '{"healthyRetryPolicy": {"numRetries": -1}}',
        '{"healthyRetryPolicy": {"numRetries": "3"}}',
        '{"healthyRetryPolicy": {"minDelayTarget": 3601}}',
    ],
)
def test_policies_that_make_no_sense(policy):
    with pytest.raises(ValueError, match=r"."):
        retries(policy)
