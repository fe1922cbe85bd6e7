"""Procfiles are read by their rule, and what is wrong is named."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.agent.processes import shell, shell_program
from jackbean.agent.procfile import Entry, Malformed, parse


def test_reads_names_and_commands_in_order() -> None:
    text = (
        "\ufeffweb: gunicorn --bind :$PORT app:app\r\n\n# more\nworker-1:  python  work.py a:b \n"
    )
    assert parse(text) == (
        Entry("web", "gunicorn --bind :$PORT app:app"),
        Entry("worker-1", "python  work.py a:b"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no process"),
        ("# web: x\n", "names no process"),
        ("web gunicorn", "line 1: `web gunicorn` is not of the form"),
        ("web: a\n\nwör: b", "line 3"),
        ("web:", "line 1"),
        ("web: a\nweb: b", "line 2: the name 'web' is taken"),
        ("web: a\0b", "line 1"),
        ("../x: a", "line 1"),
    ],
)
def test_names_the_line_that_is_wrong(text: str, said: str) -> None:
    with pytest.raises(Malformed, match=re.escape(said)):
        parse(text)


def test_bounds_the_number_of_processes() -> None:
    with pytest.raises(Malformed, match="at most 50"):
        parse("".join(f"p{n}: x\n" for n in range(51)))


@given(st.text(st.sampled_from("web:-_ #\t\r\n\0xé/."), max_size=60))
def test_whatever_is_read_fits_a_file_name_and_a_line(text: str) -> None:
    try:
        entries = parse(text)
    except Malformed:
        return
    for entry in entries:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", entry.name)
        assert entry.command == entry.command.strip() != ""
        assert "\n" not in entry.command


NAME = st.from_regex(r"[A-Za-z0-9_-]{1,10}", fullmatch=True)
COMMAND = st.from_regex(r"[!-~]([ -~]{0,30}[!-~])?", fullmatch=True)


@given(st.dictionaries(NAME, COMMAND, min_size=1, max_size=8))
def test_reads_back_what_was_written(entries: dict[str, str]) -> None:
    text = "".join(f"{name}: {command}\n" for name, command in entries.items())
    assert {entry.name: entry.command for entry in parse(text)} == entries


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("gunicorn app", "exec gunicorn app"),
        ("gunicorn -b :${PORT} app 2>&1", "exec gunicorn -b :${PORT} app 2>&1"),
        ("A=1 B=2 gunicorn app", "exec env A=1 B=2 gunicorn app"),
        ("cd src && gunicorn app", "cd src && gunicorn app"),
        ("exec gunicorn app", "exec gunicorn app"),
        ("(a)", "(a)"),
        ("a | b", "a | b"),
        ("a & b", "a & b"),
        ("./run.sh", "exec ./run.sh"),
        (". ./env", ". ./env"),
    ],
)
def test_one_command_takes_the_place_of_its_shell(line: str, run: str) -> None:
    assert shell(line) == (shell_program(), "-c", run)
