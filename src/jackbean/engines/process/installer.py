"""What uv is told, and what its complaints mean: pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

FILES_MAX = 50
FILE_BYTES_MAX = 1 << 20
TAIL_LINES = 50
CAUSE_CHARS_MAX = 600
CROSS = "\N{MULTIPLICATION SIGN}"  # how uv begins when it explains at length
ANSI = re.compile(r"\x1b\[[0-9;]*m")
NAME = re.compile(r"[A-Za-z0-9._+ -]{1,100}")
CAUSE = re.compile(r"^\s*(?:cause:|Caused by:|[╰├]─▶)\s*(.*)$")
UNREACHABLE = (
    "error sending request",
    "dns error",
    "failed to fetch",
    "tcp connect error",
    "connection refused",
    "network is unreachable",
    "operation timed out",
)


def base(runtime: str) -> tuple[str, ...]:
    """Return the packages that the platform brings itself, where an application does not."""
    return ("gunicorn",) if runtime else ()


def checked(files: Mapping[str, str]) -> str:
    """Return the name of the file to install. Raises ValueError for what is no set of files."""
    if not files:
        raise ValueError("There is no dependency file.")
    if len(files) > FILES_MAX:
        raise ValueError(f"There are over {FILES_MAX} dependency files.")
    for name, text in files.items():
        parts = PurePosixPath(name).parts
        if not parts or not all(NAME.fullmatch(p) and p.strip(". ") for p in parts):
            raise ValueError(f"{name!r} is no name for a dependency file.")
        if len(text.encode()) > FILE_BYTES_MAX:
            raise ValueError(f"{name} is over {FILE_BYTES_MAX >> 20} MB.")
    return next(iter(files))


def venv(uv: str, python: str, target: str, *, relocatable: bool) -> tuple[str, ...]:
    """Return the command that makes an empty environment."""
    extra = ("--relocatable",) if relocatable else ()
    return (uv, "venv", "--quiet", "--no-project", "--allow-existing", *extra, "-p", python, target)


def install(uv: str, target: str, what: Sequence[str], *, offline: bool = False) -> tuple[str, ...]:
    """Return the command that installs into an environment."""
    extra = ("--offline",) if offline else ()
    return (uv, "pip", "install", "--no-progress", *extra, "-p", f"{target}/bin/python", *what)


def variables(found: Mapping[str, str], cache: str, config: Path | None) -> dict[str, str]:
    """Return uv's environment: files are copied, since a link would let a later build change them.

    Instances cannot write there, so modules are compiled now.
    """
    return {
        **found,
        "HOME": "/tmp",  # noqa: S108 - the sandbox's own
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "UV_CACHE_DIR": cache,
        "UV_COMPILE_BYTECODE": "1",
        "UV_LINK_MODE": "copy",
        "UV_PYTHON_DOWNLOADS": "never",
        **({"UV_CONFIG_FILE": str(config)} if config else {"UV_NO_CONFIG": "1"}),
    }


def heard(output: str, folder: str) -> str:
    """Return the output as whoever wrote the files in `folder` would have seen it."""
    lines = output.replace(f"{folder}/", "").splitlines()
    return "\n".join(line for line in lines if not line.startswith("Using Python "))


def unreachable(output: str) -> bool:
    """Return whether it failed because of the network, so that a cache may do."""
    lower = output.lower()
    return any(words in lower for words in UNREACHABLE)


def tail(output: str) -> str:
    return "\n".join(ANSI.sub("", output).strip().splitlines()[-TAIL_LINES:])


def cause(output: str, file: str) -> str:
    """Return a sentence that says what cannot be installed and why, in uv's words."""
    lines = ANSI.sub("", output).splitlines()
    start = next((n for n, line in enumerate(lines) if _opens(line)), None)
    if start is None:
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")
        return f"{file} cannot be installed: {last}"[:CAUSE_CHARS_MAX]
    said = [re.sub(rf"^(?:error:|\s*{CROSS})\s*", "", lines[start]).rstrip(":")]
    for line in lines[start + 1 :]:
        if match := CAUSE.match(line):
            said.append(match[1])
        elif len(said) > 1 and line.startswith(" ") and line.strip() and "[" not in line[:12]:
            said[-1] += " " + line.strip(" │")
        elif line.strip():
            break
    said += _last_words(lines[start:])
    return f"{file} cannot be installed: {': '.join(said)}"[:CAUSE_CHARS_MAX]


def _last_words(lines: list[str]) -> list[str]:
    """Return the last line of what a package's own build said: the error that it ended with."""
    bare = [line.strip(" │") for line in lines]
    if "[stderr]" not in bare:
        return []
    after = bare[bare.index("[stderr]") + 1 :]
    end = next((n for n, line in enumerate(after) if line.startswith("hint:")), len(after))
    return [line for line in after[:end] if line][-1:]


def _opens(line: str) -> bool:
    return line.startswith("error:") or line.lstrip().startswith(CROSS)
