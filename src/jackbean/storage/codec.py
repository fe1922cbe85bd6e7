"""Records as JSON, and back.

What a record looks like is read off its dataclass once, so a field that is added to one is stored
without a second list to keep. Everything is written, defaults too: a default that changes later
must not change what was stored. Reading is strict. A field that is not known, or a value of another
kind, was written by a program that knows more than this one, and guessing would lose it when the
record is saved again.

What a Python value is as JSON: dataclasses are objects; tuples are arrays; enums their values;
Settings their pairs; where one of several dataclasses can stand (the phases of an operation), "is"
names the class in lower case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, lru_cache, partial
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from jackbean.core.errors import Fault, PortError
from jackbean.core.operations import Phase
from jackbean.core.options.settings import Settings

Record = TypeVar("Record")
Reader = Callable[[Any], Any]
TAG = "is"
TAGGED = frozenset(get_args(Phase))


class Unreadable(ValueError):
    """A value of another shape than its field."""


def dump(record: object) -> str:
    """Return a record as JSON in ASCII."""
    return ENCODER.encode(record)


def load(kind: Callable[..., Record], text: str, name: str) -> Record:
    """Return the record that `dump` made. Raises PortError, which calls it `name`."""
    return Loader(kind, 0).load(text, name)


class Loader(Generic[Record]):
    """Reads records of one type, and knows the last ones: most are read again as they were."""

    def __init__(self, kind: Callable[..., Record], known_max: int) -> None:
        self._read: Callable[[str], Record] = lru_cache(known_max)(partial(_parse, kind))

    def load(self, text: str, name: str) -> Record:
        """Return the record that `dump` made. Raises PortError, which calls it `name`."""
        try:
            return self._read(text)
        except (ValueError, TypeError, Fault) as error:
            raise PortError(
                f"{name} is stored in a form that this program cannot read ({error}): "
                "start the program that wrote it, or a newer one"
            ) from error


def _parse(kind: Any, text: str) -> Any:
    return _reader(kind)(json.loads(text))


def _plain(value: object) -> Any:
    if isinstance(value, Settings):
        return value.to_pairs()
    kind: Any = type(value)
    found = {name: getattr(value, name) for name in _names(kind)}
    return {TAG: _tag(kind), **found} if kind in TAGGED else found


ENCODER = json.JSONEncoder(default=_plain, separators=(",", ":"))


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _tag(kind: Any) -> str:
    return str(kind.__name__).lower()


@cache
def _reader(kind: Any) -> Reader:
    """Return what turns JSON into a value of a type."""
    if kind is Any:
        return lambda value: value
    if kind is Settings:
        return Settings.from_pairs
    if kind in SCALARS:
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if is_dataclass(kind):
        return _object_reader(kind)
    return GENERIC[get_origin(kind)](get_args(kind))


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise Unreadable("not a whole number")
    return value


def _number(value: Any) -> float:
    if type(value) not in {int, float}:
        raise Unreadable("not a number")
    return float(value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Unreadable("not a text")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise Unreadable("neither true nor false")
    return value


def _object_reader(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in _names(kind)}

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise Unreadable(f"not {kind.__name__}")
        return kind(**{name: _field(readers, name, item) for name, item in value.items()})

    return read


def _field(readers: Mapping[str, Reader], name: str, item: Any) -> Any:
    try:
        return readers[name](item)
    except KeyError:
        raise Unreadable(f"unknown field {name[:80]!r}") from None
    except ValueError as error:
        raise Unreadable(f"{name}: {error}") from error


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    present = [kind for kind in kinds if kind is not NoneType]
    if len(present) == 1:
        return _optional_reader(_reader(present[0]))
    tagged = {_tag(kind): _reader(kind) for kind in present}

    def read(value: Any) -> Any:
        rest = dict(value)
        tag = rest.pop(TAG, None)
        if tag not in tagged:
            raise Unreadable(f"{tag!r} is none of {', '.join(tagged)}")
        return tagged[tag](rest)

    return read


def _optional_reader(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _tuple_reader(kinds: tuple[Any, ...]) -> Reader:
    readers = [_reader(kind) for kind in kinds if kind is not ...]
    each = readers[0]

    def read(value: Any) -> Any:
        if type(value) is not list:
            raise Unreadable("not a list")
        if kinds[-1] is ...:
            return tuple([each(item) for item in value])
        return tuple([reader(item) for reader, item in zip(readers, value, strict=True)])

    return read


def _dict_reader(kinds: tuple[Any, ...]) -> Reader:
    of_key, of_value = map(_reader, kinds)

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise Unreadable("not an object")
        return {of_key(key): of_value(item) for key, item in value.items()}

    return read


SCALARS: dict[Any, Reader] = {int: _whole, float: _number, str: _text, bool: _flag}
GENERIC: dict[Any, Callable[[tuple[Any, ...]], Reader]] = {
    UnionType: _union_reader,
    Union: _union_reader,
    tuple: _tuple_reader,
    dict: _dict_reader,
}
