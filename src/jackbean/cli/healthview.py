"""Health as a table: columns are data, a view is a choice of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jackbean.cli.lines import Line, local

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]

COLOURS = {"Ok": "green", "Info": "green", "Warning": "yellow", "Degraded": "red", "Severe": "red"}
USUAL_S = 10.0  # what counts of requests are of, where no duration is said


def environment_lines(health: Row) -> Iterator[Line]:
    """Yield what is true of the whole environment."""
    counts = health.get("InstancesHealth", {})
    states = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    status = str(health.get("HealthStatus", "Unknown"))
    head = (health["EnvironmentName"], status, health.get("Status", ""), states)
    yield "  ".join(filter(None, head)), COLOURS.get(status, "")
    for cause in health.get("Causes", ()):
        yield f"  {cause}"
    yield f"  {_rate(health)} requests/s, P90 {_latency('P90')(health) or '-'}"


def table(rows: Sequence[Row], columns: Sequence[Column]) -> Iterator[Line]:
    """Yield a line for each instance, coloured by its status, and its causes below it."""
    cells = [[title for title, _ in columns], *([get(row) for _, get in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    yield padded(cells[0], widths), "bold"
    for row, texts in zip(rows, cells[1:], strict=True):
        yield padded(texts, widths), COLOURS.get(str(row.get("HealthStatus")), "")
        for cause in row.get("Causes", ()):
            yield f"    {cause}"


def padded(texts: Sequence[str], widths: Sequence[int]) -> str:
    """Return a row of a table."""
    return "  ".join(t.ljust(w) for t, w in zip(texts, widths, strict=True)).rstrip()


def _text(*path: str) -> Callable[[Row], str]:
    def get(row: Row) -> str:
        value: Any = row
        for name in path:
            value = value.get(name, {}) if isinstance(value, Mapping) else {}
        return "" if value == {} else str(value)

    return get


def _launched(row: Row) -> str:
    launched = row.get("LaunchedAt")
    return local(launched).strftime("%Y-%m-%d %H:%M:%S") if launched else ""


def _rate(row: Row) -> str:
    metrics = row.get("ApplicationMetrics", {})
    seconds = float(metrics.get("Duration") or USUAL_S)
    return f"{float(metrics.get('RequestCount') or 0) / seconds:.1f}"


def _latency(rank: str) -> Callable[[Row], str]:
    def get(row: Row) -> str:
        value = row.get("ApplicationMetrics", {}).get("Latency", {}).get(rank)
        return "" if value is None else f"{float(value):.3f}"

    return get


def _codes(family: int) -> Column:
    return f"{family}xx", _text("ApplicationMetrics", "StatusCodes", f"Status{family}xx")


def _load(index: int) -> Callable[[Row], str]:
    def get(row: Row) -> str:
        loads = row.get("System", {}).get("LoadAverage", ())
        return f"{float(loads[index]):.2f}" if len(loads) > index else ""

    return get


def _cpu(name: str) -> Callable[[Row], str]:
    def get(row: Row) -> str:
        value = row.get("System", {}).get("CPUUtilization", {}).get(name)
        return "" if value is None else f"{float(value):.1f}"

    return get


NAME: Column = ("instance", _text("InstanceId"))
STATUS: Column = ("status", _text("HealthStatus"))
VERSION: Column = ("version", _text("Deployment", "VersionLabel"))
REQUESTS: tuple[Column, ...] = (("r/s", _rate), *map(_codes, (2, 3, 4, 5)))

VIEWS: Mapping[str, tuple[Column, ...]] = {
    "split": (
        NAME,
        STATUS,
        VERSION,
        *REQUESTS,
        ("P90", _latency("P90")),
        ("load1", _load(0)),
        ("user%", _cpu("User")),
    ),
    "status": (
        NAME,
        STATUS,
        VERSION,
        ("deployment", _text("Deployment", "DeploymentId")),
        ("launched", _launched),
        ("type", _text("InstanceType")),
        ("zone", _text("AvailabilityZone")),
    ),
    "request": (
        NAME,
        STATUS,
        *REQUESTS,
        *((rank, _latency(rank)) for rank in ("P99", "P90", "P75", "P50", "P10")),
    ),
    "cpu": (
        NAME,
        STATUS,
        ("load1", _load(0)),
        ("load5", _load(1)),
        ("user%", _cpu("User")),
        ("system%", _cpu("System")),
        ("idle%", _cpu("Idle")),
        ("iowait%", _cpu("IOWait")),
    ),
}
