"""What `.ebextensions` asks of an instance, compiled: typed, in order, functions evaluated.

The control plane reads YAML and evaluates functions; an instance gets these shapes as JSON, one
`Extension` for each config file, in the order in which they are carried out. Shipped with the
agent, so it needs the standard library only. Either side may be hostile, so reading is strict.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Package:
    """One package of one manager; without versions, any that is installed will do."""

    manager: str
    name: str
    versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    name: str
    gid: int | None = None


@dataclass(frozen=True)
class User:
    name: str
    uid: int | None = None
    groups: tuple[str, ...] = ()
    home: str = ""


@dataclass(frozen=True)
class Origin:
    """Where bytes come from. `bucket` and `key` are set where the address could be an object's.

    `user` and `password` are for a server that asks for them.
    """

    url: str
    bucket: str = ""
    key: str = ""
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Archive:
    """An archive that is unpacked into the folder `target`."""

    target: str
    origin: Origin


@dataclass(frozen=True)
class File:
    """A file, or a link where `mode` says so; `content` is base64 if `encoded`.

    With `context`, what is written is a Mustache template.
    """

    path: str
    content: str | None = None
    encoded: bool = False
    origin: Origin | None = None
    mode: int = 0o100644
    owner: str = "root"
    group: str = "root"
    context: dict[str, Any] | None = None


@dataclass(frozen=True)
class Command:
    """A command for the shell (`line`) or its arguments (`argv`); `env` None: no word of it."""

    name: str
    line: str = ""
    argv: tuple[str, ...] = ()
    env: dict[str, str] | None = None
    cwd: str = ""
    test: str = ""
    ignore_errors: bool = False
    leader_only: bool = False

    @property
    def shown(self) -> str:
        return self.line or " ".join(self.argv)


@dataclass(frozen=True)
class Service:
    """A service. `enabled` and `running` None: as it is. What it watches is named like elsewhere.

    `packages` maps managers to names.
    """

    name: str
    enabled: bool | None = None
    running: bool | None = None
    files: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    packages: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Extension:
    """One config file, its keys in the order in which they are carried out."""

    name: str
    packages: tuple[Package, ...] = ()
    groups: tuple[Group, ...] = ()
    users: tuple[User, ...] = ()
    sources: tuple[Archive, ...] = ()
    files: tuple[File, ...] = ()
    commands: tuple[Command, ...] = ()
    services: tuple[Service, ...] = ()
    container_commands: tuple[Command, ...] = ()

    @property
    def empty(self) -> bool:
        return self == Extension(self.name)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Return everything that it has fetched."""
        files = (file.origin for file in self.files)
        return (*(archive.origin for archive in self.sources), *(o for o in files if o))


def to_json(extension: Extension) -> dict[str, Any]:
    """Return an extension as what `json.dumps` takes."""
    return asdict(extension)


def from_json(data: Any) -> Extension:
    """Return what `to_json` made, after any trip through JSON. Raises ValueError."""
    found: Extension = _object(Extension, data)
    return found


def _object(kind: Any, data: Any) -> Any:
    hints = _hints(kind)
    if not isinstance(data, dict):
        raise ValueError(f"{kind.__name__} is an object, not {type(data).__name__}")
    known = {name: _read(hints[name], data[name]) for name in hints if name in data}
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _read(hint: Any, value: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if is_dataclass(hint):
        return _object(hint, value)
    if origin is tuple:
        items = value if isinstance(value, tuple) else _is(list, value)  # JSON has lists only
        return tuple(_read(inner[0], item) for item in items)
    if origin is dict:
        return {_is(str, k): _read(inner[1], v) for k, v in _is(dict, value).items()}
    if inner:  # a value, or None
        present = next(option for option in inner if option is not NoneType)
        return None if value is None else _read(present, value)
    return _is(hint, value)


def _is(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a {kind.__name__} is expected, not {type(value).__name__}")
    return value
