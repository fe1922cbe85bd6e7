"""Copies of something that lives: what changes is copied, and records that cannot are shared.

A universe is a few dozen objects that change, and hundreds of frozen records that they refer to. So
a copy costs a small part of what living that far has.
"""

from __future__ import annotations

from enum import Enum
from io import BytesIO
from pickle import HIGHEST_PROTOCOL, Pickler, Unpickler
from random import Random
from typing import Any, Generic, TypeVar, cast

from jackbean.control.credentials import Credentials
from jackbean.control.platforms import Platforms
from jackbean.core.options.settings import Settings

Model = TypeVar("Model")
FROZEN = ("jackbean.core.", "jackbean.ports.")  # where what is frozen is so all through
FIXED = (Credentials, Platforms, Settings, Enum)


class Mould(Generic[Model]):
    """Makes copies of a model as it is now. What refers to `apart` gets something else in each.

    Whatever draws at random draws anew in a copy, and has to be given its seed.
    """

    def __init__(self, model: Model, apart: object) -> None:
        written = BytesIO()
        writer = _Writer(written, HIGHEST_PROTOCOL)
        writer.share(apart)
        writer.dump(model)
        self._bytes = written.getvalue()
        self._shared = writer.shared

    def cast(self, instead: object) -> Model:
        """Return a copy, with `instead` of what is apart."""
        reader: Any = Unpickler(BytesIO(self._bytes))  # noqa: S301 - its own
        reader.persistent_load = [instead, *self._shared[1:]].__getitem__  # some 500 times a copy
        return cast(Model, reader.load())


class _Writer(Pickler):
    """Numbers what is shared."""

    shared: list[object]

    def share(self, first: object) -> None:
        self.shared = [first]
        self._numbers = {id(first): 0}

    def persistent_id(self, obj: Any) -> int | None:
        number = self._numbers.get(id(obj))
        if number is None and _fixed(type(obj)):
            number = self._numbers[id(obj)] = len(self.shared)
            self.shared.append(obj)
        return number

    def reducer_override(self, obj: object) -> Any:
        """Leave out what is drawn next: it is a large state, and a copy draws from its own seed."""
        return (Random, (0,)) if type(obj) is Random else NotImplemented


def _fixed(kind: type[Any]) -> bool:
    """Whether nothing that is of this kind ever changes."""
    if issubclass(kind, FIXED):
        return True
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and parameters.frozen and kind.__module__.startswith(FROZEN)
