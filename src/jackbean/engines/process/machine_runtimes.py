"""Languages that this machine has where instances see them: found by their files.

Only what is under /usr counts, because that is what every instance is shown. Nothing is run, but
Node.js, which writes its version nowhere else.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

USR = Path("/usr")
VERSION = re.compile(r"\d+(?:\.\d+)*")
ASK_S = 5


@dataclass(frozen=True)
class Found:
    """A runtime on this machine. `home` is its prefix; `shared`: instances see it at that place."""

    language: str
    version: str
    home: Path
    shared: bool = True
    lacks: str = ""  # what it cannot do, a clause

    @property
    def identity(self) -> str:
        """What is different when it is another one: what was built for one may not fit another."""
        return f"{self.language} {self.version} {self.home}"


def find(usr: Path = USR) -> tuple[Found, ...]:
    """Return what the machine has, of each language the newest first."""
    found = [one for language in FINDERS for one in FINDERS[language](usr)]
    return tuple(sorted(found, key=lambda f: (f.language, [-n for n in numbers(f.version)])))


def numbers(version: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", version)]


def _nodes(usr: Path) -> Iterator[Found]:
    node = usr / "bin" / "node"
    if node.is_file() and (usr / "bin" / "npm").exists():
        seen = node.stat()
        if version := _said(node, seen.st_mtime_ns, seen.st_size):
            yield Found("nodejs", version, usr)


@cache
def _said(program: Path, _mtime: int, _size: int) -> str:
    """Return the version that a program says it has; it is asked once while it stays the same."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, timeout=ASK_S, check=False, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    match = VERSION.search(done.stdout)
    return match[0] if match else ""


def _gos(usr: Path) -> Iterator[Found]:
    for file in sorted((usr / "lib").glob("go*/VERSION")):
        match = VERSION.search(_read(file))
        if match and (file.parent / "bin" / "go").exists():
            yield Found("go", match[0], file.parent)


def _javas(usr: Path) -> Iterator[Found]:
    for file in sorted((usr / "lib/jvm").glob("*/release")):
        match = re.search(r'^JAVA_VERSION="([^"]+)"', _read(file), re.MULTILINE)
        home = file.parent
        if match and not home.is_symlink() and (home / "bin/java").is_file():
            version = match[1].removeprefix("1.").replace("_", ".")
            compiler = (home / "bin/javac").exists()
            yield Found("java", version, home, lacks="" if compiler else NO_COMPILER)


def _tomcats(usr: Path) -> Iterator[Found]:
    for jar in sorted((usr / "share").glob("tomcat*/lib/catalina.jar")):
        home = jar.parents[1]
        version = home.name.removeprefix("tomcat")
        if version.isdecimal() and (home / "bin/bootstrap.jar").exists():
            yield Found("tomcat", version, home)


def _phps(usr: Path) -> Iterator[Found]:
    for program in sorted((usr / "sbin").glob("php-fpm[0-9]*")):
        yield Found("php", program.name.removeprefix("php-fpm"), usr)


def _rubies(usr: Path) -> Iterator[Found]:
    for program in sorted((usr / "bin").glob("ruby[0-9].[0-9]*")):
        version = program.name.removeprefix("ruby")
        if VERSION.fullmatch(version):
            yield Found("ruby", version, usr)


def _dotnets(usr: Path) -> Iterator[Found]:
    for place in ("lib/dotnet", "share/dotnet", "lib64/dotnet"):
        home = usr / place
        for folder in sorted((home / "shared/Microsoft.NETCore.App").glob("*")):
            if VERSION.fullmatch(folder.name) and (home / "dotnet").is_file():
                asp = any((home / "shared/Microsoft.AspNetCore.App").glob("*"))
                yield Found("dotnet", folder.name, home, lacks="" if asp else NO_ASP)


def _read(file: Path) -> str:
    try:
        with file.open(errors="replace") as opened:
            return opened.read(4096)
    except OSError:
        return ""


NO_COMPILER = "has no compiler: for javac install a JDK"
NO_ASP = "has no ASP.NET Core"
FINDERS: dict[str, Callable[[Path], Iterator[Found]]] = {
    "nodejs": _nodes,
    "go": _gos,
    "java": _javas,
    "tomcat": _tomcats,
    "php": _phps,
    "ruby": _rubies,
    "dotnet": _dotnets,
}
