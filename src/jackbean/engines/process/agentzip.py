"""The agent as one file: a zip that Python runs, with its modules compiled.

It is copied to each instance that starts, so a new control plane changes nothing under a running
agent.
"""

from __future__ import annotations

import importlib.util
import marshal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import jackbean

MAIN = """\
import sys

if sys.argv[1:2] == ["sqsd"]:  # without the agent, to be smaller
    from jackbean.sqsd.main import main
    sys.exit(main(sys.argv[2:]))
from jackbean.agent.main import main
sys.exit(main(sys.argv[1:]))
"""
PACKAGES = ("agent", "sqsd")  # whole
MODULES = (
    "__init__.py",
    "core/__init__.py",
    "core/daemon.py",
    "core/instructions.py",
    "core/protocol.py",
    "core/pythons.py",
)
OLDEST = (1980, 1, 1, 0, 0, 0)  # the same content makes the same file
UNCHECKED = 0b01  # a compiled module that is not compared with its source


def build(target: Path) -> Path:
    """Write the agent to `target` whole and return it."""
    new = target.with_name(target.name + ".new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in (("__main__.py", MAIN), *_sources(Path(jackbean.__file__).parent)):
            archive.writestr(zipfile.ZipInfo(name, OLDEST), source)
            archive.writestr(zipfile.ZipInfo(name + "c", OLDEST), _compiled(name, source))
    return new.replace(target)


def _sources(package: Path) -> Iterator[tuple[str, str]]:
    """Yield (name in the archive, text) of each module that the agent needs."""
    wanted = [package / name for name in MODULES]
    for name in PACKAGES:
        wanted += sorted((package / name).rglob("*.py"))
    for path in wanted:
        yield f"jackbean/{path.relative_to(package)}", path.read_text()


def _compiled(name: str, source: str) -> bytes:
    code = compile(source, name, "exec", dont_inherit=True)
    digest = importlib.util.source_hash(source.encode())
    flags = UNCHECKED.to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + digest + marshal.dumps(code)
