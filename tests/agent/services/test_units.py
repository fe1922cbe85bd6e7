"""Unit files: what of one is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackbean.agent.services.units import Malformed, read, variables

FULL = """\
[Unit]
Description=%n
[Service]
# a comment
Type=simple
User=webapp
WorkingDirectory=-/var/app/current
Environment="A=one two" B=2
Environment=C=3
EnvironmentFile=-/opt/elasticbeanstalk/deployment/env
ExecStartPre=-/bin/mkdir -p /run/x
ExecStart=/usr/bin/program --flag \\
    'quoted word' $ARGS ${B}x %n 100%%
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""


def unit(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.service"
    path.write_text(text)
    return path


def test_reads(tmp_path: Path) -> None:
    found = read(unit(tmp_path, FULL))
    assert (found.name, found.user, found.cwd) == ("mine", "webapp", "/var/app/current")
    assert found.env == {"A": "one two", "B": "2", "C": "3"}
    assert found.env_files == ("/opt/elasticbeanstalk/deployment/env",)
    assert (found.once, found.again) == (False, True)
    before, last = found.lines
    assert before == ("/bin/mkdir", "-p", "/run/x")
    assert found.argv(last, {"ARGS": "a b", "B": "2"}) == (
        *("/usr/bin/program", "--flag", "quoted word", "a", "b", "2x", "mine.service", "100%"),
    )


def test_an_empty_value_forgets_those_before(tmp_path: Path) -> None:
    text = "[Service]\nExecStart=/bin/a\nExecStart=\nExecStart=/bin/b\nType=oneshot\n"
    found = read(unit(tmp_path, text))
    assert found.lines == (("/bin/b",),)
    assert found.once


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[Service]\nUser=x\n", "no ExecStart"),
        ("ExecStart=/bin/a\n", "no ExecStart"),
        ("[Service]\nExecStart=program\n", "does not begin with the path"),
        ("[Service]\nExecStart=/bin/a 'open\n", "No closing quotation"),
        ("[Service]\n" + "#" * 70_000, "over 64 KB"),
    ],
)
def test_malformed(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read(unit(tmp_path, text))


def test_environment_files(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("# no\nA=1\n B = 'two words' \nnonsense\n")
    assert variables(path) == {"A": "1", "B": "two words"}
    assert variables(tmp_path / "none") == {}
