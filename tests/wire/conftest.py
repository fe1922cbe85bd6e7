"""Random values that fit a shape, and the models, shared by the tests of the protocols."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from jackbean.wire.models import Models
from jackbean.wire.shapes import Shape

settings.register_profile(
    "wire", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("wire")

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
# What both XML 1.0 and a form can carry unchanged.
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r<>&\"'; +%=."),
    max_size=12,
)
_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 4_102_444_800_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))
WHOLE_INSTANTS = st.integers(0, 4_102_444_800).map(lambda s: EPOCH + timedelta(seconds=s))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def scalar(shape: Shape, text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    if shape.kind in _BITS:
        bound = 1 << _BITS[shape.kind] - 1
        return st.integers(-bound, bound - 1)
    plain: Mapping[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "double": FLOATS,
        "float": FLOATS,
        "timestamp": WHOLE_INSTANTS if shape.timestamp_format == "rfc822" else INSTANTS,
        "blob": st.binary(max_size=12),
    }
    return plain.get(shape.kind, text)


class Values:
    """Strategies for values of shapes.

    `empties` says whether structures and maps may be empty: the query protocols cannot say so in
    a request, and leave them out. `items` is the least number of items in a list.
    """

    def __init__(
        self, text: st.SearchStrategy[str], *, empties: bool, items: int = 0, depth: int = 5
    ) -> None:
        self.text = text
        self.empties = empties
        self.items = items
        self.depth = depth
        self._made: dict[tuple[int, int], st.SearchStrategy[Any]] = {}
        self.pick: Callable[[Shape], bool] = lambda shape: True

    def of(self, shape: Shape, depth: int | None = None) -> st.SearchStrategy[Any]:
        left = self.depth if depth is None else depth
        key = (id(shape), left)
        if key not in self._made:
            self._made[key] = self._make(shape, left)
        return self._made[key]

    def _make(self, shape: Shape, left: int) -> st.SearchStrategy[Any]:
        if shape.kind == "structure":
            return self.structure(shape, left)
        if shape.kind == "list":
            return st.lists(self.of(shape.member, left - 1), min_size=self.items, max_size=3)
        if shape.kind == "map":
            least = 0 if self.empties else 1
            value = self.of(shape.value, left - 1)
            return st.dictionaries(self.of(shape.key, left - 1), value, min_size=least, max_size=3)
        return scalar(shape, self.text)

    def structure(self, shape: Shape, left: int) -> st.SearchStrategy[Any]:
        members = {name: item for name, item in shape.members.items() if self.pick(item)}
        if left <= 0:  # the end of a recursive model: only what must be there
            by_depth = sorted(members, key=lambda name: not _is_plain(members[name]))
            kept = shape.required or tuple(by_depth)[:1]
            members = {name: members[name] for name in kept if name in members}
        given = {name: self.of(item, left - 1) for name, item in members.items()}
        required = {name: item for name, item in given.items() if name in shape.required}
        optional = {name: item for name, item in given.items() if name not in required}
        made = st.fixed_dictionaries(required, optional=optional)
        if self.empties or required or not optional:
            return made
        one = st.sampled_from(sorted(optional)).flatmap(
            lambda name: optional[name].map(lambda value: {name: value})
        )
        return st.tuples(one, made).map(lambda pair: {**pair[0], **pair[1]})


def _is_plain(shape: Shape) -> bool:
    return shape.kind not in ("structure", "list", "map")


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal, floats to the last bit that text keeps."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-15) or one == other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


class Botocore:
    """The client's side: botocore's own models."""

    def __init__(self) -> None:
        self._loader = Loader()
        self._models: dict[str, ServiceModel] = {}

    def model(self, service: str) -> ServiceModel:
        if service not in self._models:
            raw = self._loader.load_service_model(service, "service-2")
            self._models[service] = ServiceModel(raw, service)
        return self._models[service]


@pytest.fixture(scope="session")
def models() -> Models:
    return Models()


@pytest.fixture(scope="session")
def clients() -> Botocore:
    return Botocore()


class Lab:
    """Values to send and to answer with, and how to tell that they came back."""

    form_text = TEXT
    xml_text = XML_TEXT
    same = staticmethod(same)

    def inputs(self, shape: Shape, text: st.SearchStrategy[str] = TEXT) -> st.SearchStrategy[Any]:
        return Values(text, empties=False).of(shape)

    def flat(self, shape: Shape) -> st.SearchStrategy[Any]:
        """Return values for a protocol that cannot send an empty list."""
        return Values(TEXT, empties=False, items=1).of(shape)

    def documents(self, shape: Shape) -> st.SearchStrategy[Any]:
        """Return values as XML from botocore carries them: no bare carriage returns."""
        text = XML_TEXT.map(lambda text: text.replace("\r", ""))
        return Values(text, empties=True, items=1).of(shape)

    def outputs(
        self, shape: Shape, text: st.SearchStrategy[str] = XML_TEXT
    ) -> st.SearchStrategy[Any]:
        return Values(text, empties=True).of(shape)


@pytest.fixture(scope="session")
def lab() -> Lab:
    return Lab()


@pytest.fixture(scope="session")
def eb_cli_model() -> ServiceModel:
    """The model that the EB CLI ships; it knows members that the public one lacks."""
    path = os.environ.get("JACKBEAN_EB_MODEL", "")
    if not path:
        pytest.skip("JACKBEAN_EB_MODEL is not set: the path of service-2.json inside awsebcli")
    return ServiceModel(json.loads(Path(path).read_bytes()), "elasticbeanstalk")
