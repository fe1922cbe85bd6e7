"""What the instances of one machine start from: /etc, and the Pythons that really run in a sandbox.

It is made once for a machine as it is, and kept until something that it was made from changes. A
Python from elsewhere than /usr is found by the loader's cache that is made here, not by a variable
that every program of an application would inherit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.engines.process import allowed, filesystem
from jackbean.engines.process.filesystem import Entry, Identity
from jackbean.engines.process.interpreters import Interpreter
from jackbean.engines.process.sandbox import HOME, PATH, Machine, Sandbox, arguments

READY = "image.json"
PREFIX = "image-"
BUILD_S = 60
LOADER = "etc/ld.so.conf.d/jackbean.conf"
# The loader's cache may be unwritable or of another C library: then Pythons tell by not running.
SCRIPT = """\
ldconfig -X 2>/dev/null
for python in "$@"; do
    "$python" -I -c 'import ctypes, ssl, sqlite3, zlib' </dev/null >/dev/null 2>&1 && echo "$python"
done
exit 0
"""


class Unfit(PortError):
    """Sandboxes can be made here, and programs of this machine do not run in them."""


@dataclass(frozen=True)
class Image:
    etc: tuple[Entry, ...]
    interpreters: Mapping[str, Interpreter]


@dataclass(frozen=True)
class Builder:
    """How to try things: with which bubblewrap, and whether in a user namespace."""

    bubblewrap: Path
    machine: Machine
    user_namespace: bool

    def image(self, state: Path, interpreters: Mapping[str, Interpreter]) -> Image:
        """Return the image for the machine as it is, made now if need be. Raises Unfit."""
        place = state / (PREFIX + _key(self.machine, interpreters))
        if not (place / READY).exists():
            for old in state.glob(PREFIX + "*"):
                filesystem.remove(old)
            try:
                self._build(place, interpreters)
            except (OSError, subprocess.SubprocessError) as error:
                filesystem.remove(place)
                raise Unfit(f"the instances' image {place} cannot be made: {error}") from error
        working = json.loads((place / READY).read_text())
        return Image(
            filesystem.read_tree(place / "etc"),
            {v: i for v, i in interpreters.items() if v in working},
        )

    def _build(self, place: Path, interpreters: Mapping[str, Interpreter]) -> None:
        filesystem.build_etc(place / "etc")
        (place / LOADER).parent.mkdir(parents=True, exist_ok=True)
        elsewhere = [i for i in interpreters.values() if not i.shared]
        (place / LOADER).write_text("".join(f"{i.place}/lib\n" for i in elsewhere))
        included = place / "etc/ld.so.conf"
        if not included.exists():
            included.write_text("include /etc/ld.so.conf.d/*.conf\n")
        nobody = Identity("image", "127.0.0.1", "", owned=False)
        filesystem.build_root(place / "root", filesystem.read_tree(place / "etc"), nobody)
        filesystem.make_folders(place / "root", self.machine.mounted)
        link_top(place / "root", self.machine)
        working = self._try(place / "root", interpreters)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(place / "root/etc/ld.so.cache", place / "etc/ld.so.cache")
        filesystem.remove(place / "root")
        (place / READY).write_text(json.dumps(working))

    def _try(self, root: Path, interpreters: Mapping[str, Interpreter]) -> list[str]:
        """Return the versions of the interpreters that run."""
        box = Sandbox(
            self.machine,
            str(root),
            places=tuple(place for i in interpreters.values() for place in places(i)),
            user_namespace=self.user_namespace,
            env={"PATH": PATH},
        )
        inside = {i.inside: version for version, i in interpreters.items()}
        done = subprocess.run(
            [self.bubblewrap, *arguments(box), "/bin/sh", "-c", SCRIPT, "sh", *inside],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=BUILD_S,
            check=False,
        )
        if done.returncode:
            raise OSError(done.stderr.decode(errors="replace").strip())
        return [inside[line] for line in done.stdout.decode().splitlines() if line in inside]


def link_top(root: Path, machine: Machine) -> None:
    """Make /bin and the like in a new tree."""
    for path, goal in machine.links:
        link = root / path.lstrip("/")
        if not link.is_symlink():
            link.symlink_to(goal)


def places(interpreter: Interpreter) -> tuple[tuple[str, str], ...]:
    """Return what an instance is shown of an interpreter, as (source, place) pairs."""
    if interpreter.shared:
        return ()
    wanted = ((interpreter.prefix / name, name) for name in ("bin", "include", "lib", "lib64"))
    return tuple(
        (str(source), f"{interpreter.place}/{name}")
        for source, name in wanted
        if source.is_dir() and not source.is_symlink()
    )


def _key(machine: Machine, interpreters: Mapping[str, Interpreter]) -> str:
    """Return what changes when the image has to be made again."""
    facts = [HOME, repr(machine), repr(filesystem.generated()), SCRIPT]
    facts += [i.identity for i in interpreters.values()]
    for path in sorted(p for pattern in allowed.COPIED for p in Path("/etc").glob(pattern)):
        facts.append(f"{path} {os.lstat(path).st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
