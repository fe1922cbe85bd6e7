"""The small parts of the server: time, names, samples, ports that are taken."""

from __future__ import annotations

import asyncio
import io
import re
import socket
import uuid
import zipfile
from pathlib import Path

import pytest

from jackbean.server import clock as clock_module
from jackbean.server.clock import RandomIds, SystemClock
from jackbean.server.home import Home, HomeError, Serving, started
from jackbean.server.options import ServeOptions
from jackbean.server.proxy import refuse_taken_port
from jackbean.server.samples import FOLDERS, keep_samples, sample_bundle
from jackbean.server.serve import _reserved, refuse_second
from jackbean.simulator.blobs import MemoryBlobs


def test_time_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.0, 200.0, 50.0, 150.0, 250.0])
    monkeypatch.setattr(clock_module.time, "time", lambda: next(times))
    clock = SystemClock()
    assert [clock.now() for _ in range(5)] == [100.0, 200.0, 200.0, 200.0, 250.0]


def test_names_have_the_shapes_that_clients_know() -> None:
    ids = RandomIds()
    assert re.fullmatch(r"e-[a-z0-9]{10}", ids.environment())
    assert re.fullmatch(r"i-[0-9a-f]{17}", ids.instance())
    assert str(uuid.UUID(ids.request()))
    assert re.fullmatch(r"[A-Z0-9]{12}", ids.suffix(12))
    assert len(ids.secret()) == 64
    assert len({ids.instance() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("folder", FOLDERS.values())
def test_a_sample_is_the_same_bytes_each_time(folder: str) -> None:
    made = sample_bundle(folder)
    assert made == sample_bundle(folder)
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        assert packed.testzip() is None
        assert any("/" not in name for name in packed.namelist())  # no folder around it all


def test_samples_are_kept_by_platform(tmp_path: Path) -> None:
    blobs = MemoryBlobs(tmp_path)
    kept = asyncio.run(keep_samples(blobs))
    assert kept.keys() == FOLDERS.keys()
    assert all(blobs.path(digest).read_bytes()[:2] == b"PK" for digest in kept.values())
    assert asyncio.run(keep_samples(blobs)) == kept


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(HomeError, match=f"127.0.0.1:{port} cannot be listened on"):
            _reserved("127.0.0.1", port)
        options = ServeOptions(tmp_path, http_port=port)
        with pytest.raises(HomeError, match="Choose another --http-port"):
            refuse_taken_port(options)
    refuse_taken_port(options)
    listener = _reserved("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):  # before it is said who serves there
        socket.create_connection(("127.0.0.1", port))
    listener.close()


def test_ipv6() -> None:
    if not socket.has_ipv6:
        return
    listener = _reserved("::1", 0)
    assert listener.family is socket.AF_INET6
    listener.close()


def test_one_server_at_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    home.make()
    refuse_second(home)
    home.announce(Serving(1, started(1), "127.0.0.1", 8700, 7080, "r"))
    with pytest.raises(HomeError, match=r"served already, by process 1 on http://127.0.0.1:8700"):
        refuse_second(home)
    home.announce(Serving(1, "another start", "127.0.0.1", 8700, 7080, "r"))
    refuse_second(home)
