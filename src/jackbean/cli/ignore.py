"""Which files a bundle leaves out: the patterns of gitignore, for `.ebignore`.

A later pattern wins over an earlier one, `!` takes back, and what is below an ignored folder stays
ignored. A pattern without a slash (but at its end) fits at any depth; one with a slash is anchored
at the root; a slash at the end asks for a folder. `**` stands for any number of folders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PATTERN_MAX = 4096
CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}


@dataclass(frozen=True)
class Rule:
    regex: re.Pattern[str]
    keeps: bool
    folders_only: bool

    def fits(self, path: str, *, folder: bool) -> bool:
        return (folder or not self.folders_only) and bool(self.regex.fullmatch(path))


class Ignore:
    """The rules of one file. Ask about folders before what is in them: see `bundle`."""

    def __init__(self, text: str) -> None:
        rules = (_rule(line) for line in text.splitlines())
        self._rules = [rule for rule in rules if rule is not None]

    def leaves_out(self, path: str, *, folder: bool) -> bool:
        """Say whether a path, relative and with slashes, is left out."""
        for rule in reversed(self._rules):
            if rule.fits(path, folder=folder):
                return not rule.keeps
        return False


def _rule(line: str) -> Rule | None:
    pattern = _trimmed(line[:PATTERN_MAX].removeprefix("\N{BYTE ORDER MARK}"))
    if not pattern or pattern.startswith("#"):
        return None
    keeps = pattern.startswith("!")
    pattern = pattern[1:] if keeps else pattern
    folders_only = pattern.endswith("/")
    pattern = pattern[:-1] if folders_only else pattern
    if not pattern:
        return None
    anchored = "/" in pattern
    pattern = pattern.removeprefix("/")
    regex = _anchored(pattern) if anchored else f"(?:.*/)?{_regex(pattern)}"
    return Rule(re.compile(regex, re.DOTALL), keeps, folders_only)


def _anchored(pattern: str) -> str:
    """Translate what is before the first wildcard by itself: to git, `a**/b` begins with `**/`."""
    plain = re.match(r"[^*?\[\\]*", pattern)
    prefix = plain.group() if plain else ""
    return re.escape(prefix) + _regex(pattern[len(prefix) :])


def _trimmed(line: str) -> str:
    """Take away the spaces at the end that no backslash keeps."""
    kept = line.rstrip("\r").rstrip(" ")
    slashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if slashes % 2 and len(kept) < len(line.rstrip("\r")) else kept


TOKEN = re.compile(
    r"""
    (?P<lead> ^(?:\*{2,}/)+ )      # **/name: at any depth
  | (?P<tail> /\*{2,}$ )          # name/**: everything inside
  | (?P<deep> (?:/\*{2,})+(?=/) )  # a/**/b: with any folders between
  | (?P<star> \*+ )
  | (?P<one> \? )
  | (?P<set> \[[!^]?\]?(?:\[:[^]]*:\]|\\.|[^]\\])*\] )
  | (?P<quoted> \\. )
  | (?P<plain> . )
    """,
    re.VERBOSE | re.DOTALL,
)
MEMBER = re.compile(
    r"\[:(?P<named>[^]]*):\] | (?P<low>\\.|.)(?:-(?P<high>\\.|[^\\]))?", re.VERBOSE | re.DOTALL
)
FIXED = {"lead": "(?:.*/)?", "tail": "/.+", "deep": "(?:/.*)?", "star": "[^/]*", "one": "[^/]"}
NOTHING = "(?!)"  # a set that is not closed, a class that does not exist: git fits nothing to it


def _regex(pattern: str) -> str:
    if re.fullmatch(r"\*{2,}", pattern):
        return ".*"
    return "".join(_translated(token) for token in TOKEN.finditer(pattern))


def _translated(token: re.Match[str]) -> str:
    kind, text = token.lastgroup or "", token.group()
    if kind in FIXED:
        return FIXED[kind]
    if kind == "set":
        return _set(text[1:-1])
    if kind == "plain" and text in "[\\":
        return NOTHING
    return re.escape(text[-1])


def _set(body: str) -> str:
    """Translate what is between brackets: it never fits a slash."""
    negated = body[:1] in ("!", "^")
    members = [_member(found) for found in MEMBER.finditer(body[negated:])]
    if None in members:
        return NOTHING
    return f"(?!/)[{'^' if negated else ''}{''.join(filter(None, members))}]"


def _member(found: re.Match[str]) -> str | None:
    if found["named"] is not None:
        return CLASSES.get(found["named"])
    low, high = found["low"][-1], (found["high"] or found["low"])[-1]
    span = f"{re.escape(low)}-{re.escape(high)}" if low < high else ""
    return re.escape(low) + span
