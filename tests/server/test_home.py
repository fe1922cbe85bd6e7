"""The data directory: made once, whoever comes first, and for its owner's eyes only."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import stat
from pathlib import Path

import pytest

from jackbean.server.home import Home, HomeError, Serving, started, write_secret

REGION = "eu-central-1"
SERVING = Serving(os.getpid(), started(os.getpid()), "127.0.0.1", 8700, 7080, REGION)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "data")


def test_an_identity_is_made_once(home: Home) -> None:
    assert home.known() is None
    made = home.identity(REGION)
    assert home.identity(REGION) == home.known() == made
    assert made.region == REGION
    assert re.fullmatch(r"[1-9]\d{11}", made.account)
    assert re.fullmatch(r"JBAK[A-Z0-9]{16}", made.access_key)
    assert re.fullmatch(r"[A-Za-z0-9]{40}", made.secret_key)
    assert len(bytes.fromhex(made.secret)) == 32


def test_no_two_are_alike(tmp_path: Path) -> None:
    one, other = (Home(tmp_path / name).identity(REGION) for name in "ab")
    assert not {one.account, one.secret_key, one.secret} & {
        other.account,
        other.secret_key,
        other.secret,
    }


def make(directory: str, barrier: object, answers: object) -> None:
    barrier.wait()
    answers.put(Home(Path(directory)).identity(REGION))


def test_of_several_who_make_it_at_once_all_get_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(4), context.Queue()
    directory = str(tmp_path / "data")
    makers = [context.Process(target=make, args=(directory, barrier, answers)) for _ in range(4)]
    for maker in makers:
        maker.start()
    made = {answers.get(timeout=30) for _ in makers}
    for maker in makers:
        maker.join(30)
    assert made == {Home(Path(directory)).known()}
    assert sorted(p.name for p in Path(directory).iterdir()) == ["installation.json"]


def test_one_that_came_second_takes_what_is_there(home: Home) -> None:
    """Also when it looked before the first had made it."""
    first = home.identity(REGION)
    write_secret(home.directory / "installation.json", json.dumps({"region": "x"}), once=True)
    assert home.known() == first


def test_only_its_owner_reads_it(home: Home) -> None:
    mask = os.umask(0)
    try:
        home.identity(REGION)
        home.announce(SERVING)
    finally:
        os.umask(mask)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in home.directory.iterdir()}
    assert modes == {"installation.json": 0o600, "serving.json": 0o600}
    assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700


def test_a_directory_that_others_could_read_is_closed(home: Home) -> None:
    home.directory.mkdir(mode=0o755)
    home.make()
    assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700


def test_another_region_is_refused_with_a_way_out(home: Home) -> None:
    home.identity(REGION)
    with pytest.raises(HomeError) as caught:
        home.identity("us-east-1")
    assert f"{home.directory} belongs to region {REGION}, not us-east-1" in str(caught.value)
    assert f"--region {REGION}" in str(caught.value)
    assert "--data-dir" in str(caught.value)


@pytest.mark.parametrize("region", ["", "US", "us east", "us-east-1\n", "x" * 40])
def test_what_is_no_region_never_gets_into_the_directory(home: Home, region: str) -> None:
    with pytest.raises(HomeError, match="--region"):
        home.identity(region)
    assert home.known() is None
    assert home.identity(REGION)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"region": "x"}', '{"later": 1}', "\x00"])
def test_what_is_not_ours_is_said_and_left_alone(home: Home, text: str) -> None:
    home.make()
    path = home.directory / "installation.json"
    path.write_text(text)
    with pytest.raises(HomeError, match=r"installation\.json"):
        home.identity(REGION)
    assert path.read_text() == text


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_secret(path, "one")
    write_secret(path, "two")
    assert path.read_text() == "two"
    write_secret(path, "three", once=True)
    assert path.read_text() == "two"
    with pytest.raises(UnicodeEncodeError):
        write_secret(path, "\ud800")
    assert path.read_text() == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# Who serves


def test_who_serves_is_known_by_process_and_start(home: Home) -> None:
    home.make()
    assert home.serving() is None
    home.announce(SERVING)
    assert home.serving() == SERVING
    assert SERVING.alive
    later = Serving(os.getpid(), "1", "127.0.0.1", 8700, 7080, REGION)
    assert not later.alive  # another process with the same pid


def test_a_process_that_is_not_there_has_not_started() -> None:
    assert started(2**22 + 1) == ""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert started(child) == ""  # a zombie serves nobody
    os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8700"),
        ("0.0.0.0", "http://127.0.0.1:8700"),
        ("localhost", "http://127.0.0.1:8700"),
        ("::", "http://[::1]:8700"),
        ("::1", "http://[::1]:8700"),
        ("fe80::1", "http://[fe80::1]:8700"),
        ("192.0.2.1", "http://192.0.2.1:8700"),
    ],
)
def test_urls_need_no_names(host: str, url: str) -> None:
    assert Serving(1, "1", host, 8700, 7080, REGION).url == url
