"""CloudWatch Logs' filter patterns, as far as they are understood here.

    (nothing)               everything
    ERROR timeout           lines with all of the terms, in any order
    "GET /cart" -healthz    a phrase; and not the term after a minus
    ?ERROR ?WARN            any of the terms
    { $.status >= 500 && $.path != "/*.css" }    members of lines that are JSON

Case counts, and a term is found within words. Whatever else AWS knows (regular expressions between
percent signs, columns in brackets) is refused, rather than taken for something that it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from jackbean.services.logs import faults
from jackbean.services.logs.jsonpatterns import compiled_json

CHARS_MAX = 1024
WORD = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')
PLAIN = re.compile(r"[\w.@/:,+*#&$=!;~<>|^'`()\\-]+")

Match = Callable[[str], bool]


def compiled(pattern: str) -> Match:
    """Return what tells if a line matches. Raises the Fault for what is not understood."""
    said = pattern.strip()
    if len(pattern) > CHARS_MAX:
        raise faults.invalid(f"filterPattern is longer than {CHARS_MAX} characters.")
    if not said:
        return lambda _: True
    if said.startswith("{"):
        return compiled_json(said)
    if said.startswith("["):
        raise _unknown(
            "columns in brackets are not available here; use terms or { $.member = ... }"
        )
    return _of_terms(said)


def _of_terms(said: str) -> Match:
    wanted: dict[str, list[str]] = {"": [], "?": [], "-": []}
    at = 0
    while at < len(said):
        word = WORD.match(said, at)
        if word is None:
            raise _unknown(f"it cannot be read from '{said[at : at + 20]}' on; put it in quotes")
        sign, phrase, plain = word.groups()
        wanted[sign].append(_plain(plain) if phrase is None else re.sub(r"\\(.)", r"\1", phrase))
        at = word.end()
    if wanted["?"] and (wanted[""] or wanted["-"]):
        raise _unknown("terms with ? and terms without one do not go together")
    return _matcher(wanted[""], wanted["?"], wanted["-"])


def _matcher(every: Sequence[str], some: Sequence[str], none: Sequence[str]) -> Match:
    def match(line: str) -> bool:
        return (
            all(term in line for term in every)
            and (not some or any(term in line for term in some))
            and not any(term in line for term in none)
        )

    return match


def _plain(term: str) -> str:
    if term.startswith("%"):
        raise _unknown("regular expressions are not available here; use terms or phrases")
    if not PLAIN.fullmatch(term):
        raise _unknown(f"put '{term[:40]}' in double quotes")
    return term


def _unknown(why: str) -> Exception:
    return faults.invalid(f"Invalid filter pattern: {why}.")
