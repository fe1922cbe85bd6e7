"""`cron.yaml` at the root of a bundle: the periodic tasks of a worker environment.

It says `version: 1` and, under `cron`, a list of tasks: `name`, `url`, `schedule`. A bundle is
hostile, so everything is bounded, and names and paths must be such that they can be headers of a
request. Faults name file and line, and all of them are found at once.

What AWS's daemon makes of a schedule is not documented. Here it has the five fields of Debian's
cron, in UTC, as `cronsim` reads them, or is one of cron's names for such (`@daily`). What cronsim
takes beyond that (seconds, `L`, `LW`, `5L`, `1#2`) is refused: nothing says that AWS knows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from jackbean.core.errors import invalid
from jackbean.core.tasks import Task
from jackbean.sources.reading import Findings, Reader, kind, printable
from jackbean.sources.tree import Tree, document

FILE = "cron.yaml"
BYTES_MAX = 64 << 10
TASKS_MAX = 100
SCHEDULE_CHARS_MAX = 256
NAME = r"[!-~](?:[ -~]{0,98}[!-~])?"
PATH = r"/[!-~]{0,1023}"
FIELDS = r"[0-9A-Za-z*,/-]+(?: [0-9A-Za-z*,/-]+){4}"
NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
LAST = re.compile(r"(^|[, /])(LW?|[0-7]L)($|[, /])")
SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)  # leap years are among those that follow
QUOTES = 'a value that begins with * must be in quotes: schedule: "* * * * *"'


def read_cron(content: bytes) -> tuple[Task, ...]:
    """Return the tasks of a `cron.yaml`. Raises a Fault that names every fault and its line."""
    if len(content) > BYTES_MAX:
        raise invalid(f"{FILE} has {len(content)} bytes; at most {BYTES_MAX} are read.")
    findings, tree = Findings(), Tree()
    root = document(FILE, content, tree, _hint)
    findings.faults.extend(f"{FILE}: {text}" for text in tree.faults)
    tasks = _tasks(Reader(FILE, root, findings, tree.lines), tree)
    if findings.faults:
        raise invalid("\n".join(f"{fault}." for fault in findings.faults))
    return tasks


def _hint(reason: str) -> str:
    return f" ({QUOTES})" if "alias" in reason else ""


def _tasks(root: Reader, tree: Tree) -> tuple[Task, ...]:
    if not isinstance(root.value, dict):
        root.fault("'version: 1' and a list of tasks as 'cron' are expected")
        return ()
    found = root.attributes(("version", "cron"))
    if "version" not in found:
        root.fault("'version: 1' is missing")
    elif found["version"].value != "1":
        found["version"].fault("the version must be 1")
    if "cron" not in found:
        root.fault("'cron', a list of tasks, is missing")
        return ()
    _refuse_repeats(tree, root)
    return tuple(_unique(found["cron"]))


def _refuse_repeats(tree: Tree, root: Reader) -> None:
    """Call a key that stands there twice a fault: it would hide a task, or half of one."""
    for text in tree.repeated:
        root.findings.faults.append(f"{FILE}: {text.partition(';')[0]}")


def _unique(cron: Reader) -> Iterator[Task]:
    items = cron.value
    if items in (None, ""):
        return
    if not isinstance(items, list):
        cron.fault(f"a list of tasks is expected, not {kind(items)}")
        return
    if len(items) > TASKS_MAX:
        cron.fault(f"there are {len(items)} tasks; at most {TASKS_MAX}")
        return
    names: dict[str, int] = {}
    for number, item in enumerate(items):
        at = cron.inner(number, item)
        task = _task(at)
        if task.name and task.name in names:
            first = cron.lines.get((*cron.path, names[task.name]), 0)
            at.fault(f"the name {printable(task.name)!r} is that of the task in line {first}, too")
        names.setdefault(task.name, number)
        yield task


def _task(at: Reader) -> Task:
    found = dict(at.items("a task with name, url and schedule"))
    said = {}
    for name, read in READERS.items():
        if name not in found:
            at.fault(f"'{name}' is missing")
        said[name] = read(found[name]) if name in found else ""
    return Task(**said)


def _name(at: Reader) -> str:
    return at.matching(NAME, "a name of 1 to 100 printable ASCII characters")


def _url(at: Reader) -> str:
    return at.matching(PATH, "a path of at most 1024 printable ASCII characters, with / in front")


def _schedule(at: Reader) -> str:
    found = " ".join(at.text()[: SCHEDULE_CHARS_MAX + 1].split())
    said = NAMED.get(found.lower(), found)
    fault = _wrong(said)
    if fault:
        at.fault(f"{printable(found)!r} is no schedule: {fault}")
    return said


def _wrong(schedule: str) -> str:
    """Return what is wrong with a schedule, "" if nothing is."""
    if len(schedule) > SCHEDULE_CHARS_MAX:
        return f"it has more than {SCHEDULE_CHARS_MAX} characters"
    if not re.fullmatch(FIELDS, schedule) or LAST.search(schedule.upper()):
        return "minute, hour, day of month, month and day of week are expected, of * , - / only"
    try:
        next(CronSim(schedule, SOME_DAY))
    except CronSimError as error:
        return str(error).replace("Bad ", "there is no such ")
    except StopIteration:
        return "it is never due"
    return ""


READERS = {"name": _name, "url": _url, "schedule": _schedule}
