"""The ledger of messages, for the extension service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.plant import Call, Plant, moment
from jackbean.api.workers import count, queue_name, worker
from jackbean.ports.ledger import Entry, Try
from jackbean.ports.queues import Move, Queue
from jackbean.services.queues import Found, Order

MESSAGES_SHOWN = 50

Shape = dict[str, Any]


async def describe_messages(plant: Plant, call: Call) -> Shape:
    """Return the last messages of a worker environment, with `DeadOnly` its dead letters."""
    environment = await worker(plant, call)
    name = await queue_name(plant, environment)
    found = await plant.messages.find(
        name,
        dead_only=call.flag("DeadOnly", default=False),
        limit=count(call, "MaxRecords", MESSAGES_SHOWN),
    )
    return {
        "EnvironmentName": environment.name,
        "Queue": await _queue(plant, found.queue),
        "DeadLetterQueue": await _queue(plant, found.dead) if found.dead else None,
        "MaxReceiveCount": found.receives_max,
        "Messages": [_entry(found, entry) for entry in found.entries],
    }


async def redrive_messages(plant: Plant, call: Call) -> Shape:
    """Begin to send the dead letters of an environment back to the queues they came from."""
    environment = await worker(plant, call)
    source = await plant.messages.dead_letters(await queue_name(plant, environment))
    move = await plant.queues.moves.start(Order(source))
    return {"EnvironmentName": environment.name, **_move(move)}


async def describe_redrive(plant: Plant, call: Call) -> Shape:
    """Return how it stands with the last time that dead letters were sent back."""
    environment = await worker(plant, call)
    source = await plant.messages.dead_letters(await queue_name(plant, environment))
    moves = await plant.queues.moves.of(source, 1)
    return {"EnvironmentName": environment.name, **(_move(moves[0]) if moves else {})}


async def _queue(plant: Plant, queue: Queue) -> Shape:
    counts = await plant.queues.queues.counts(queue.name)
    return {
        "Name": queue.name,
        "Waiting": counts.visible,
        "Held": counts.held,
        "Delayed": counts.delayed,
        "Oldest": None if counts.oldest_ms is None else _moment(counts.oldest_ms),
    }


def _entry(found: Found, entry: Entry) -> Shape:
    last = entry.tries[0] if entry.tries else None
    return {
        "MessageId": entry.message,
        "State": entry.stand.value,
        "Attempts": entry.receives,
        "Task": (last.task or None) if last else None,
        "Sent": _moment(entry.sent_ms) if entry.sent_ms else None,
        "Visible": _moment(entry.visible_ms) if entry.visible_ms else None,
        "Status": (last.status or None) if last else None,
        "Error": (last.error or None) if last else None,
        "Seconds": last.ms / 1000 if last else None,
        "Instance": last.instance if last else None,
        "Why": found.why(entry) or None,
        "History": [_try(one) for one in entry.tries],
    }


def _try(one: Try) -> Shape:
    return {
        "Attempt": one.receives,
        "At": _moment(one.at_ms),
        "Seconds": one.ms / 1000,
        "Status": one.status or None,
        "Error": one.error or None,
        "Instance": one.instance,
    }


def _move(move: Move) -> Shape:
    return {
        "Handle": move.handle,
        "Status": move.phase.value,
        "Expected": move.expected,
        "Moved": move.moved,
        "Failure": move.failure or None,
    }


def _moment(ms: int) -> str:
    return moment(ms / 1000).isoformat()


MESSAGES: Mapping[str, Any] = {
    "DescribeMessages": describe_messages,
    "DescribeRedrive": describe_redrive,
    "RedriveMessages": redrive_messages,
}
