"""The instance keys of one config file, functions evaluated, read into instructions.

The order of a key's entries is settled here: packages by manager, files by path, commands by name.
"""

from __future__ import annotations

import base64
import binascii
import json
import posixpath
import re
import stat
from collections.abc import Mapping
from typing import Any

from jackbean.core.instructions import (
    Archive,
    Command,
    Extension,
    File,
    Group,
    Package,
    Service,
    User,
)
from jackbean.sources.credentials import Credential, origin
from jackbean.sources.reading import Reader, printable

MANAGERS = ("rpm", "yum", "apt", "zypper", "rubygems", "python")  # in the order they are done in
PACKAGE = r"[A-Za-z0-9_@/][^\s\0]{0,255}"
ACCOUNT = r"[a-z_][a-z0-9_.-]{0,31}\$?"
OWNER = rf"{ACCOUNT}|[0-9]{{1,10}}"
ID_MAX = 65_534
ENTRIES_MAX = 1_000  # of one key
MODES = (0, stat.S_IFREG, stat.S_IFLNK)
WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
COMMAND = ("command", "env", "cwd", "test", "ignoreErrors", "waitAfterCompletion")
FILE = ("content", "source", "encoding", "mode", "owner", "group", "authentication", "context")
SERVICE = ("enabled", "ensureRunning", "files", "sources", "packages", "commands")

Credentials = Mapping[str, Credential]


def read_instance_keys(reader: Reader, credentials: Credentials) -> Extension:
    """Return what the keys of a file say; what is wrong is among the reader's findings."""
    keys = {name: inner for name, inner in reader.items("a mapping of keys") if _bounded(inner)}

    def key(name: str) -> Reader:
        return keys.get(name) or reader.inner(name, None)

    return Extension(
        reader.file,
        packages=_packages(key("packages")),
        groups=tuple(_group(name, r) for name, r in key("groups").items("a mapping of groups")),
        users=tuple(_user(name, r) for name, r in key("users").items("a mapping of users")),
        sources=_sources(key("sources"), credentials),
        files=_files(key("files"), credentials),
        commands=_commands(key("commands"), COMMAND),
        services=_services(key("services")),
        container_commands=_commands(key("container_commands"), (*COMMAND, "leader_only")),
    )


def _bounded(reader: Reader) -> bool:
    if isinstance(reader.value, dict) and len(reader.value) > ENTRIES_MAX:
        reader.fault(f"it has {len(reader.value)} entries; at most {ENTRIES_MAX} are taken")
        return False
    return True


def _packages(reader: Reader) -> tuple[Package, ...]:
    found = []
    for manager, names in reader.items("a mapping of package managers"):
        if manager not in MANAGERS:
            why = "is for Windows" if manager == "msi" else "is no package manager that is known"
            names.warn(f"'{printable(manager)}' {why}; its packages are passed over")
            continue
        for name, versions in names.items("a mapping of names to versions, as in `git: []`,"):
            wanted = tuple(version for version in versions.texts() if version)
            if not re.fullmatch(PACKAGE, name):
                versions.fault("this is not the name of a package")
            found.append(Package(manager, name, wanted))
    return tuple(sorted(found, key=lambda package: MANAGERS.index(package.manager)))


def _group(name: str, reader: Reader) -> Group:
    _account(name, reader)
    known = reader.attributes(("gid",))
    return Group(name, known["gid"].number(ID_MAX) if "gid" in known else None)


def _user(name: str, reader: Reader) -> User:
    _account(name, reader)
    known = reader.attributes(("uid", "groups", "homeDir"))
    groups = known["groups"].texts() if "groups" in known else ()
    for group in groups:
        _account(group, known["groups"])
    return User(
        name,
        known["uid"].number(ID_MAX) if "uid" in known else None,
        groups,
        _folder(known["homeDir"]) if "homeDir" in known else "",
    )


def _account(name: str, reader: Reader) -> None:
    if not re.fullmatch(ACCOUNT, name):
        reader.fault(f"{printable(name)!r} is no name of a user or a group")


def _folder(reader: Reader) -> str:
    return absolute(reader.text(), reader)


def absolute(path: str, reader: Reader) -> str:
    """Return a path in its shortest form; write down what is wrong with it."""
    if WINDOWS.match(path):
        reader.fault(f"{printable(path)} is a path of Windows; these instances run Linux")
    elif not path.startswith("/") or ".." in path.split("/") or "\n" in path:
        reader.fault(f"{printable(path)!r} is not an absolute path")
    else:
        return posixpath.normpath(path).replace("//", "/", 1)
    return "/"


def _sources(reader: Reader, credentials: Credentials) -> tuple[Archive, ...]:
    return tuple(
        Archive(absolute(target, inner), origin(inner, credentials))
        for target, inner in sorted(reader.items("a mapping of folders to addresses"))
    )


def _files(reader: Reader, credentials: Credentials) -> tuple[File, ...]:
    entries = sorted(reader.items("a mapping of paths"), key=lambda entry: entry[0])
    return tuple(_file(path, inner, credentials) for path, inner in entries)


def _file(path: str, reader: Reader, credentials: Credentials) -> File:
    known = reader.attributes(FILE)
    content = _content(known["content"]) if "content" in known else None
    source = origin(known["source"], credentials, known) if "source" in known else None
    if (content is None) == (source is None):
        reader.fault("a file has either content or source")
    mode = _mode(known["mode"]) if "mode" in known else 0o100644
    if stat.S_ISLNK(mode) and not content:
        reader.fault("a link (mode 120...) has the path it leads to as its content")
    return File(
        _target(path, reader),
        content,
        _encoded(known, content),
        source,
        mode,
        known["owner"].matching(OWNER, "the name of a user") if "owner" in known else "root",
        known["group"].matching(OWNER, "the name of a group") if "group" in known else "root",
        _context(known["context"]) if "context" in known else None,
    )


def _target(path: str, reader: Reader) -> str:
    found = absolute(path, reader)
    if found != "/" and path.endswith("/"):
        reader.fault("this is a folder, not a file")
    return found


def _content(reader: Reader) -> str:
    """Return a text; what is no text is written as JSON."""
    if isinstance(reader.value, dict | list):
        return json.dumps(reader.value, indent=2)
    return reader.text()


def _encoded(known: Mapping[str, Reader], content: str | None) -> bool:
    said = known["encoding"].text("plain") if "encoding" in known else "plain"
    if said not in {"plain", "base64"}:
        known["encoding"].fault(f"{printable(said)!r} is neither plain nor base64")
    if said != "base64" or content is None:
        return False
    try:
        base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        known["content"].fault("it is not base64")
    return True


def _mode(reader: Reader) -> int:
    said = reader.matching("[0-7]{3,6}", "a mode: octal digits in quotes, as in '000644'")
    mode = int(said, 8) if said else 0o100644
    if stat.S_IFMT(mode) not in MODES:
        reader.fault(f"mode {said} is neither a file's nor a link's")
    return mode


def _context(reader: Reader) -> dict[str, Any]:
    return dict(reader.value) if list(reader.items("a mapping of names to values")) else {}


def _commands(reader: Reader, known: tuple[str, ...]) -> tuple[Command, ...]:
    entries = sorted(reader.items("a mapping of commands"), key=lambda entry: entry[0])
    return tuple(_command(name, inner, known) for name, inner in entries)


def _command(name: str, reader: Reader, known: tuple[str, ...]) -> Command:
    if isinstance(reader.value, str):
        reader.fault(f"a command is written as `command: {printable(reader.value)}`")
        return Command(printable(name))
    found = reader.attributes(known)
    line, argv = _line(reader, found.get("command"))
    leader = _flag(found, "leader_only")
    test = found["test"].text() if "test" in found else ""
    if leader and test:
        found["test"].warn("it is ignored: what only the leader runs has no test")
    return Command(
        printable(name),
        line,
        argv,
        found["env"].variables() if "env" in found else None,
        found["cwd"].text() if "cwd" in found else "",
        test,
        _flag(found, "ignoreErrors"),
        leader,
    )


def _line(reader: Reader, command: Reader | None) -> tuple[str, tuple[str, ...]]:
    """Return the line for the shell, or the arguments."""
    if command is None or command.value in (None, "", []):
        reader.fault("it has no `command`")
        return "", ()
    if not isinstance(command.value, list):
        return command.text(), ()
    argv = command.texts()
    if argv and " " in argv[0]:
        command.warn("a list is one program with its arguments, not several commands")
    return "", argv


def _flag(found: Mapping[str, Reader], name: str) -> bool:
    return bool(found[name].flag()) if name in found else False


def _services(reader: Reader) -> tuple[Service, ...]:
    found = []
    for manager, names in reader.items("a mapping of service managers"):
        if manager not in {"sysvinit", "systemd"}:
            names.warn(
                f"services of '{printable(manager)}' are passed over: there is no such thing"
            )
            continue
        found += [_service(name, inner) for name, inner in names.items("a mapping of services")]
    return tuple(found)


def _service(name: str, reader: Reader) -> Service:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9@:._\\-]{0,127}", name):
        reader.fault("this is not the name of a service")
    known = reader.attributes(SERVICE)
    lists = {
        key: known[key].texts() if key in known else () for key in ("files", "sources", "commands")
    }
    packages = known["packages"].items("a mapping of managers") if "packages" in known else ()
    return Service(
        name.removesuffix(".service"),
        known["enabled"].flag() if "enabled" in known else None,
        known["ensureRunning"].flag() if "ensureRunning" in known else None,
        packages={manager: names.texts() for manager, names in packages},
        **lists,
    )
