"""Source bundles that must not work, and what is to be said of each."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.installation import app, bundle

MIB = 1 << 20


@dataclass(frozen=True)
class Bad:
    """A bundle, what its events have to say, and whether the old version stops because of it."""

    content: Callable[[], bytes]
    says: tuple[str, ...]
    late: bool = False


def linked() -> bytes:
    """Return an application with a symbolic link that leads out of it."""
    buffer = io.BytesIO(app("linked"))
    link = zipfile.ZipInfo("static/out")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(link, "../../../../../../etc")
    return buffer.getvalue()


def zeros(announced: int, held: int) -> bytes:
    """Return a ZIP of five files of zeros; each announces one size and holds another."""
    packed = _deflated_zeros(held)
    members, directory = b"", b""
    for number in range(5):
        name = b"zeros%d" % number
        facts = (20, 0, 8, 0, 33, 0, len(packed), announced, len(name), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + struct.pack("<5H3L2H", *facts)
        directory += struct.pack("<3H2L", 0, 0, 0, 0, len(members)) + name
        members += b"PK\3\4" + struct.pack("<5H3L2H", *facts) + name + packed
    end = struct.pack("<4H2LH", 0, 0, 5, 5, len(directory), len(members), 0)
    return members + directory + b"PK\5\6" + end


def _deflated_zeros(size: int) -> bytes:
    """Return `size` zeros deflated, at a thousandth of it: one piece again and again."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = deflate.compress(bytes(64 * MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return piece * (size // (64 * MIB)) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()


DIES = """
def application(environ, start_response): ...
raise SystemExit("the database is not where it should be")
"""
DEAF = "web: sleep 1000\n"
YAML = "option_settings:\n  - namespace: a\n\t option_name: b\n"

EARLY = {
    "not a zip": Bad(lambda: b"This is no zip at all. " * 100, ("cannot be unpacked", "ZIP")),
    "cut short": Bad(lambda: app("cut")[:-30], ("cannot be unpacked",)),
    "path outside": Bad(
        lambda: bundle({"application.py": "", "../../../../etc/cron.d/evil": "x"}),
        ("'../../../../etc/cron.d/evil' leads out of the bundle",),
    ),
    "absolute path": Bad(
        lambda: bundle({"application.py": "", "/etc/cron.d/evil": "x"}),
        ("'/etc/cron.d/evil' is absolute",),
    ),
    "link outside": Bad(linked, ("static/out is a link to", "leads out of the bundle")),
    "bomb": Bad(lambda: zeros(2048 * MIB, 2048 * MIB), ("It unpacks to 10,240 MB",)),
    "bomb that lies": Bad(lambda: zeros(1000, 2048 * MIB), ("holds more than the 1000 bytes",)),
    "one folder": Bad(
        lambda: bundle({"myapp/application.py": "", "myapp/requirements.txt": ""}),
        ("myapp",),
    ),
    "no application": Bad(lambda: bundle({"README.md": "nothing"}), ("application",)),
    "requirement": Bad(
        lambda: app("needy", **{"requirements.txt": "jackbean-has-no-such-package==1.0\n"}),
        ("requirements.txt", "jackbean-has-no-such-package"),
    ),
    "hook fails": Bad(
        lambda: app(
            "hook", **{".platform/hooks/predeploy/01.sh": "#!/bin/sh\necho no luck; exit 3\n"}
        ),
        ("predeploy", "01.sh", "no luck"),
    ),
}
LATE = {
    "never listens": Bad(
        lambda: app("deaf", Procfile=DEAF), ("nothing listens on", "PORT"), late=True
    ),
    "dies at start": Bad(
        lambda: bundle({"application.py": DIES}),
        ("wait for application", "the database is not where it should be", "web.stdout.log"),
        late=True,
    ),
    "syntax error": Bad(
        lambda: bundle({"application.py": "def application(:\n"}),
        ("process web exited", "SyntaxError", "web.stdout.log"),
        late=True,
    ),
}
REFUSED = {"malformed extension": YAML, "no mapping": "- a\n- b\n", "not text": "\0\1\2"}
LEGACY = """
option_settings:
  aws:elasticbeanstalk:container:python:staticfiles:
    /static/: static/
  aws:elasticbeanstalk:container:nodejs:
    NodeCommand: npm start
"""
