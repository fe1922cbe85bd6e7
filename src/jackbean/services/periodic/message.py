"""What a due task is on the wire: the message that AWS's daemon sends, to the byte."""

from __future__ import annotations

from datetime import UTC, datetime

from jackbean.core.tasks import Task
from jackbean.services.queues.digests import Attribute
from jackbean.services.queues.messages import Entry

BODY = "elasticbeanstalk scheduled job"
NAME = "beanstalk.sqsd.task_name"
PATH = "beanstalk.sqsd.path"
TIME = "beanstalk.sqsd.scheduled_time"


def message(task: Task, due_s: float) -> Entry:
    """Return the message that says that a task was due then."""
    due = datetime.fromtimestamp(due_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    said = {NAME: task.name, PATH: task.url, TIME: due}
    return Entry(BODY, attributes={name: Attribute("String", v) for name, v in said.items()})
