"""`.ebignore` fits what git's own patterns fit: tried against git itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackbean.cli.bundle import walk
from jackbean.cli.ignore import Ignore


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.log", "a/b/x.log", True),
        ("/*.log", "a/x.log", False),
        ("/*.log", "x.log", True),
        ("a/b", "a/b", True),
        ("a/b", "c/a/b", False),
        ("**/b", "c/a/b", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("*", ".hidden", True),
        ("?", "ab", False),
        ("[!a]x", "bx", True),
        ("[[:digit:]]", "7", True),
        (r"\#x", "#x", True),
        ("#x", "#x", False),
        ("x ", "x", True),
        (r"x\ ", "x ", True),
        ("a*", "a/b", False),
        ("a**/b", "ab", True),
        ("**/**/a", "a", True),
        ("[", "[", False),
    ],
)
def test_a_pattern_fits(pattern: str, path: str, *, expected: bool) -> None:
    assert Ignore(pattern).leaves_out(path, folder=False) is expected


def test_a_slash_at_the_end_asks_for_a_folder() -> None:
    rules = Ignore("build/")
    assert rules.leaves_out("x/build", folder=True)
    assert not rules.leaves_out("build", folder=False)


def test_the_last_pattern_wins() -> None:
    assert not Ignore("*.log\n!keep.log").leaves_out("keep.log", folder=False)
    assert Ignore("!keep.log\n*.log").leaves_out("keep.log", folder=False)


NAMES = ["a", "b", "ab", "a.b", "c", "[", "a b", "!a", "#a", "b]", "A", "-", "a-c", "\\"]
PIECES = [*"abcA*?/\\!# .[-", "**", "***", "/", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]",
          "[[:alpha:]]", "[a-]", r"[\]]", "[--a]", "[c-a]", "[[:foo:]]", "**/", "/**"]  # fmt: skip
PATHS = [f"{one}/{two}" for one in NAMES[:9] for two in NAMES] + [
    f"deep/{one}/{two}/{three}" for one in "ab" for two in ("c", "[", "A") for three in NAMES[:8]
]
patterns = st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join),
                    min_size=1, max_size=3)  # fmt: skip


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("field")
    for path in PATHS:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    return root


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=patterns)
def test_it_leaves_out_what_git_would(field: Path, lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    rules = field / ".git" / "rules"
    rules.write_text(text)
    command = ["git", "-C", field, "ls-files", "-z", "--others", f"--exclude-from={rules}"]
    listed = subprocess.run(command, check=True, capture_output=True).stdout
    by_git = {os.fsdecode(name) for name in listed.split(b"\0") if name}
    by_us = {e.name for e in walk(field, Ignore(text).leaves_out) if not e.name.endswith("/")}
    assert by_us == by_git
