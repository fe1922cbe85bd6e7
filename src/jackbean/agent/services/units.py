"""Unit files of systemd, as bundles write them for services of their own: what of one can be run.

There is no systemd in an instance. What a unit starts, where, as whom and with which variables is
taken from it; what it says of other units, of sockets or of limits is passed over.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

UNIT_BYTES_MAX = 64 << 10
FILE_BYTES_MAX = 256 << 10
RESTARTING = ("always", "on-failure", "on-abnormal", "on-abort", "on-watchdog")
VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


class Malformed(ValueError):
    """A sentence about a unit file."""


@dataclass(frozen=True)
class Unit:
    """`lines` are what is run, one after the other; the last one is the service itself."""

    name: str
    lines: tuple[tuple[str, ...], ...]
    cwd: str = "/"
    user: str = ""
    env: dict[str, str] = field(default_factory=dict)
    env_files: tuple[str, ...] = ()
    once: bool = False  # it ends by itself, and has then done what it is for
    again: bool = False  # it is started again when it ends

    def argv(self, line: tuple[str, ...], env: dict[str, str]) -> tuple[str, ...]:
        """Return the arguments of a line with its variables: `$X` alone is any number of words."""
        found: list[str] = []
        for word in line:
            whole = re.fullmatch(r"\$(\w+)", word)
            if whole:
                found += env.get(whole[1], "").split()
            else:
                found.append(VARIABLE.sub(lambda m: env.get(m[1] or m[2], ""), word))
        return tuple(found)


def read(path: Path) -> Unit:
    """Return what a unit file says. Raises Malformed."""
    with path.open("rb") as file:
        text = file.read(UNIT_BYTES_MAX + 1).decode("utf-8", "replace")
    if len(text) > UNIT_BYTES_MAX:
        raise Malformed(f"it is over {UNIT_BYTES_MAX >> 10} KB")
    name = path.name.removesuffix(".service")
    said: dict[str, list[str]] = {}
    for key, value in _settings(text):
        if not value:
            said.pop(key, None)  # an empty value forgets those before it
        else:
            said.setdefault(key, []).append(value.replace("%n", path.name).replace("%%", "%"))
    kind = said.get("Type", ["simple"])[-1]
    if "ExecStart" not in said:
        raise Malformed("it has no ExecStart")
    commands = [*said.get("ExecStartPre", ()), *said["ExecStart"]]
    return Unit(
        name,
        tuple(_words(command) for command in commands),
        said.get("WorkingDirectory", ["/"])[-1].lstrip("-"),
        said.get("User", [""])[-1],
        dict(_assignments(said.get("Environment", ()))),
        tuple(file.lstrip("-") for file in said.get("EnvironmentFile", ())),
        once=kind in ("oneshot", "forking"),
        again=said.get("Restart", ["no"])[-1] in RESTARTING,
    )


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield what stands under [Service]."""
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        stripped = line.strip()
        if stripped.startswith("[") and stripped.endswith("]"):
            section = stripped[1:-1]
        elif section == "Service" and "=" in stripped and stripped[0] not in "#;":
            key, _, value = stripped.partition("=")
            yield key.strip(), value.strip()


def _words(command: str) -> tuple[str, ...]:
    try:
        words = shlex.split(command.lstrip("@-:+!"))
    except ValueError as error:
        raise Malformed(f"{command[:80]!r}: {error}") from None
    if not words or not words[0].startswith("/"):
        raise Malformed(f"{command[:80]!r} does not begin with the path of a program")
    return tuple(words)


def _assignments(lines: list[str] | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for line in lines:
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise Malformed(f"Environment: {error}") from None
        yield from ((name, value) for name, _, value in (word.partition("=") for word in words))


def variables(path: Path) -> dict[str, str]:
    """Return what an environment file sets; nothing where there is none."""
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_MAX).decode("utf-8", "replace")
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {n.strip(): v.strip().strip("\"'") for n, equals, v in pairs if equals and n.strip()}
