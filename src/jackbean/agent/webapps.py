"""What is told of a web application before Tomcat has it.

Tomcat itself would only log it, and answer every request with 404 or 500.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from xml.parsers import expat

from jackbean.agent.phases import StepFailed
from jackbean.agent.run import Run

DESCRIPTOR = "WEB-INF/web.xml"
CLASSES = "WEB-INF/classes/"
BYTES_MAX = 1 << 20
CLASSES_MAX = 2_000
JAVA_EE = b"javax/servlet/"
JAKARTA_SINCE = 10  # of Tomcat's versions: the classes have other names since


def check(run: Run, place: Path) -> None:
    """Refuse a descriptor that is no XML; warn of classes that this Tomcat does not have.

    `place` is a folder, or a WAR.
    """
    descriptor = next(_read(place, DESCRIPTOR), b"")
    try:
        if descriptor:
            expat.ParserCreate().Parse(descriptor, True)  # noqa: FBT003 - the library's own
    except expat.ExpatError as error:
        name = place.name if place.is_file() else ""
        raise StepFailed(f"{name}{'/' if name else ''}{DESCRIPTOR} is not XML: {error}.") from None
    version = re.match(r"\d+", run.manifest.framework_version)
    if version and int(version[0]) >= JAKARTA_SINCE and is_java_ee(place):
        run.warn(
            f"The application uses javax.servlet, which Tomcat {version[0]} does not have any more "
            "(it is jakarta.servlet since Tomcat 10): choose a platform branch with Tomcat 9, or "
            "convert the application."
        )


def is_java_ee(place: Path) -> bool:
    """Tell if classes of an application's own name those of Java EE's servlets."""
    return any(JAVA_EE in data for data in _read(place, CLASSES, ".class"))


def _read(place: Path, start: str, end: str = "") -> Iterator[bytes]:
    """Yield the files of an application, packed or not, whose names start and end so."""
    if place.is_dir():
        found = (place / start).rglob(f"*{end}") if end else iter((place / start,))
        for _, path in zip(range(CLASSES_MAX), found, strict=False):
            if path.is_file() and path.stat().st_size <= BYTES_MAX:
                yield path.read_bytes()
        return
    with suppress(zipfile.BadZipFile, OSError, RuntimeError), zipfile.ZipFile(place) as archive:
        named = (e for e in archive.infolist() if e.filename.startswith(start))
        for _, entry in zip(range(CLASSES_MAX), named, strict=False):
            if entry.filename.endswith(end) and entry.file_size <= BYTES_MAX:
                yield archive.read(entry)
