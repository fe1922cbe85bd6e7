"""Instructions on their way to an instance, and lies that look like them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackbean.core.instructions import (
    Archive,
    Command,
    Extension,
    File,
    Group,
    Origin,
    Package,
    Service,
    User,
    from_json,
    to_json,
)

FULL = Extension(
    "01.config",
    packages=(Package("yum", "git", ("2", "1")),),
    groups=(Group("g", 7), Group("h")),
    users=(User("u", 8, ("g",), "/home/u"),),
    sources=(Archive("/opt", Origin("s3://b/k", "b", "k")),),
    files=(
        File("/a", "x", True, None, 0o100755, "u", "g", {"a": [{"b": "c"}]}),
        File("/b", origin=Origin("https://x/y", user="me", password="pw")),
    ),
    commands=(Command("1", "ls", env={"A": "b"}, cwd="/", test="true", ignore_errors=True),),
    services=(Service("s", True, False, ("/a",), ("/opt",), ("1",), {"yum": ("git",)}),),
    container_commands=(Command("2", argv=("a", "b"), leader_only=True),),
)


def test_there_and_back() -> None:
    assert from_json(json.loads(json.dumps(to_json(FULL)))) == FULL
    assert from_json(to_json(FULL)) == FULL
    assert from_json({**to_json(FULL), "later": 1}) == FULL


def test_what_is_fetched_and_what_is_empty() -> None:
    assert [origin.url for origin in FULL.origins] == ["s3://b/k", "https://x/y"]
    assert Extension("x").empty
    assert not FULL.empty
    assert "'pw'" not in repr(FULL)


LIES: list[Any] = [
    None,
    [],
    {},
    {"name": 1},
    {"name": "x", "packages": {}},
    {"name": "x", "packages": [["yum", "git"]]},
    {"name": "x", "packages": [{"manager": "yum"}]},
    {"name": "x", "groups": [{"name": "g", "gid": "7"}]},
    {"name": "x", "groups": [{"name": "g", "gid": True}]},
    {"name": "x", "files": [{"path": "/a", "mode": 1.5}]},
    {"name": "x", "files": [{"path": "/a", "origin": "https://x"}]},
    {"name": "x", "commands": [{"name": "a", "env": {"A": 1}}]},
    {"name": "x", "commands": [{"name": "a", "argv": "ls"}]},
    {"name": "x", "services": [{"name": "a", "packages": {"yum": "git"}}]},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_lies(lie: Any) -> None:
    with pytest.raises(ValueError, match=r"expected|is an object|missing"):
        from_json(lie)
