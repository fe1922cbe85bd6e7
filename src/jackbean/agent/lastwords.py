"""What a program said of its end: the one line of its output that names the cause.

Programs print it among many: the lines of a stack, of a supervisor that goes down with them, of a
log. Each language has a form for it.
"""

from __future__ import annotations

import re

CHARS_MAX = 300
FORMS = (
    r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|NotFound|Exit)\b(?:: .*)?",  # Python
    r"(?:\w*Error|Error \[\w+\]): .*",  # Node.js, Java's launcher
    r'Exception in thread "[^"]*" .*',
    r"Caused by: .*|no main manifest attribute, in .*|I(?:nvalid|nitial) .*heap size.*",
    r"panic: .*|fatal error: .*",  # Go
    r".*\((?:\w+::)*\w*(?:Error|NotFound)\)",  # Ruby
    r"Unhandled exception\. .*|Framework: '.*', version .*",  # .NET
    r"(?:/bin/)?(?:ba|da)?sh: (?:line )?\d*:? ?.*(?:not found|denied|No such file.*|error.*)",
    r"env: .*: No such file or directory",
)
SAYS_NOTHING = re.compile(r".*(?:fatal exception has occurred|Could not create the Java V).*")
TELLING = re.compile("|".join(f"(?:{form})" for form in FORMS))


def telling(output: str) -> str:
    """Return the last line that says why a program ended; nothing if none does so plainly."""
    lines = (line.strip() for line in reversed(output.splitlines()))
    found = next((line for line in lines if _tells(line)), "")
    return found[:CHARS_MAX].rstrip(".")


def _tells(line: str) -> bool:
    return bool(TELLING.fullmatch(line)) and not SAYS_NOTHING.fullmatch(line)
