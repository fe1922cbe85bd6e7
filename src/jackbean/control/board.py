"""The newest report of every instance, and the agents that wait for news.

In memory only: after a start everybody is silent until they have spoken, and speak they do, since
every agent keeps a request open here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from jackbean.control.processed import Processed
from jackbean.core.protocol import HOLD_S, Attempt, Order, Report
from jackbean.core.traffic import Count
from jackbean.ports.clock import Clock

Orders = Callable[[str], Awaitable[Order]]


class Board:
    """ports.Reports, and the meeting point with agents."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest: dict[str, tuple[Report, float]] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._processed = Processed(f"{clock.now()}")

    def latest(self, instance: str) -> tuple[Report, float] | None:
        return self._latest.get(instance)

    def nudge(self, instance: str) -> None:
        if waiting := self._waiting.get(instance):
            waiting.set()

    def forget(self, instance: str) -> None:
        self._latest.pop(instance, None)
        self.nudge(instance)

    def take(self, environment_id: str, instance: str, attempts: Sequence[Attempt]) -> None:
        """Count what came of messages, for the release that the instance says it runs."""
        heard = self._latest.get(instance)
        if heard is not None and heard[0].running is not None:
            self._processed.add(environment_id, heard[0].running, attempts)

    def processed(self, environment_id: str, deployed: int) -> tuple[Count, ...]:
        return self._processed.counts(environment_id, deployed)

    def put(self, report: Report) -> bool:
        """Keep a report. Returns whether it tells anything that a decision could turn on."""
        before = self._latest.get(report.instance)
        self._latest[report.instance] = (report, self._clock.now())
        return before is None or _gist(before[0]) != _gist(report)

    async def order(self, report: Report, orders: Orders) -> Order:
        """Return what the instance is to do: at once if that is news to it, else when it is."""
        event = self._wait(report.instance)
        try:
            async with asyncio.timeout(HOLD_S):
                while True:
                    order = await orders(report.instance)
                    superseded = self._waiting.get(report.instance) is not event
                    if superseded or order.logs or _is_news(order, report):
                        return order
                    await event.wait()
                    event.clear()
        except TimeoutError:
            return await orders(report.instance)
        finally:
            if self._waiting.get(report.instance) is event:
                del self._waiting[report.instance]

    def _wait(self, instance: str) -> asyncio.Event:
        """Take the place of a request of the same instance that waits already."""
        self.nudge(instance)
        event = self._waiting[instance] = asyncio.Event()
        return event


def _is_news(order: Order, report: Report) -> bool:
    return (
        order.serial > report.serial
        or order.polling != report.polling
        or set(order.follow) != set(report.following)
    )


def _gist(report: Report) -> tuple[object, ...]:
    return (
        report.serial,
        report.state,
        report.running,
        report.staged,
        report.application,
        tuple(report.causes),
        report.polling,
        report.drained,
    )
