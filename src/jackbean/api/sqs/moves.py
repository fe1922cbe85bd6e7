"""Operations on tasks that send dead letters back."""

from __future__ import annotations

from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.api.sqs.asked import needed
from jackbean.ports.queues import Move, Phase
from jackbean.services.queues import Order, faults

Shape = dict[str, Any]
LISTED_MAX = 10


async def start_message_move_task(plant: Plant, call: Call) -> Shape:
    source, target = needed(call, "SourceArn"), call.text("DestinationArn")
    rate = call.members.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and rate < 1:
        reason = "Must be between 1 and 500, if provided."
        raise faults.unfit("MaxNumberOfMessagesPerSecond", rate, reason)
    move = await plant.queues.moves.start(Order(source, target, rate or 0))
    return {"TaskHandle": move.handle}


async def cancel_message_move_task(plant: Plant, call: Call) -> Shape:
    move = await plant.queues.moves.cancel(needed(call, "TaskHandle"))
    return {"ApproximateNumberOfMessagesMoved": move.moved}


async def list_message_move_tasks(plant: Plant, call: Call) -> Shape:
    source, most = needed(call, "SourceArn"), call.members.get("MaxResults")
    limit = 1 if most is None else int(most)
    if not 1 <= limit <= LISTED_MAX:
        reason = f"Must be between 1 and {LISTED_MAX}, if provided."
        raise faults.unfit("MaxResults", limit, reason)
    return {"Results": [_told(one) for one in await plant.queues.moves.of(source, limit)]}


def _told(move: Move) -> Shape:
    return {
        "TaskHandle": move.handle if move.phase is Phase.RUNNING else None,
        "Status": move.phase.value,
        "SourceArn": move.source,
        "DestinationArn": move.target or None,
        "MaxNumberOfMessagesPerSecond": move.rate or None,
        "ApproximateNumberOfMessagesMoved": move.moved,
        "ApproximateNumberOfMessagesToMove": move.expected,
        "FailureReason": move.failure or None,
        "StartedTimestamp": int(move.started * 1000),
    }
