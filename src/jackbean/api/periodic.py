"""Periodic tasks, for the extension service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.plant import Call, Plant, moment
from jackbean.api.workers import count, names, worker
from jackbean.core.errors import invalid
from jackbean.ports.firings import History
from jackbean.services.periodic import Described, Line

LINES = 100
SECONDS_MAX = 2**40

Shape = dict[str, Any]


async def describe_periodic_tasks(plant: Plant, call: Call) -> Shape:
    """Return the tasks of an environment, when each is due next, and how it ended last."""
    environment = await worker(plant, call)
    tasks = await plant.periodic.tasks(environment)
    return {"EnvironmentName": environment.name, "Tasks": [_task(one) for one in tasks]}


async def describe_periodic_runs(plant: Plant, call: Call) -> Shape:
    """Return lines of the ledger, the newest first: of `TaskName` or all, due before `Before`."""
    environment = await worker(plant, call)
    limit = count(call, "MaxRecords", LINES)
    wanted = History(environment.id, call.text("TaskName"), _before_ms(call), limit)
    lines = await plant.periodic.history(wanted)
    return {"EnvironmentName": environment.name, "Runs": [_line(one) for one in lines]}


async def run_periodic_task(plant: Plant, call: Call) -> Shape:
    """Send the message of a task now, whether it is due or not."""
    environment = await worker(plant, call)
    line = await plant.periodic.run(environment, call.text("TaskName"))
    return {"EnvironmentName": environment.name, "Run": _line(line)}


async def suspend_periodic_tasks(plant: Plant, call: Call) -> Shape:
    """Skip tasks from now on; without `TaskNames` all of them."""
    environment = await worker(plant, call)
    chosen = await plant.periodic.suspend(environment, names(call, "TaskNames"))
    return {"EnvironmentName": environment.name, "TaskNames": chosen}


async def resume_periodic_tasks(plant: Plant, call: Call) -> Shape:
    """Send tasks again from now on; without `TaskNames` all that are suspended."""
    environment = await worker(plant, call)
    chosen = await plant.periodic.resume(environment, names(call, "TaskNames"))
    return {"EnvironmentName": environment.name, "TaskNames": chosen}


def _before_ms(call: Call) -> int | None:
    before = call.members.get("Before")
    if before is None:
        return None
    if type(before) not in {int, float} or not 0 <= before <= SECONDS_MAX:
        raise invalid("Before must be an instant in seconds since the epoch.")
    return int(before * 1000)


def _task(one: Described) -> Shape:
    return {
        "Name": one.task.name,
        "Path": one.task.url,
        "Schedule": one.task.schedule,
        "Suspended": one.suspended,
        "Due": None if one.due_s is None else moment(one.due_s).isoformat(),
        "Last": _line(one.last) if one.last else None,
    }


def _line(line: Line) -> Shape:
    firing, last = line.firing, line.last
    return {
        "Task": firing.task.name,
        "Path": firing.task.url,
        "Due": moment(firing.at_ms / 1000).isoformat(),
        "LastDue": moment(firing.last_ms / 1000).isoformat(),
        "Count": firing.count,
        "Release": firing.release,
        "State": firing.state.value,
        "Reason": firing.reason or None,
        "MessageId": firing.message or None,
        "Attempts": max(firing.receives, last.receives if last else 0),
        "Status": last.status or None if last else None,
        "Error": last.error or None if last else None,
        "Seconds": last.ms / 1000 if last else None,
        "Instance": last.instance if last else None,
    }


PERIODIC: Mapping[str, Any] = {
    "DescribePeriodicRuns": describe_periodic_runs,
    "DescribePeriodicTasks": describe_periodic_tasks,
    "ResumePeriodicTasks": resume_periodic_tasks,
    "RunPeriodicTask": run_periodic_task,
    "SuspendPeriodicTasks": suspend_periodic_tasks,
}
