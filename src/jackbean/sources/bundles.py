"""What the control plane reads of a source bundle: the option settings in `.ebextensions`.

A bundle is hostile. It is read with bounds on everything, never unpacked here, and one that is no
ZIP at all is passed over: the instance that unpacks it says so, and the event reaches people.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jackbean.core.errors import invalid
from jackbean.core.options.settings import Settings
from jackbean.sources.extensions import ConfigFile, read_config

FOLDER = ".ebextensions/"
SUFFIX = ".config"
FILES_MAX = 200
FILE_BYTES_MAX = 1 << 20
ENTRIES_MAX = 200_000


@dataclass(frozen=True)
class Extensions:
    """Settings of all config files, the later file winning, and what to warn about."""

    settings: Settings = Settings()  # noqa: RUF009 - immutable
    warnings: tuple[str, ...] = ()


def read_extensions(path: Path) -> Extensions:
    """Return what the bundle at `path` sets. Raises a Fault that names every bad file and line."""
    try:
        with zipfile.ZipFile(path) as bundle:
            texts = dict(_texts(bundle))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return Extensions()
    files = [read_config(name, texts[name]) for name in sorted(texts)]
    faults = [fault for file in files for fault in file.faults]
    if faults:
        raise invalid("\n".join(faults))
    return _merged(files)


def _merged(files: list[ConfigFile]) -> Extensions:
    settings = Settings()
    for file in files:
        settings = settings.with_(file.settings)
    return Extensions(settings, tuple(w for file in files for w in file.warnings))


def _texts(bundle: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each config file directly in the folder."""
    if len(bundle.infolist()) > ENTRIES_MAX:
        raise ValueError("too many entries")
    wanted = [e for e in bundle.infolist() if _config(e.filename)]
    if len(wanted) > FILES_MAX:
        raise invalid(f"{FOLDER} holds {len(wanted)} config files; at most {FILES_MAX} are read.")
    for entry in wanted:
        with bundle.open(entry) as file:
            text = file.read(FILE_BYTES_MAX + 1)
        if len(text) > FILE_BYTES_MAX:
            raise invalid(f"{_name(entry.filename)} is larger than {FILE_BYTES_MAX} bytes.")
        yield _name(entry.filename), text


def _name(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


def _config(name: str) -> bool:
    folder, _, file = _name(name).rpartition("/")
    return folder + "/" == FOLDER and file.endswith(SUFFIX)
