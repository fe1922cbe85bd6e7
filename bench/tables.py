"""Tables: how long a put and a get take over the network, and how many puts several writers get.

    python -m bench.tables ENDPOINT ACCESS_KEY SECRET_KEY

Any server that speaks DynamoDB will do: what `docs/decisions` compares was measured with it.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import boto3

ROUNDS, WRITERS, PUTS = 300, 8, 100
TABLE = "bench-signups"
FILL = "y" * 200


def client(endpoint: str, keys: tuple[str, str]) -> Any:
    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
    )


def timed(work: Callable[[int], object]) -> list[float]:
    """Return how long each of many rounds took (ms), sorted."""
    found = []
    for at in range(ROUNDS):
        began = time.perf_counter()
        work(at)
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def item(name: str) -> dict[str, Any]:
    return {"TableName": TABLE, "Item": {"email": {"S": name}, "fill": {"S": FILL}}}


def together(tables: Any) -> float:
    """Return the puts per second that several writers get."""

    def write(writer: int) -> None:
        for at in range(PUTS):
            tables.put_item(**item(f"w{writer}-{at}"))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return WRITERS * PUTS / (time.perf_counter() - began)


def main(endpoint: str, access_key: str, secret_key: str) -> None:
    tables = client(endpoint, (access_key, secret_key))
    tables.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "email", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "email", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    tables.get_waiter("table_exists").wait(TableName=TABLE)
    puts = timed(lambda at: tables.put_item(**item(f"a{at}")))
    gets = timed(lambda at: tables.get_item(TableName=TABLE, Key={"email": {"S": f"a{at}"}}))
    for name, found in (("put", puts), ("get", gets)):
        late = found[int(len(found) * 0.99)]
        print(f"{name}: median {statistics.median(found):.1f} ms, 99 % {late:.1f} ms")
    print(f"{WRITERS} writers: {together(tables):.0f} puts/s")
    tables.delete_table(TableName=TABLE)


if __name__ == "__main__":
    main(*sys.argv[1:4])
