"""`cron.yaml`: the tasks in it, and what is told of one that is wrong."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.errors import Fault
from jackbean.core.tasks import Task
from jackbean.sources.cron import BYTES_MAX, TASKS_MAX, read_cron

GOOD = """\
version: 1
cron:
  - name: "nightly clean-up"
    url: "/tasks/clean"
    schedule: "30 2 * * *"
    description: what nobody reads
  - {name: heartbeat, url: /beat, schedule: '*/5  *  *  *  mon-fri'}
"""


def told(text: str | bytes) -> list[str]:
    with pytest.raises(Fault) as refused:
        read_cron(text.encode() if isinstance(text, str) else text)
    return refused.value.message.splitlines()


def one(**said: str) -> str:
    task = {"name": "t", "url": "/", "schedule": "* * * * *", **said}
    return f"version: 1\ncron:\n  - {json.dumps(task)}"


def test_tasks_are_read_in_their_order() -> None:
    assert read_cron(GOOD.encode()) == (
        Task("nightly clean-up", "/tasks/clean", "30 2 * * *"),
        Task("heartbeat", "/beat", "*/5 * * * mon-fri"),
    )


@pytest.mark.parametrize(
    "text", ["version: 1\ncron: []", "version: 1\ncron:", "version: '1'\ncron:"]
)
def test_there_may_be_no_tasks(text: str) -> None:
    assert read_cron(text.encode()) == ()


def test_every_fault_is_told_with_its_line() -> None:
    text = """\
cron:
  - name: a
    url: beat
    schedule: "61 * * * *"
  - name: a
    schedule: "* * * *"
  - nothing
"""
    assert told(text) == [
        "cron.yaml: line 1: 'version: 1' is missing.",
        "cron.yaml: line 3: cron: 0: url: 'beat' is not a path of at most 1024 printable ASCII "
        "characters, with / in front.",
        "cron.yaml: line 4: cron: 0: schedule: '61 * * * *' is no schedule: there is no such "
        "minute.",
        "cron.yaml: line 5: cron: 1: 'url' is missing.",
        "cron.yaml: line 6: cron: 1: schedule: '* * * *' is no schedule: minute, hour, day of "
        "month, month and day of week are expected, of * , - / only.",
        "cron.yaml: line 5: cron: 1: the name 'a' is that of the task in line 2, too.",
        "cron.yaml: line 7: cron: 2: a task with name, url and schedule is expected here, not "
        "'nothing'.",
        "cron.yaml: line 7: cron: 2: 'name' is missing.",
        "cron.yaml: line 7: cron: 2: 'url' is missing.",
        "cron.yaml: line 7: cron: 2: 'schedule' is missing.",
    ]


BAD = {
    "empty": ("", "are expected"),
    "a list": ("- a", "are expected"),
    "another version": ("version: 2\ncron: []", "line 1: version: the version must be 1"),
    "no tasks": ("version: 1", "'cron', a list of tasks, is missing"),
    "a mapping of tasks": ("version: 1\ncron: {a: b}", "a list of tasks is expected"),
    "not UTF-8": (b"version: 1\xff", "not UTF-8"),
    "no YAML": ("version: [1", "not YAML"),
    "stars without quotes": (
        "version: 1\ncron:\n - {name: a, url: /, schedule: * * * * *}",
        "must be in quotes",
    ),
    "nested deeply": ("[" * 5000, "nested too deeply"),
    "a program's object": ("version: 1\ncron: !!python/object:os.system x", "is not known here"),
    "a key twice": ("version: 1\ncron: []\ncron: []", "line 3: cron is there twice"),
    "too large": ("#" * (BYTES_MAX + 1), "at most 65536 are read"),
    "laughs": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]" for a, b in pairwise("abcdef")),
        "aliases written out",
    ),
    "too many": (
        "version: 1\ncron:\n"
        + "\n".join(
            f" - {{name: t{n}, url: /, schedule: '* * * * *'}}" for n in range(TASKS_MAX + 1)
        ),
        "there are 101 tasks; at most 100",
    ),
}


@pytest.mark.parametrize(("text", "fault"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_told(text: str | bytes, fault: str) -> None:
    assert any(fault in line for line in told(text)), told(text)


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a\\nX-Header: b", "t\u00e4glich", "a" * 101, "a\\0", "\\ud800"]
)
def test_a_name_can_be_a_header(name: str) -> None:
    text = f'version: 1\ncron:\n  - {{name: "{name}", url: /, schedule: "* * * * *"}}'
    assert "cron.yaml" in told(text)[0]


@pytest.mark.parametrize(
    "url", ["", "task", "http://elsewhere/", "/a b", "/a\nb", "/\u00e4", "/" * 1025]
)
def test_a_path_can_be_asked_for(url: str) -> None:
    assert "url" in told(one(url=url))[0]


SCHEDULES = {
    "* * * * *": "",
    "0,30 8-18/2 1 JAN,jul 0-7": "",
    "5/15 * * * *": "",
    "0 0 29 2 *": "",
    "@hourly": "0 * * * *",
    "@Daily": "0 0 * * *",
    "0 9 * * sun": "",
}


@pytest.mark.parametrize(("said", "kept"), SCHEDULES.items())
def test_schedules(said: str, kept: str) -> None:
    assert read_cron(one(schedule=said).encode())[0].schedule == (kept or said)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "*",
        "0 * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "0 0 30 2 *",
        "0 0 L * *",
        "0 0 LW * *",
        "0 0 * * 5L",
        "0 0 * * 1#2",
        "0 0 ? * *",
        "@reboot",
        "rate(5 minutes)",
        "cron(0 12 * * ? *)",
        "\u0661 * * * *",
        "1" * 300,
        "1,-3 * * * *",
        "-1 * * * *",
    ],
)
def test_what_is_no_schedule(schedule: str) -> None:
    assert "schedule" in told(one(schedule=schedule))[0]


@given(st.text(alphabet="0123456789*,-/LWMONJA @#?", max_size=30))
def test_any_schedule_is_read_or_refused(schedule: str) -> None:
    try:
        (task,) = read_cron(one(schedule=schedule).encode())
    except Fault:
        return
    assert re.fullmatch(r"\S+( \S+){4}", task.schedule)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_refused(content: bytes) -> None:
    with suppress(Fault):
        read_cron(content)
