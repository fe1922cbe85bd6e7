"""The Pythons of this machine: what Python platforms can run on.

They are found by their files, without running any: a prefix has `bin/python3.X` and the standard
library in `lib/python3.X`. A system's own interpreters (prefix /usr) are used where they are; any
other is shown to instances at /opt/jackbean/python-3.X, because its own place may be a home that
nobody may enter.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PLACE = "/opt/jackbean/python-"
LIBRARY = re.compile(r"python(3\.\d+)")


@dataclass(frozen=True)
class Interpreter:
    version: str  # "3.11"
    prefix: Path

    @property
    def path(self) -> Path:
        """The program, where the machine has it."""
        return self.prefix / "bin" / f"python{self.version}"

    @property
    def shared(self) -> bool:
        """Whether instances see it at its own place."""
        return self.prefix == Path("/usr")

    @property
    def place(self) -> str:
        """Where instances see its prefix."""
        return "/usr" if self.shared else PLACE + self.version

    @property
    def inside(self) -> str:
        """The program, where instances see it."""
        return f"{self.place}/bin/python{self.version}"

    @property
    def identity(self) -> str:
        """What is different when it is another one: what was built for one may not fit another."""
        seen = self.path.stat()
        return f"{self.version} {self.prefix} {seen.st_size} {seen.st_mtime_ns}"


def own() -> Interpreter:
    """Return the interpreter that runs this program: agents run on it."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Interpreter(version, Path(sys.base_prefix).resolve())


def find(prefixes: Iterable[Path] | None = None) -> dict[str, Interpreter]:
    """Return the interpreters by version; of two with one version the first found counts."""
    found: dict[str, Interpreter] = {own().version: own()}
    for prefix in _candidates() if prefixes is None else prefixes:
        for version in _versions(prefix):
            found.setdefault(version, Interpreter(version, prefix.resolve()))
    return dict(sorted(found.items(), key=lambda item: [int(n) for n in item[0].split(".")]))


def _candidates() -> Iterator[Path]:
    """Yield the places where Pythons usually are, the system's first, newer before older."""
    yield Path("/usr")
    yield Path("/usr/local")
    home = Path(os.environ.get("HOME", "/nonexistent"))
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"))
    for folder in (pyenv / "versions", managed, Path("/opt/python")):
        try:
            yield from sorted(folder.iterdir(), key=_numbers, reverse=True)
        except OSError:
            continue
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        if entry.startswith("/") and entry.endswith("/bin"):
            yield Path(entry).parent


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _versions(prefix: Path) -> Iterator[str]:
    """Yield the versions that have all they need under a prefix, and that we may read."""
    try:
        names = sorted(entry.name for entry in (prefix / "lib").iterdir())
    except OSError:
        return
    for name in names:
        match = LIBRARY.fullmatch(name)
        if match and _complete(prefix, match[1]):
            yield match[1]


def _complete(prefix: Path, version: str) -> bool:
    program = prefix / "bin" / f"python{version}"
    library = prefix / "lib" / f"python{version}"
    return (
        os.access(program, os.X_OK)
        and not (prefix / "pyvenv.cfg").exists()
        and (library / "os.py").is_file()
        and (library / "ensurepip").is_dir() | (library / "venv").is_dir()
        and _is_elf(program)
    )


def _is_elf(program: Path) -> bool:
    """Tell a program from a script that only finds one."""
    try:
        with program.open("rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False
