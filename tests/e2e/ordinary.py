"""An ordinary user of this machine, and Jackbean as pip installs it for them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SYSTEM_PYTHON = Path("/usr/bin/python3.11")


@dataclass(frozen=True)
class Person:
    """Somebody who is not root, with a directory of their own."""

    home: Path
    prefix: tuple[str, ...]  # what makes a command theirs


@contextmanager
def person() -> Iterator[Person]:
    """Yield an ordinary user: a new one if we are root, else ourselves."""
    with tempfile.TemporaryDirectory(prefix="jb-user-", ignore_cleanup_errors=True) as directory:
        home = Path(directory)
        if os.geteuid() != 0:
            yield Person(home, ())
            return
        name = f"jbtest{os.getpid()}"
        subprocess.run(["useradd", "--no-create-home", "--home-dir", directory, name], check=True)
        try:
            entry = pwd.getpwnam(name)
            os.chown(home, entry.pw_uid, entry.pw_gid)
            yield Person(home, _become(name, entry.pw_gid, directory))
        finally:
            subprocess.run(["userdel", name], check=False, capture_output=True)


def _become(name: str, group: int, home: str) -> tuple[str, ...]:
    """Return a prefix that ends in the command itself, so that signals reach that."""
    return (
        *("env", "-i", f"HOME={home}", f"USER={name}", "PATH=/usr/local/bin:/usr/bin:/bin"),
        *("setpriv", f"--reuid={name}", f"--regid={group}", "--init-groups"),
    )


def install(person: Person) -> Path:
    """Install this source tree as `pip install .` does; return the new `jackbean`."""
    source = person.home / "source"
    wanted = ("src", "pyproject.toml", "README.md", "LICENSE")
    source.mkdir()
    for name in wanted:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(place, source / name)
    venv = person.home / "venv"
    python = SYSTEM_PYTHON if SYSTEM_PYTHON.exists() else Path(sys.executable).resolve()
    subprocess.run([str(python), "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, str(source)], check=True)
    shutil.rmtree(source)
    return venv / "bin" / "jackbean"
