"""Agents and control planes come and go; what runs goes on running."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import HELLO, Instance, bundle, hello, wait_until
from tests.load import frames
from tests.load.site import site

from jackbean.agent.children import wait_for_groups
from jackbean.core.protocol import Order


def sessions(instance: Instance) -> list[int]:
    """Return the processes of the instance that are not its agent."""
    found = instance.path("/var/lib/jackbean/children.json")
    return [int(pid) for pid in json.loads(found.read_text())]


def alive(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_agent_takes_up_what_was_there(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 4)
    left = sessions(instance)
    instance.kill()
    assert all(map(alive, left))  # nothing holds the instance together in plain mode
    seen = len(plane.reports)
    instance.start()
    report = plane.wait(lambda r: r.application == "up", since=seen)
    assert (report.serial, report.state, report.running) == (4, "done", 1)
    assert instance.get() == (200, "one")
    assert wait_for_groups(left, 5)
    assert instance.log().count("Executing instruction: FlipApplication") == 1


def test_a_restarted_agent_needs_no_control_plane(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    plane.stop()
    assert instance.get() == (200, "one")
    instance.kill()
    instance.start()
    wait_until(lambda: instance.get() == (200, "one"), "the application is back")
    seen = len(plane.reports)
    plane.start()
    assert plane.wait(lambda r: True, since=seen).running == 1
    second = plane.work("activate", instance.manifest(2, hello("two")), 2)
    assert second.state == "done"
    assert instance.get() == (200, "two")


def test_a_control_plane_that_returns_finds_what_was_done(
    instance: Instance, plane: ControlPlane
) -> None:
    go = instance.root / "go"
    hook = f"#!/bin/sh\ntouch {instance.root}/begun\nuntil [ -e {go} ]; do sleep 0.01; done\n"
    data = bundle({"application.py": HELLO.format(text="x"), ".platform/hooks/prebuild/w": hook})
    plane.give("activate", instance.manifest(1, data), 1)
    wait_until((instance.root / "begun").exists, "the hook runs")
    plane.stop()
    go.touch()
    wait_until(
        lambda: (
            "is not there, trying again" in instance.log()
            or "Executing instruction: InstallDependency" in instance.log()
        ),
        "it goes on to its dependencies",
    )
    plane.start()
    report = plane.wait(lambda r: r.serial == 1 and r.state == "done")
    assert report.running == 1
    assert instance.get() == (200, "x")


def test_an_agent_killed_at_work_begins_it_again(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    runs, go = instance.root / "runs", instance.root / "go"
    hook = f"#!/bin/sh\necho run >> {runs}\nuntil [ -e {go} ]; do sleep 0.01; done\n"
    data = bundle({"application.py": HELLO.format(text="two"), ".platform/hooks/prebuild/w": hook})
    plane.give("activate", instance.manifest(2, data), 2)
    wait_until(runs.exists, "the hook runs")
    instance.kill()
    go.touch()
    seen = len(plane.reports)
    instance.start()
    report = plane.wait(lambda r: r.serial == 2 and r.state == "done", since=seen)
    assert report.running == 2
    assert runs.read_text() == "run\nrun\n"
    assert instance.get() == (200, "two")


def test_an_agent_killed_in_the_flip_tells_which_release_is_there(
    instance: Instance, plane: ControlPlane
) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    plane.work("stage", instance.manifest(2, hello("two")), 2)
    instance.kill()
    ledger = instance.path("/var/lib/jackbean/ledger.json")
    record = json.loads(ledger.read_text())
    ledger.write_text(json.dumps({**record, "flipping": True}))
    current, staging = instance.path("/var/app/current"), instance.path("/var/app/staging")
    current.rename(instance.path("/var/app/.discarded/1"))  # killed between the two renames
    seen = len(plane.reports)
    instance.start()
    report = plane.wait(lambda r: r.application == "up", since=seen)
    assert (report.running, report.staged) == (2, None)
    assert current.exists()
    assert not staging.exists()
    assert instance.get() == (200, "two")


def test_lower_serials_are_refused(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 7)
    plane.give("activate", instance.manifest(2, hello("two")), 6)
    wait_until(lambda: "Refused order 6: 7 was given before" in instance.log(), "refusal")
    instance.kill()
    instance.start()
    wait_until(lambda: instance.log().count("Refused order 6") > 1, "refusal after a restart")
    wait_until(lambda: instance.get() == (200, "one"), "the application is back")


def test_the_same_order_is_carried_out_once(instance: Instance, plane: ControlPlane) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    plane.ask_logs("any", "tail")  # the order comes again, with this in it
    wait_until(lambda: plane.logs, "the logs")
    plane.ask_logs("more", "tail")
    wait_until(lambda: len(plane.logs) == 2, "the logs")
    assert plane.wait(lambda r: r.state == "done").running == 1
    assert not [r for r in plane.reports[-2:] if r.state != "done"]
    assert instance.log().count("Executing instruction: FlipApplication") == 1


def test_a_newer_order_ends_the_one_at_hand(instance: Instance, plane: ControlPlane) -> None:
    begun = instance.root / "begun"
    hook = f"#!/bin/sh\necho $$ > {begun}\nexec sleep 60\n"
    data = bundle({"application.py": HELLO.format(text="x"), ".platform/hooks/prebuild/w": hook})
    plane.give("stage", instance.manifest(1, data), 1)
    wait_until(lambda: begun.exists() and begun.read_text(), "the hook runs")
    report = plane.work("activate", instance.manifest(2, hello("two")), 2)
    assert report.state == "done"
    assert instance.get() == (200, "two")
    assert not Path(f"/proc/{begun.read_text().strip()}").exists()
    assert not [r for r in plane.reports if r.serial == 1 and r.state != "working"]


def test_an_instance_that_is_not_known_any_more_ends(
    instance: Instance, plane: ControlPlane
) -> None:
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    left = sessions(instance)
    assert len(left) == 2
    plane.token = "another"
    plane.order(Order(serial=1, logs={"x": "tail"}))  # any answer will do
    assert instance.process
    assert instance.process.wait(20) == 0
    assert wait_for_groups(left, 5)
    assert instance.get() == (0, "")


def test_a_signal_ends_everything_after_the_last_requests(
    instance: Instance, plane: ControlPlane
) -> None:
    begun = instance.root / "begun"
    app = (
        "import pathlib, time\n"
        "def application(e, s):\n"
        f"    pathlib.Path({str(begun)!r}).touch()\n    time.sleep(0.5)\n"
        "    s('200 OK', [])\n    return [b'late']\n"
    )
    plane.work("activate", instance.manifest(1, bundle({"application.py": app})), 1)
    left = sessions(instance)
    import threading

    answers: list[tuple[int, str]] = []
    asking = threading.Thread(target=lambda: answers.append(instance.get()))
    asking.start()
    wait_until(begun.exists, "the request has come")
    assert instance.stop() == 0
    asking.join()
    assert answers == [(200, "late")]
    assert wait_for_groups(left, 5)


def test_a_signal_lets_the_application_close_its_websockets(
    instance: Instance, plane: ControlPlane
) -> None:
    """The proxy is still there to pass on that a client should come again elsewhere."""
    plane.work("activate", instance.manifest(1, bundle(site("one"))), 1)
    with socket.create_connection(("127.0.0.1", instance.port), timeout=20) as client:
        client.sendall(f"GET /socket HTTP/1.1\r\nHost: x\r\n{frames.UPGRADE}\r\n".encode())
        reader = client.makefile("rb")
        while reader.readline().strip():
            pass
        assert instance.process
        instance.process.terminate()
        heard = []
        while not heard or heard[-1][0] == frames.TEXT:
            client.sendall(frames.masked(frames.TEXT, b"still there?"))
            first, length = reader.read(2)
            heard.append((first & 0xF, reader.read(length)))
        assert heard[-1] == (frames.CLOSE, b"\x03\xe9")
        client.sendall(frames.masked(frames.CLOSE, b""))
    assert instance.process.wait(20) == 0


def test_an_interrupt_is_as_good(instance: Instance, plane: ControlPlane) -> None:
    plane.wait(lambda r: True)
    assert instance.process
    instance.process.send_signal(signal.SIGINT)
    assert instance.process.wait(20) == 0
