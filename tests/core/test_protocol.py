"""What agents and the control plane say to each other, by either of whom it may be a lie."""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.core import protocol
from jackbean.core.protocol import (
    AgentConfig,
    Attempt,
    Attempts,
    DependencyRequest,
    Manifest,
    Notice,
    Order,
    Report,
    RuntimeRequest,
    Worker,
    from_json,
    to_json,
)

MANIFEST = Manifest(2, "v2", "web", "e-1", "app", "r", "a", "python", "3.11", "d" * 64, {"A": "b"})
SHAPES = [
    AgentConfig("i-1", "token", "/socket", "10.0.0.1", 80, tools={"uv": "/uv"}),
    MANIFEST,
    Order(3, "stage", leader=True, manifest=to_json(MANIFEST), logs={"r": "tail"}),
    Report("i-1", 3, "done", 2, 2, {"step": "s"}, "up", ["c"], {"2xx": 9}, [0.1], 10.0),
    DependencyRequest("pip", "3.11", {"requirements.txt": "flask"}),
    RuntimeRequest("nodejs", "24"),
    Notice(3, "WARN", "It listens elsewhere."),
    Attempt("handle", "m-1", 1.5, 0.25, 500, task="nightly"),
    Attempts([to_json(Attempt("handle", "m-1", 1.5, 299.0, error="timed out"))]),
    Worker("http://q/1/jobs", "jobs", "/work", http_connections=10),
    replace(MANIFEST, worker=to_json(Worker("http://q/1/jobs", "jobs"))),
    Report("i-1", polling=False, in_flight=3, polled_s=0.5),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: type(s).__name__)
def test_there_and_back(shape: Any) -> None:
    assert from_json(type(shape), json.loads(json.dumps(to_json(shape)))) == shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: type(s).__name__)
def test_members_of_a_later_version_are_left_out(shape: Any) -> None:
    assert from_json(type(shape), {**to_json(shape), "later": 1}) == shape


BAD_REPORTS = {
    "no object": [],
    "nothing": None,
    "no instance": {},
    "instance": {"instance": 1},
    "serial": {"instance": "i", "serial": "1"},
    "serial as truth": {"instance": "i", "serial": True},
    "serial with a fraction": {"instance": "i", "serial": 1.5},
    "a serial beyond counting": {"instance": "i", "serial": 10**400},
    "running": {"instance": "i", "running": "1"},
    "failure": {"instance": "i", "failure": {"step": 1}},
    "causes": {"instance": "i", "causes": "all"},
    "requests": {"instance": "i", "requests": {"2xx": "many"}},
    "latencies": {"instance": "i", "latencies_s": [0.1, None]},
    "no number": {"instance": "i", "latencies_s": [float("nan")]},
    "without end": {"instance": "i", "duration_s": float("inf")},
    "beyond floats": {"instance": "i", "duration_s": 10**400},
    "time as truth": {"instance": "i", "started_at": False},
}


@pytest.mark.parametrize("data", BAD_REPORTS.values(), ids=BAD_REPORTS.keys())
def test_bad_reports(data: Any) -> None:
    with pytest.raises(ValueError, match="Report"):
        from_json(Report, data)


def test_whole_numbers_are_numbers() -> None:
    assert from_json(Report, {"instance": "i", "duration_s": 10}).duration_s == 10


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["instance", "serial", "running", "failure", "latencies_s", "requests"]), JSON
)


@given(MEMBERS)
@settings(max_examples=60)
def test_anything_is_a_report_or_a_value_error(data: Any) -> None:
    try:
        report = from_json(Report, data)
    except ValueError:
        return
    assert isinstance(report.instance, str)
    assert all(abs(latency) >= 0 for latency in report.latencies_s)


def test_it_is_shipped_with_the_agent_so_it_needs_the_standard_library_only() -> None:
    source = Path(str(protocol.__file__)).read_text()
    roots = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            roots |= {name.name.split(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").split(".")[0])
    assert roots <= set(sys.stdlib_module_names)
