"""An instance's AWS keys: fetched, kept for when nobody answers, and where programs find them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jackbean.agent import environment
from jackbean.agent.dial import Dial, Request, Unreachable
from jackbean.agent.keys import RENEW_S, ROLE, VARIABLES, Keys

HOUR = 3600.0
TOLD = {
    "AccessKeyId": "JBIK1",
    "SecretAccessKey": "secret",
    "SessionToken": "token",
    "Expiration": 6 * HOUR,
    "AccountId": "123456789012",
    "Role": "role",
}


class Line(Dial):
    """A control plane that answers what it is told to, or nobody (None)."""

    def __init__(self, answer: tuple[int, Any] | None = (200, TOLD)) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def call(self, request: Request, check: Any = None) -> tuple[int, Any]:
        self.asked.append(request.target)
        if self.answer is None:
            raise Unreachable("nobody")
        return self.answer


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def keys(tmp_path: Path, line: Line, kind: str = ROLE, clock: Clock | None = None) -> Keys:
    return Keys(line, kind, tmp_path / "keys.json", clock or Clock())


def test_they_are_asked_for_once(tmp_path: Path) -> None:
    line = Line()
    mine = keys(tmp_path, line)
    for _ in range(3):
        found = mine.current()
        assert found is not None
        assert (found.access_key, found.role) == ("JBIK1", "role")
    assert line.asked == ["/v1/credentials?for=role"]
    assert "secret" not in repr(mine.current())
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_they_are_renewed_before_they_end(tmp_path: Path) -> None:
    line, clock = Line(), Clock()
    mine = keys(tmp_path, line, clock=clock)
    mine.current()
    clock.now = 6 * HOUR - RENEW_S[ROLE] + 1
    line.answer = (200, {**TOLD, "AccessKeyId": "JBIK2", "Expiration": 12 * HOUR})
    mine._tried = -100.0  # the last look was long ago
    found = mine.current()
    assert found is not None
    assert found.access_key == "JBIK2"


def test_what_holds_is_used_while_nobody_answers(tmp_path: Path) -> None:
    keys(tmp_path, Line()).current()
    clock = Clock()
    again = keys(tmp_path, Line(None), clock=clock)  # the agent was started anew
    clock.now = 5 * HOUR
    assert again.current() is not None
    clock.now = 6 * HOUR
    assert again.current() is None


@pytest.mark.parametrize("answer", [None, (401, {}), (200, {}), (200, []), (200, None), (500, "x")])
def test_there_may_be_none(tmp_path: Path, answer: Any) -> None:
    mine = keys(tmp_path, Line(answer))
    assert mine.current() is None
    assert mine.variables() == {}
    (tmp_path / "keys.json").write_text("{nonsense")
    assert keys(tmp_path, Line(answer)).current() is None


def test_programs_inherit_them_where_nobody_hands_them_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {"AWS_REGION": "eu-north-1", "SECRET": "of the agent"})
    keys(tmp_path, Line(), ROLE).export()
    assert "AWS_ACCESS_KEY_ID" not in environment.base((), Path("/root"))
    keys(tmp_path, Line((200, {**TOLD, "Expiration": 400 * 24 * HOUR})), VARIABLES).export()
    told = environment.base((), Path("/root"))
    assert (told["AWS_ACCESS_KEY_ID"], told["AWS_SESSION_TOKEN"]) == ("JBIK1", "token")
    assert (told["AWS_REGION"], "SECRET" in told) == ("eu-north-1", False)


BASE = {
    "AWS_DATA_PATH": "/signposts",
    "AWS_ENDPOINT_URL": "http://here",
    "AWS_REGION": "us-east-1",
    "NODE_OPTIONS": "--require here",
    "AWS_ACCESS_KEY_ID": "JBIK1",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}


def test_properties_outweigh() -> None:
    told = environment.with_properties(BASE, {"AWS_REGION": "eu-west-1", "COLOUR": "red"})
    assert told == {**BASE, "AWS_REGION": "eu-west-1", "COLOUR": "red"}
    ours = {"AWS_ACCESS_KEY_ID": "JBAKADMIN", "AWS_SECRET_ACCESS_KEY": "x"}
    told = environment.with_properties(BASE, ours)
    leading = {name: BASE[name] for name in environment.LEADING}
    assert told == {**leading, "AWS_REGION": "us-east-1", **ours}


def test_options_of_node_are_added_to_ours() -> None:
    told = environment.with_properties(BASE, {"NODE_OPTIONS": "--max-old-space-size=300"})
    assert told["NODE_OPTIONS"] == "--require here --max-old-space-size=300"
    own = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "NODE_OPTIONS": "--trace-warnings"}
    assert environment.with_properties(BASE, own)["NODE_OPTIONS"] == "--trace-warnings"


def test_a_key_of_ones_own_means_aws_itself() -> None:
    own = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "theirs"}
    told = environment.with_properties(BASE, own)
    assert told == {"AWS_REGION": "us-east-1", **own}
    chosen = {**own, "AWS_ENDPOINT_URL": "http://minio"}
    assert environment.with_properties(BASE, chosen)["AWS_ENDPOINT_URL"] == "http://minio"
