"""What a Python bundle says it depends on: requirements.txt, else Pipfile.lock, else Pipfile.

A dependency file whose meaning is in its text alone can be resolved once for all instances. One
that points at files of the bundle, or at variables, has to be installed in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

READ = ("requirements.txt", "Pipfile.lock", "Pipfile")
UNREAD = {  # and what makes a requirements.txt of it
    "uv.lock": "uv export > requirements.txt",
    "poetry.lock": "poetry export > requirements.txt",
    "pdm.lock": "pdm export > requirements.txt",
    "environment.yml": "pip list --format freeze > requirements.txt",
    "pyproject.toml": "uv pip compile pyproject.toml > requirements.txt",
    "setup.py": "echo . > requirements.txt",
}
FILES_MAX = 50
FILE_BYTES_MAX = 1 << 20
INCLUDE = r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?=\S))(\S+)"
OPTION_IN_PLACE = r"(?:-e\b|--editable\b|-f\b|--find-links\b)"
VARIABLE = r"\$\{[A-Z0-9_]+\}"
REMOTE = r"(?i)(?:[a-z]+\+)?https?://|(?:git|hg|svn|bzr)\+(?:ssh|git)://"
LOCAL_PATH = r"\.{0,2}/|~|[A-Za-z]:\\|\.$|file:|[^\s#;@\[<>=!~]+\.(?:whl|zip|tar\.gz)\b"
DEFAULT_INDEX = "https://pypi.org/simple"


@dataclass
class Dependencies:
    """The files by name, the first of which is what is installed; and why they are not enough.

    `source` is the file of the bundle that they come from, empty if it has none.
    """

    source: str = ""
    files: dict[str, str] = field(default_factory=dict)
    in_place: str = ""


class Unusable(ValueError):
    """A sentence that names the file and the line."""


def read(root: Path) -> Dependencies:
    """Return what the bundle in `root` depends on. Raises Unusable."""
    for name, reader in zip(READ, (_requirements, _pipfile_lock, _pipfile), strict=True):
        if (root / name).is_file():
            return reader(root, name)
    return Dependencies(files={"requirements.txt": ""})


def unread(root: Path) -> str:
    """Return a sentence if a bundle lists its dependencies only where nobody looks for them."""
    if any((root / name).is_file() for name in READ):
        return ""
    found = next((name for name in UNREAD if (root / name).is_file()), "")
    if not found:
        return ""
    return (
        f"What {found} lists is not installed: Elastic Beanstalk reads {', '.join(READ)}. Write "
        f"one, for instance with `{UNREAD[found]}`."
    )


def _requirements(root: Path, name: str) -> Dependencies:
    found = Dependencies(source=name)
    waiting = [name]
    while waiting:
        file = waiting.pop(0)
        if file in found.files:
            continue
        if len(found.files) == FILES_MAX:
            raise Unusable(f"{name} includes over {FILES_MAX} files.")
        found.files[file] = text = _text(root, file)
        for number, line in _lines(text):
            include = re.match(INCLUDE, line)
            reason = "" if include else _why_in_place(root, file, line)
            if include and not re.match(REMOTE, include[1]):
                waiting.append(_included(root, file, include[1], number))
            found.in_place = found.in_place or (reason and f"{file}, line {number}: {reason}")
    return found


def _text(root: Path, file: str) -> str:
    path = root / file
    if path.stat().st_size > FILE_BYTES_MAX:
        raise Unusable(f"{file} is over {FILE_BYTES_MAX >> 20} MB.")
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unusable(f"{file}, line {line}: it is not UTF-8; save it so.") from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Return the logical lines and the number of the first physical one of each."""
    number, start, held = 0, 1, ""
    for number, raw in enumerate(text.splitlines(), 1):
        held += raw
        if held.endswith("\\"):
            held = held[:-1]
            continue
        line = re.sub(r"(^|\s)#.*$", "", held).strip()
        if line:
            yield start, line
        held, start = "", number + 1
    if held.strip():
        yield min(start, number), held.strip()


def _included(root: Path, file: str, target: str, number: int) -> str:
    """Return the name, relative to the root, of a file that another includes."""
    parts: list[str] = []
    for part in (PurePosixPath(file).parent / target.strip("\"'")).parts:
        if part == "..":
            if not parts:
                raise Unusable(f"{file}, line {number}: {target} is outside of the bundle.")
            parts.pop()
        elif part != ".":
            parts.append(part)
    name = "/".join(parts)
    real_root = root.resolve()
    path = (root / name).resolve()
    if name.startswith("/") or not path.is_relative_to(real_root) or not path.is_file():
        raise Unusable(f"{file}, line {number}: {target} is not in the bundle.")
    return name


def _why_in_place(root: Path, file: str, line: str) -> str:
    if re.match(OPTION_IN_PLACE, line) and not re.search(REMOTE, line):
        return f"`{line[:80]}` points into the bundle"
    if re.search(VARIABLE, line):
        return f"`{line[:80]}` has a variable in it"
    if line.startswith("-"):
        return ""
    goal = line.partition("@")[2].strip() if re.match(r"[\w.\[\],-]+\s*@", line) else line
    if re.match(LOCAL_PATH, goal) and not re.match(REMOTE, goal):
        return f"`{line[:80]}` is a path in the bundle"
    folder = (root / file).parent / goal
    if "/" in goal and not re.match(REMOTE, goal) and not goal.startswith("/") and folder.exists():
        return f"`{line[:80]}` is a path in the bundle"
    return ""


# Pipenv's files are turned into the requirements that they stand for.


def _pipfile_lock(root: Path, name: str) -> Dependencies:
    import json  # noqa: PLC0415 - rarely needed

    try:
        data = json.loads(_text(root, name))
        sources = data.get("_meta", {}).get("sources", [])
        return _from_pipenv(name, data["default"], sources)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        if isinstance(error, Unusable):
            raise
        raise Unusable(f"{name} is not what Pipenv writes ({error}); lock again.") from None


def _pipfile(root: Path, name: str) -> Dependencies:
    import tomllib  # noqa: PLC0415 - rarely needed

    try:
        data = tomllib.loads(_text(root, name))
        return _from_pipenv(name, data.get("packages", {}), data.get("source", []))
    except (ValueError, AttributeError, TypeError) as error:
        if isinstance(error, Unusable):
            raise
        raise Unusable(f"{name} is not TOML as Pipenv has it ({error}).") from None


def _from_pipenv(name: str, packages: dict[str, Any], sources: list[Any]) -> Dependencies:
    urls = [str(source["url"]) for source in sources]
    lines = [
        f"{'--extra-index-url' if number else '--index-url'} {url}"
        for number, url in enumerate(urls)
        if url.rstrip("/") != DEFAULT_INDEX
    ]
    found = Dependencies(source=name)
    for package, wish in sorted(packages.items()):
        wish = {"version": wish} if isinstance(wish, str) else wish  # noqa: PLW2901 - its long form
        lines.append(_pipenv_line(package, wish))
        if "path" in wish or "file" in wish:
            found.in_place = f"{name}: {package} is a path in the bundle"
    found.files["requirements.txt"] = "".join(f"{line}\n" for line in lines)
    if re.search(VARIABLE, found.files["requirements.txt"]):
        found.in_place = f"{name} has variables in it"
    return found


def _pipenv_line(package: str, wish: dict[str, Any]) -> str:
    if "path" in wish or "file" in wish:
        goal = str(wish.get("path") or wish.get("file"))
        return f"-e {goal}" if wish.get("editable") else goal
    extras = f"[{','.join(wish['extras'])}]" if wish.get("extras") else ""
    line = f"{package}{extras}"
    if "git" in wish:
        reference = f"@{wish['ref']}" if wish.get("ref") else ""
        line += f" @ git+{wish['git']}{reference}"
    else:
        version = str(wish.get("version", "*"))
        line += "" if version == "*" else version
    if wish.get("markers"):
        line += f" ; {wish['markers']}"
    if "\n" in line:
        raise Unusable(f"{package!r} has a line break in it.")
    return " ".join((line, *(f"--hash={digest}" for digest in wish.get("hashes", ()))))
