"""The control plane is killed while items are written: what was answered is there, and whole."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.installation import Installation, installed

pytestmark = pytest.mark.e2e

ROUNDS = 5
WRITERS = 3
WRITING_S = 0.4


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        yield installation


def pair(number: str) -> list[dict[str, Any]]:
    """Return a transaction of two items that belong together."""
    return [
        {"Put": {"TableName": "pairs", "Item": {"id": {"S": f"{number}-{half}"}}}}
        for half in ("a", "b")
    ]


def write(client: Any, writer: int, numbers: Iterator[int], answered: list[str]) -> None:
    """Write pairs until nobody answers."""
    for number in numbers:
        name = f"{writer}-{number}"
        try:
            client.transact_write_items(TransactItems=pair(name))
        except (BotoCoreError, ClientError):
            return
        answered.append(name)


def test_what_was_answered_is_there_and_whole(one: Installation) -> None:
    client = one.client("dynamodb")
    client.create_table(
        TableName="pairs",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    answered: list[str] = []
    numbers = [itertools.count() for _ in range(WRITERS)]
    for _ in range(ROUNDS):
        threads = [
            threading.Thread(target=write, args=(client, at, numbers[at], answered))
            for at in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(WRITING_S)  # how long they write before the kill
        one.kill()
        for thread in threads:
            thread.join(30)
        one.start()
    pages = client.get_paginator("scan").paginate(TableName="pairs", ConsistentRead=True)
    found = {item["id"]["S"] for page in pages for item in page["Items"]}
    assert len(answered) > ROUNDS * WRITERS
    assert {f"{name}-{half}" for name in answered for half in "ab"} <= found
    assert {name[:-1] + "b" for name in found if name.endswith("a")} == {
        name for name in found if name.endswith("b")
    }
