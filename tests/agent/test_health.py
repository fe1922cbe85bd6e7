"""What nginx has served and what the machine does is counted as it is."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import Instance, bundle, wait_until

from jackbean.agent.children import Children
from jackbean.agent.health import LATENCIES_MAX, RequestLog, System

HOUR = "application.log.2030-01-01-10"


def line(status: int, latency: str = "0.003", path: str = "/") -> str:
    return f'1437609879.311"{path}"{status}"{latency}"{latency}"10.0.0.1\n'


def test_counts_requests_by_class_and_keeps_their_durations(tmp_path: Path) -> None:
    log = RequestLog(tmp_path)
    (tmp_path / HOUR).write_text(line(200) + line(204, "0.250") + line(302) + line(404) + line(500))
    served = log.read()
    assert served.requests == {"2xx": 2, "3xx": 1, "4xx": 1, "5xx": 1}
    assert sorted(served.latencies_s) == [0.003, 0.003, 0.003, 0.003, 0.25]
    log.take()
    assert log.read().requests == {}


def test_who_hung_up_says_nothing_of_the_application(tmp_path: Path) -> None:
    log = RequestLog(tmp_path)
    (tmp_path / HOUR).write_text(line(499, "5.000") * 9 + line(200) + line(400))
    served = log.read()
    assert served.requests == {"2xx": 1, "4xx": 1}
    assert len(served.latencies_s) == 2


def test_counts_what_was_not_reported_again(tmp_path: Path) -> None:
    log = RequestLog(tmp_path)
    (tmp_path / HOUR).write_text(line(200))
    assert log.read().requests["2xx"] == 1
    with (tmp_path / HOUR).open("a") as file:
        file.write(line(200))
    assert log.read().requests["2xx"] == 2  # the report before did not arrive


def test_passes_over_what_is_older_than_the_agent_and_half_a_line(tmp_path: Path) -> None:
    (tmp_path / HOUR).write_text(line(200) * 5)
    log = RequestLog(tmp_path)
    whole = line(201)
    with (tmp_path / HOUR).open("a") as file:
        file.write(whole + whole[:20])
    assert log.read().requests == {"2xx": 1}
    with (tmp_path / HOUR).open("a") as file:
        file.write(whole[20:])
    assert log.read().requests == {"2xx": 2}


def test_goes_on_with_the_next_hour_and_lets_old_ones_go(tmp_path: Path) -> None:
    log = RequestLog(tmp_path)
    for hour in range(10, 15):
        (tmp_path / f"application.log.2030-01-01-{hour}").write_text(line(200))
    assert log.read().requests == {"2xx": 5}
    assert sorted(path.name[-2:] for path in tmp_path.iterdir()) == ["13", "14"]


def test_a_path_cannot_pose_as_a_status(tmp_path: Path) -> None:
    log = RequestLog(tmp_path)
    text = line(200, path=r"/a\x22500\x220.1\x22") + "garbage\n" + '"""\n'
    (tmp_path / HOUR).write_text(text)
    assert log.read().requests == {"2xx": 1}


def test_keeps_a_bounded_share_of_durations(tmp_path: Path) -> None:
    log = RequestLog(tmp_path)
    (tmp_path / HOUR).write_text("".join(line(200, f"{n / 1000:.3f}") for n in range(5_000)))
    served = log.read()
    assert served.requests == {"2xx": 5_000}
    assert len(served.latencies_s) <= LATENCIES_MAX
    assert max(served.latencies_s) > 4.9
    assert min(served.latencies_s) < 0.1


def test_reads_the_machine(tmp_path: Path) -> None:
    system = System(Children(tmp_path / "children.json"))
    found = system.read()
    assert set(found["cpu"]) == {"user", "nice", "system", "idle", "iowait", "irq", "softirq"}
    assert all(0 <= share <= 100 for share in found["cpu"].values())
    assert len(found["load"]) == 3
    assert found["memory_bytes"] >= os.sysconf("SC_PAGE_SIZE")


def lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.iterdir())


def test_an_instance_reports_what_it_serves(instance: Instance, plane: ControlPlane) -> None:
    app = (
        "def application(e, s):\n"
        "    s('404 Not Found' if e['PATH_INFO'] == '/no' else '200 OK', [])\n    return [b'x']\n"
    )
    plane.work("activate", instance.manifest(1, bundle({"application.py": app})), 1)
    seen = len(plane.reports)
    for path in ("/", "/no", "/", "/no?x=1", "/"):
        instance.get(path)
    folder = instance.path("/var/log/nginx/healthd")
    wait_until(lambda: lines(folder) == 5, "nginx logs what it has answered")
    plane.ask_logs("any", "tail")  # whatever ends the waiting
    report = plane.wait(lambda r: sum(x.requests.get("4xx", 0) for x in plane.reports) == 2)
    told = [r for r in plane.reports[seen:] if r.requests]
    assert sum((Counter(r.requests) for r in told), Counter()) == {"2xx": 3, "4xx": 2}
    assert sum(len(r.latencies_s) for r in told) == 5
    assert all(0 < r.duration_s < 30 for r in told)
    assert report.started_at > 0
    assert report.system["memory_bytes"] > 10 << 20
