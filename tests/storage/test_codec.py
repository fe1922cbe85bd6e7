"""Records as JSON: nothing is lost, nothing is guessed, what was stored once is read for ever."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from jackbean.core.applications import Application, Version
from jackbean.core.environments import Environment
from jackbean.core.errors import PortError
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.releases import Release
from jackbean.storage.codec import dump, load

TEXT = st.text(max_size=6)
NUMBER = st.floats(allow_nan=False)
NAME = st.text("abcABC 019-_.€", min_size=1, max_size=8).filter(str.strip)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SETTING = st.builds(Setting, TEXT, TEXT, st.none() | TEXT, TEXT)
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    float: NUMBER,
    int: st.integers(),
    bool: st.booleans(),
    NoneType: st.none(),
    Any: JSON,
    Settings: st.lists(SETTING, max_size=3).map(Settings),
}


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Return values of a type: read off it independently of how the codec does."""
    if kind in LEAVES:
        return LEAVES[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if is_dataclass(kind):
        return built(kind)
    parts = get_args(kind)
    if get_origin(kind) in {UnionType, Union}:
        return st.one_of([of(part) for part in parts])
    if get_origin(kind) is dict:
        return st.dictionaries(of(parts[0]), of(parts[1]), max_size=3)
    assert get_origin(kind) is tuple, kind
    if parts[-1] is ...:
        return st.lists(of(parts[0]), max_size=3).map(tuple)
    return st.tuples(*map(of, parts))


def built(kind: Any, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    return st.builds(kind, **{**{name: of(hints[name]) for name in names}, **known})


RECORDS: dict[Any, st.SearchStrategy[Any]] = {
    Application: built(Application, name=NAME),
    Version: built(Version, label=NAME),
    Environment: built(Environment),
    Release: built(Release),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_what_is_stored_comes_back(kind: Any) -> None:
    @run(max_examples=100, deadline=None)
    @given(RECORDS[kind])
    def round_trip(record: Any) -> None:
        text = dump(record)
        assert text.isascii()
        again = load(kind, text, "it")
        assert again == record
        assert dump(again) == text

    round_trip()


STORED = Path(__file__).with_name("stored")


def stored(kind: Any) -> Any:
    return json.loads((STORED / f"{kind.__name__.lower()}.json").read_text())


@pytest.mark.parametrize("kind", RECORDS)
def test_what_the_first_schema_stored_is_read_for_ever(kind: Any) -> None:
    """Nothing that was stored is lost by a program that knows more.

    If this fails: give the new field a default; what is renamed or removed needs a migration. The
    stored texts are never changed once they have been released.
    """
    text = json.dumps(stored(kind))
    written = json.loads(dump(load(kind, text, "it")))
    assert within(stored(kind), written) == []


def within(old: Any, new: Any, path: str = "") -> list[str]:
    """Return where `new` differs from `old`, except for what it has besides."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [p for key in old for p in within(old[key], new.get(key, ...), f"{path}.{key}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [p for n, item in enumerate(old) for p in within(item, new[n], f"{path}.{n}")]
    return [] if old == new else [path]


def test_every_field_is_written_even_at_its_default() -> None:
    written = json.loads(dump(Application("app")))
    assert written.keys() == {field.name for field in fields(Application)}
    assert written["description"] == ""


def edited(record: Any, path: str, value: Any) -> Any:
    *steps, last = path.split(".")
    place = record
    for step in steps:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("shape", "round", "unknown field 'shape'"),
        ("members.1.shape", "round", "members: unknown field 'shape'"),
        ("status", "Sleeping", "status: 'Sleeping' is not a valid Status"),
        ("members.0.service", 4, "members: service: 4 is not a valid Service"),
        ("operation.phases.0.is", "dance", "'dance' is none of provision, roll, settle"),
        ("operation.phases.1.rollout.stage", None, "stage: None is not a valid Stage"),
        ("revision", "12", "revision: not a whole number"),
        ("revision", True, "revision: not a whole number"),
        ("revision", 1.0, "revision: not a whole number"),
        ("created", "1", "created: not a number"),
        ("name", None, "name: not a text"),
        ("tags", "ab", "tags: not a list"),
        ("tags", [["a"]], "tags: "),
        ("members", {}, "members: not a list"),
        ("members.0.leaving", 1, "leaving: neither true nor false"),
        ("tier", [], "tier: not Tier"),
    ],
)
def test_what_is_not_understood_is_not_guessed(path: str, value: Any, message: str) -> None:
    text = json.dumps(edited(stored(Environment), path, value))
    with pytest.raises(PortError) as caught:
        load(Environment, text, "Environment e-abcdefghij")
    said = str(caught.value)
    assert said.startswith("Environment e-abcdefghij is stored in a form that this program cannot")
    assert message in said
    assert "or a newer one" in said


@pytest.mark.parametrize("value", [[["a", "b"]], [[["ns", "a", ""], 7]], 7, None])
def test_settings_that_are_none_are_told(value: Any) -> None:
    with pytest.raises(PortError, match="Release 3 is stored in a form"):
        load(Release, json.dumps(edited(stored(Release), "settings", value)), "Release 3")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "{}", '{"name":"a/b"}'])
def test_what_is_no_record_is_told(text: str) -> None:
    with pytest.raises(PortError, match=r"^it is stored in a form"):
        load(Application, text, "it")
