"""Tables and items: what each operation does, in plain members and results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.ports.clock import Clock
from jackbean.ports.tables import Change, Kept, Row, Spot, TableRefused, Tables, TokenReused
from jackbean.services.tables import definitions, faults, paths, reading, writing
from jackbean.services.tables.definitions import Definition, Table, unpacked
from jackbean.services.tables.described import arn_of, description
from jackbean.services.tables.reading import Page, Search
from jackbean.services.tables.syntax import Words
from jackbean.services.tables.values import Item, size_of_item
from jackbean.services.tables.writing import Write

BATCH_READS_MAX, BATCH_WRITES_MAX, TRANSACTION_MAX = 100, 25, 100
BATCH_BYTES_MAX = 16 << 20
Shape = dict[str, Any]
Members = Mapping[str, Any]
MAKERS: Mapping[str, Callable[[Table, Members], Write]] = {
    "ConditionCheck": writing.check,
    "Put": writing.put,
    "Delete": writing.delete,
    "Update": writing.update,
}


class TableService:
    def __init__(self, store: Tables, clock: Clock, installation: Installation) -> None:
        self.installation = installation
        self._store = store
        self._clock = clock

    # Tables

    async def find(self, name: str) -> Table:
        """Return a table, by its name or its ARN. Raises the Fault where there is none."""
        name = name.removeprefix(arn_of("", self.installation))
        kept = await self._store.table(name)
        if kept is None:
            raise faults.no_table(name)
        return Table.of(kept)

    async def names(self) -> list[str]:
        return [kept.name for kept in await self._store.tables()]

    async def create(self, name: str, definition: Definition) -> Table:
        definitions.check_name(name)
        kept = Kept(name, definition.text(), self._clock.now())
        try:
            return Table.of(await self._store.add_table(kept))
        except TableRefused:
            raise faults.in_use(name) from None

    async def delete(self, name: str) -> Table:
        table = await self.find(name)
        if table.definition.protected:
            text = "Resource cannot be deleted as it is currently protected against deletion"
            raise faults.invalid(f"{text}: disable DeletionProtectionEnabled first.")
        try:
            await self._store.drop_table(table.kept.key)
        except TableRefused:
            raise faults.no_table(name) from None
        return table

    async def change(self, table: Table, definition: Definition) -> Table:
        """Give a table another definition; its items are where that puts them."""
        definitions.check(definition)
        changed = table.changed(definition)
        before = (table.definition.indexes, table.definition.ttl)
        try:
            await self._store.save_table(changed.kept)
            if before != (definition.indexes, definition.ttl):
                await self._store.reindex(table.kept.key, _row_of(changed))
        except TableRefused:
            raise faults.no_table(table.name) from None
        return changed

    async def describe(self, table: Table, status: str = "ACTIVE") -> Shape:
        counts = await self._store.counts(table.kept.key)
        return description(table, self.installation, counts, status)

    async def expire(self) -> int:
        """Forget items whose time to live is over."""
        return await self._store.expire(self._clock.now())

    # Items

    async def get(self, members: Members) -> Item | None:
        table = await self.find(members["TableName"])
        words = Words(members.get("ExpressionAttributeNames"), None)
        wanted = reading.picked_paths(members, words)
        words.check_used()
        (body,) = await self._store.items([table.spot(members["Key"])])
        return None if body is None else _shown(body, wanted)

    async def write(self, operation: str, members: Members) -> tuple[Item | None, Item | None]:
        """Put, update or delete an item; return what was there, and what is."""
        table = await self.find(members["TableName"])
        made = MAKERS[operation.removesuffix("Item")](table, members)
        return (await self._write([made]))[0]

    async def update(self, members: Members, said: str) -> Item | None:
        """Update an item; return what the request wants to hear of it, None for nothing."""
        table = await self.find(members["TableName"])
        made, touched = writing.updating(table, members)
        (items,) = await self._write([made])
        return writing.returned(said, items, touched)

    async def query(self, members: Members) -> Page:
        return await self._read(members, reading.query)

    async def scan(self, members: Members) -> Page:
        return await self._read(members, reading.scan)

    async def _read(self, members: Members, asked: Callable[[Table, Members], Search]) -> Page:
        table = await self.find(members["TableName"])
        return await reading.read(self._store, table, asked(table, members))

    # Several at once

    async def get_all(self, requests: Mapping[str, Members]) -> tuple[Shape, Shape]:
        """Return items by table, and the keys that did not fit into one answer."""
        wanted = [(name, key) for name, said in requests.items() for key in said["Keys"]]
        _check_number(len(wanted), BATCH_READS_MAX)
        found: Shape = {name: [] for name in requests}
        left: Shape = {}
        size = 0
        tables = {name: await self.find(name) for name in requests}
        spots = [tables[name].spot(key) for name, key in wanted]
        _check_distinct(spots)
        wanted_paths = {name: _paths_of(said) for name, said in requests.items()}
        for (name, key), body in zip(wanted, await self._store.items(spots), strict=True):
            size += len(body or "")
            if size > BATCH_BYTES_MAX:
                left.setdefault(name, {**requests[name], "Keys": []})["Keys"].append(key)
            elif body is not None:
                found[name].append(_shown(body, wanted_paths[name]))
        return found, left

    async def write_all(self, requests: Mapping[str, Sequence[Members]]) -> None:
        """Put and delete items, each as if alone; here all of them or none."""
        _check_number(sum(map(len, requests.values())), BATCH_WRITES_MAX)
        writes = []
        for name, said in requests.items():
            table = await self.find(name)
            writes += [_batched(table, one) for one in said]
        _check_distinct([one.spot for one in writes])
        await self._write(writes)

    async def transact(self, deeds: Sequence[Mapping[str, Members | None]], token: str) -> None:
        """Carry out deeds together or not at all; the same token does it once."""
        _check_number(len(deeds), TRANSACTION_MAX)
        writes = []
        for deed in deeds:
            given = [(verb, members) for verb, members in deed.items() if members]
            if len(given) != 1:
                raise faults.invalid(
                    "TransactItems can only contain one of Check, Put, Update or Delete"
                )
            ((verb, members),) = given
            table = await self.find(members["TableName"])
            writes.append(MAKERS[verb](table, members))
        _check_apart([one.spot for one in writes])
        mark = hashlib.sha256(json.dumps(deeds, default=repr, sort_keys=True).encode()).hexdigest()
        await self._write(writes, (token, mark), together=True)

    async def get_together(self, asked: Sequence[Members]) -> list[Item | None]:
        """Return items as they are at one moment."""
        _check_number(len(asked), TRANSACTION_MAX)
        wanted = [one["Get"] for one in asked]
        tables = [await self.find(one["TableName"]) for one in wanted]
        spots = [table.spot(one["Key"]) for table, one in zip(tables, wanted, strict=True)]
        bodies = await self._store.items(spots)
        return [
            None if body is None else _shown(body, _paths_of(one))
            for body, one in zip(bodies, wanted, strict=True)
        ]

    async def _write(
        self,
        writes: Sequence[Write],
        token: tuple[str, str] = ("", ""),
        *,
        together: bool = False,
    ) -> list[tuple[Item | None, Item | None]]:
        """Carry out writes at once; return what was there and what is, of each."""
        results: list[tuple[Item | None, Item | None]] = []

        def decide(bodies: Sequence[str | None]) -> list[Row | None]:
            results.clear()
            made = (
                _decided(writes, bodies)
                if together
                else [one.decide(body) for one, body in zip(writes, bodies, strict=True)]
            )
            results.extend((there, unpacked(row.body) if row else None) for there, row in made)
            return [row for _, row in made]

        change = Change([one.spot for one in writes], decide, *token)
        try:
            await self._store.change(change, self._clock.now())
        except TableRefused:
            raise faults.no_table(writes[0].table.name) from None
        except TokenReused:
            raise Fault(
                "IdempotentParameterMismatchException",
                "DynamoDB rejected the request because you retried a request with a different "
                "payload but with an idempotent token that was already used.",
            ) from None
        return results


def _decided(
    writes: Sequence[Write], bodies: Sequence[str | None]
) -> list[tuple[Item | None, Row | None]]:
    """Return what each write of a transaction makes. Raises the Fault that says which cannot."""
    made: list[tuple[Item | None, Row | None]] = []
    reasons: list[Shape] = []
    for one, body in zip(writes, bodies, strict=True):
        try:
            made.append(one.decide(body))
            reasons.append({"Code": "None"})
        except Fault as fault:
            unmet = fault.code == faults.CONDITION
            code = "ConditionalCheckFailed" if unmet else "ValidationError"
            reasons.append({"Code": code, "Message": fault.message, **fault.extras})
    if len(made) < len(writes):
        raise faults.cancelled(reasons)
    return made


def _batched(table: Table, said: Members) -> Write:
    put, gone = said.get("PutRequest"), said.get("DeleteRequest")
    if put is not None and gone is None:
        return writing.put(table, put)
    if gone is not None and put is None:
        return writing.delete(table, gone)
    raise faults.invalid("A write request holds either a PutRequest or a DeleteRequest")


def _row_of(table: Table) -> Callable[[str], Row]:
    return lambda body: table.row(unpacked(body))


def _shown(body: str, wanted: list[paths.Path] | None) -> Item:
    item = unpacked(body)
    return item if wanted is None else paths.picked(item, wanted)


def _paths_of(members: Members) -> list[paths.Path] | None:
    words = Words(members.get("ExpressionAttributeNames"), None)
    found = reading.picked_paths(members, words)
    words.check_used()
    return found


def _check_number(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise faults.invalid(f"A request has from 1 to {most} items, and this one has {count}")


def _check_distinct(spots: Sequence[Spot]) -> None:
    if len(set(spots)) < len(spots):
        raise faults.invalid("Provided list of item keys contains duplicates")


def _check_apart(spots: Sequence[Spot]) -> None:
    if len(set(spots)) < len(spots):
        text = "Transaction request cannot include multiple operations on one item"
        raise faults.invalid(text)


def capacity(table: str, size: int, unit: int, factor: float = 1.0) -> Shape:
    """Return how much an operation would have used of a table's throughput."""
    return {"TableName": table, "CapacityUnits": factor * max(1, -(-size // unit))}


def units_of_write(items: tuple[Item | None, Item | None], table: str) -> Shape:
    size = max((size_of_item(item) for item in items if item), default=0)
    return capacity(table, size, 1024)
