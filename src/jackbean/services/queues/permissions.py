"""Permissions: statements in a queue's policy, added and taken away by their labels."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jackbean.services.queues import faults
from jackbean.services.queues.limits import LABEL_CHARS_MAX

ACTIONS = (
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
)
STATEMENTS_MAX = 20
_LABEL = re.compile(r"[A-Za-z0-9_-]+")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True)
class Grant:
    label: str
    accounts: Sequence[str]
    actions: Sequence[str]


def added(policy: str, arn: str, grant: Grant) -> str:
    """Return a policy with one statement more."""
    _check(grant)
    document = _loaded(policy) or {"Version": "2012-10-17", "Id": f"{arn}/SQSDefaultPolicy"}
    statements = _statements(document)
    if any(one.get("Sid") == grant.label for one in statements):
        raise faults.unfit("Label", grant.label, "Already exists.")
    if len(statements) >= STATEMENTS_MAX:
        text = f"{STATEMENTS_MAX} statements are the most that a policy has."
        raise faults.unfit("Label", grant.label, text)
    principals = [f"arn:aws:iam::{account}:root" for account in grant.accounts]
    actions = [f"SQS:{action}" for action in grant.actions]
    made = {
        "Sid": grant.label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_all(principals)},
        "Action": _one_or_all(actions),
        "Resource": arn,
    }
    return json.dumps({**document, "Statement": [*statements, made]}, separators=(",", ":"))


def removed(policy: str, label: str) -> str:
    """Return a policy without a statement, "" if none is left."""
    document = _loaded(policy)
    statements = _statements(document)
    left = [one for one in statements if one.get("Sid") != label]
    if len(left) == len(statements):
        raise faults.unfit("Label", label, "can't find label.")
    return json.dumps({**document, "Statement": left}, separators=(",", ":")) if left else ""


def _check(grant: Grant) -> None:
    if not _LABEL.fullmatch(grant.label) or len(grant.label) > LABEL_CHARS_MAX:
        reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
        raise faults.unfit("Label", grant.label, reason + "length")
    if not grant.actions:
        raise faults.missing("Actions")
    if not grant.accounts:
        reason = "PrincipalId cannot be empty"
        raise faults.unfit("PrincipalId", "[]", reason)
    for action in grant.actions:
        if action not in ACTIONS:
            reason = "Only the queue owner is allowed to invoke this action."
            raise faults.unfit("ActionName", f"SQS:{action}", reason)
    for account in grant.accounts:
        if not _ACCOUNT.fullmatch(account):
            raise faults.unfit("PrincipalId", f'["{account[:64]}"]', "Unable to verify.")


def _loaded(policy: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(policy) if policy else {}
    return document


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("Statement", [])
    every = found if isinstance(found, list) else [found]
    return [one for one in every if isinstance(one, dict)]


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
