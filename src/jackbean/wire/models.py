"""Service models: what each operation takes and gives, and how that is written on the wire.

The models are botocore's data files, read straight from its package: importing botocore's own
loader and model classes costs 12 MB and 0.15 s, and nothing here needs them. Documentation is
dropped while the JSON is read, which halves what stays in memory. Shapes are made when first
asked for and interned, so a recursive model stays finite and each shape exists once.

On top comes our overlay (see `overlay`): members that real clients use and public models lack.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from jackbean.wire import overlay
from jackbean.wire.errors import WireFault
from jackbean.wire.routes import Routes
from jackbean.wire.shapes import Operation, Shape

# What the place that refers to a shape may say about it; the rest of a reference is for clients.
_REFERENCE_TRAITS = frozenset(
    [
        "flattened",
        "location",
        "locationName",
        "queryName",
        "streaming",
        "timestampFormat",
        "xmlAttribute",
        "xmlNamespace",
        "eventstream",
    ]
)
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9-]{1,63}")
_UNKNOWN_OPERATION = {
    "json": ("UnknownOperationException", 400),
    "smithy-rpc-v2-cbor": ("UnknownOperationException", 404),
    "rest-xml": ("MethodNotAllowed", 405),
}


class UnknownServiceError(LookupError):
    """No model of that name comes with botocore."""


class Model:
    """The model of one service."""

    def __init__(self, service: str, raw: Mapping[str, Any]) -> None:
        metadata = raw["metadata"]
        self.service = service
        self._raw = raw
        self.api_version = str(metadata["apiVersion"])
        self.protocols = tuple(metadata.get("protocols", (metadata["protocol"],)))
        self.protocol = str(metadata["protocol"])
        self.target_prefix = str(metadata.get("targetPrefix", ""))
        self.json_version = str(metadata.get("jsonVersion", "1.0"))
        self.query_compatible = "awsQueryCompatible" in metadata
        extra = raw.get("overlay", {})
        self.xml_namespace = str(metadata.get("xmlNamespace") or extra.get("namespace", ""))
        self.root_elements: Mapping[str, str] = extra.get("elements", {})
        self.query_codes: Mapping[str, str] = extra.get("codes", {})
        self.unwrapped: frozenset[str] = frozenset(extra.get("unwrapped", ()))
        self._shapes: Mapping[str, Any] = raw["shapes"]
        self._raw_operations: Mapping[str, Any] = raw["operations"]
        self._references: dict[tuple[str, str], Shape] = {}
        self._operations: dict[str, Operation] = {}

    def __repr__(self) -> str:
        return f"Model({self.service})"

    @property
    def operations(self) -> tuple[str, ...]:
        return tuple(self._raw_operations)

    @cached_property
    def routes(self) -> Routes:
        """Which operation a path and query mean, for the REST protocols."""
        return Routes(self.operation(name) for name in self._raw_operations)

    @cached_property
    def as_query(self) -> Model:
        """Return the model as the query protocol has it, where that is not its first protocol."""
        raw = overlay.as_query(self._raw)
        return self if raw is self._raw else Model(self.service, raw)

    def operation(self, name: str) -> Operation:
        """Return an operation, or raise the fault for an action that the service does not have."""
        found = self._operations.get(name)
        if found is None:
            raw = self._raw_operations.get(name)
            if raw is None:
                code, status = _UNKNOWN_OPERATION.get(self.protocol, ("InvalidAction", 400))
                message = f"The action {name[:128]} is not valid for {self.service}."
                raise WireFault(code, message, status)
            found = self._operations[name] = self._build(name, raw)
        return found

    def _build(self, name: str, raw: Mapping[str, Any]) -> Operation:
        http, output = raw["http"], raw.get("output")
        return Operation(
            name=name,
            method=http["method"],
            uri=http["requestUri"],
            status=http.get("responseCode", 200),
            input=self.refer(raw["input"]) if "input" in raw else None,
            output=self.refer(output) if output else None,
            result_wrapper=(output or {}).get("resultWrapper"),
            deprecated=bool(raw.get("deprecated")),
        )

    def refer(self, reference: Mapping[str, Any]) -> Shape:
        """Return the shape that a reference means; the same one for the same reference."""
        name = reference["shape"]
        traits = {key: value for key, value in reference.items() if key in _REFERENCE_TRAITS}
        key = (name, repr(sorted(traits.items())) if traits else "")
        shape = self._references.get(key)
        if shape is None:
            merged = {**self._shapes[name], **traits} if traits else self._shapes[name]
            shape = self._references[key] = Shape(name, merged, self.refer)
        return shape

    def fault(self, shape: str, message: str) -> WireFault:
        """Return the fault that an error shape of the model means.

        Its code can differ from the name of its shape: `OperationInProgressException` is
        `OperationInProgressFailure` on the wire.
        """
        traits = self._shapes.get(shape, {})
        error = traits.get("error", {})
        is_ours = bool(traits.get("fault"))
        status = error.get("httpStatusCode", 500 if is_ours else 400)
        sender = bool(error.get("senderFault", not is_ours))
        return WireFault(error.get("code", shape), message, status, sender=sender)


def load(service: str) -> Model:
    """Return the newest model of a service of botocore's, with our overlay; reads every time."""
    return Model(service, overlay.applied(_read(service), overlay.read(service)))


def _read(service: str) -> dict[str, Any]:
    if not _SERVICE_NAME.fullmatch(service):
        raise UnknownServiceError(f"{service[:64]!r} is not the name of a service")
    folder = resources.files("botocore").joinpath("data", service)
    if not folder.is_dir():
        raise UnknownServiceError(f"botocore has no service {service!r}")
    versions = [entry for entry in folder.iterdir() if _file(entry) is not None]
    found = _file(max(versions, key=lambda entry: entry.name))
    assert found is not None  # noqa: S101  the list above holds no other
    data = found.read_bytes()
    text = gzip.decompress(data) if found.name.endswith(".gz") else data
    raw: dict[str, Any] = json.loads(text, object_hook=_without_documentation)
    return raw


def _file(version: Traversable) -> Traversable | None:
    for name in ("service-2.json.gz", "service-2.json"):
        candidate = version.joinpath(name)
        if candidate.is_file():
            return candidate
    return None


def _without_documentation(item: dict[str, Any]) -> dict[str, Any]:
    if isinstance(item.get("documentation"), str):  # a member of that name is an object
        del item["documentation"]
    return item


@dataclass(slots=True)
class Models:
    """The models in use, each loaded when it is first asked for.

    Ask only for services that are served: names come from signed scopes, and some of the four
    hundred models are large. `own` holds models that are not botocore's, by service.
    """

    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _loaded: dict[str, Model] = field(default_factory=dict)

    def get(self, service: str) -> Model:
        """Return a model; raise `UnknownServiceError` when there is none."""
        model = self._loaded.get(service)
        if model is None:
            raw = self.own.get(service)
            model = load(service) if raw is None else Model(service, raw)
            self._loaded[service] = model
        return model
