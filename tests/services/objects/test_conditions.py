from __future__ import annotations

import pytest

from jackbean.core.errors import Fault
from jackbean.ports.buckets import ObjectRecord
from jackbean.services.objects.conditions import (
    Conditions,
    NotModified,
    check_copy,
    check_delete,
    check_read,
    check_write,
)

HERE = ObjectRecord("b", "k", "1" * 64, 3, "abc", 1000.7)
GOOD, STALE, FAILED, ABSENT = "good", 304, 412, 404


def outcome(check, *args) -> object:
    try:
        check(*args)
    except NotModified:
        return STALE
    except Fault as fault:
        return fault.status
    return GOOD


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (Conditions(), GOOD),
        (Conditions(if_match='"abc"'), GOOD),
        (Conditions(if_match="abc"), GOOD),
        (Conditions(if_match="*"), GOOD),
        (Conditions(if_match='"x", "abc"'), GOOD),
        (Conditions(if_match='"x"'), FAILED),
        (Conditions(if_none_match='"x"'), GOOD),
        (Conditions(if_none_match='"abc"'), STALE),
        (Conditions(if_none_match='W/"abc"'), STALE),
        (Conditions(if_none_match="*"), STALE),
        (Conditions(modified_since=999), GOOD),
        (Conditions(modified_since=1000), STALE),
        (Conditions(modified_since=1001), STALE),
        (Conditions(unmodified_since=1000), GOOD),
        (Conditions(unmodified_since=999), FAILED),
        (Conditions(if_match='"abc"', unmodified_since=999), GOOD),
        (Conditions(if_none_match='"x"', modified_since=1001), GOOD),
        (Conditions(if_match='"x"', if_none_match='"abc"'), FAILED),
    ],
)
def test_reading(conditions, expected):
    assert outcome(check_read, HERE, conditions) == expected
    assert outcome(check_copy, HERE, conditions) == (FAILED if expected == STALE else expected)


@pytest.mark.parametrize(
    ("conditions", "there", "absent"),
    [
        (Conditions(), GOOD, GOOD),
        (Conditions(if_none_match="*"), FAILED, GOOD),
        (Conditions(if_none_match='"abc"'), 501, 501),
        (Conditions(if_match='"abc"'), GOOD, ABSENT),
        (Conditions(if_match='"x"'), FAILED, ABSENT),
    ],
)
def test_writing(conditions, there, absent):
    assert outcome(check_write, HERE, "k", conditions) == there
    assert outcome(check_write, None, "k", conditions) == absent


@pytest.mark.parametrize(
    ("if_match", "there", "absent"),
    [("", GOOD, GOOD), ("*", GOOD, ABSENT), ('"abc"', GOOD, ABSENT), ('"x"', FAILED, ABSENT)],
)
def test_deleting(if_match, there, absent):
    conditions = Conditions(if_match=if_match)
    assert outcome(check_delete, HERE, "k", conditions) == there
    assert outcome(check_delete, None, "k", conditions) == absent
