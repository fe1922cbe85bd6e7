"""A release's virtual environment: private, made in a millisecond, and thin.

The packages themselves are resolved once for all instances and only read here; what a hook installs
goes into the environment of its own release. It is known as /var/app/venv/staging-LQM1lest, a link
that is set while a release is staged: the one that runs goes by its own path and notices nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

SCRIPTS_MAX = 1_000
SCRIPT_BYTES_MAX = 1 << 20
SHEBANG_BYTES_MAX = 120  # older kernels cut longer ones off
OUR_SCRIPTS = ("python", "activate", "deactivate", "pip", "pydoc")
TRAMPOLINE = b"'''exec'"

ACTIVATE = """\
# Read this with `source`.
deactivate () {{
    PATH="${{_JACKBEAN_OLD_PATH:-$PATH}}"
    export PATH
    unset VIRTUAL_ENV _JACKBEAN_OLD_PATH
    unset -f deactivate
}}
unset PYTHONHOME
_JACKBEAN_OLD_PATH="$PATH"
VIRTUAL_ENV="{venv}"
PATH="$VIRTUAL_ENV/bin:$PATH"
export VIRTUAL_ENV PATH
"""

# What `pip` does here: uv installs into this environment. A bundle that wants pip itself installs
# it, over this.
PIP = '''\
"""Stand in for pip: uv does the same work."""

import os
import sys


def main():
    command = ["uv", "pip", *sys.argv[1:]]
    os.environ["VIRTUAL_ENV"] = sys.prefix
    os.execv({uv!r}, command)


if __name__ == "__main__":
    main()
'''


class Unusable(ValueError):
    """A sentence that says what is missing."""


def make(folder: Path, interpreter: Path, version: str, shown: Path) -> Path:
    """Make an empty environment in `folder`, that is known as `shown`; return its site-packages."""
    interpreter = interpreter.resolve()
    if not os.access(interpreter, os.X_OK):
        raise Unusable(f"The interpreter of Python {version} is not at {interpreter}.")
    site_packages = folder / "lib" / f"python{version}" / "site-packages"
    site_packages.mkdir(parents=True)
    scripts = folder / "bin"
    scripts.mkdir()
    for name in ("python", "python3", f"python{version}"):
        (scripts / name).symlink_to(interpreter)
    (folder / "pyvenv.cfg").write_text(
        f"home = {interpreter.parent}\n"
        "include-system-site-packages = false\n"
        f"version = {version}\n"
        f"executable = {interpreter}\n"
    )
    (scripts / "activate").write_text(ACTIVATE.format(venv=shown))
    return site_packages


def add_pip(folder: Path, site_packages: Path, uv: str) -> None:
    """Give an environment a `pip`, by either of its names."""
    package = site_packages / "pip"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(PIP.format(uv=uv))
    for name in ("pip", "pip3"):
        _write_script(folder, name, b"from pip.__main__ import main\n\nmain()\n")


def add_shared(folder: Path, site_packages: Path, shared: Path) -> None:
    """Let an environment see packages that are installed elsewhere, and have their programs."""
    found = _site_packages(shared)
    line = f"import site; site.addsitedir({str(found)!r})\n"
    (site_packages / "jackbean_shared.pth").write_text(line)
    programs = shared / "bin"
    if not programs.is_dir():
        return
    for program in sorted(programs.iterdir())[:SCRIPTS_MAX]:
        if not program.name.startswith(OUR_SCRIPTS) and program.is_file():
            _add_program(folder, program)


def link(folder: Path, shown: Path) -> None:
    """Make `shown` a link to an environment."""
    new = shown.with_name(f".{shown.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(folder)
    new.replace(shown)


def _site_packages(shared: Path) -> Path:
    for found in (*shared.glob("lib/python3*/site-packages"), shared / "site-packages"):
        if found.is_dir():
            return found
    return shared


def _add_program(folder: Path, program: Path) -> None:
    body = _python_body(program)
    if body is None:
        (folder / "bin" / program.name).symlink_to(program)
    else:
        _write_script(folder, program.name, body)


def _python_body(program: Path) -> bytes | None:
    """Return what follows the first line of a Python script; None if it is something else."""
    if program.stat().st_size > SCRIPT_BYTES_MAX:
        return None
    first, _, rest = program.read_bytes().partition(b"\n")
    if first.startswith(b"#!") and b"python" in first:
        return rest
    if first == b"#!/bin/sh" and rest.startswith(TRAMPOLINE):
        return rest.split(b"\n", 2)[-1]
    return None


def _write_script(folder: Path, name: str, body: bytes) -> None:
    python = str(folder / "bin" / "python")
    shebang = f"#!{python}\n"
    if len(shebang.encode()) > SHEBANG_BYTES_MAX or " " in python:
        shebang = f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n"
    path = folder / "bin" / name
    path.write_bytes(shebang.encode() + body)
    path.chmod(0o755)
