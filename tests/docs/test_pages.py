"""Pages that lead somewhere, speak of the project only, and are found from the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jackbean import __version__

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("samples/**/*.md")])
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`|^    .*$", re.DOTALL | re.MULTILINE)
# What is left over from writing.
LEFT_OVER = re.compile(r"\b(?:TODO|FIXME|XXX|lorem)\b", re.IGNORECASE)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made on the web."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(CODE.sub("", page.read_text())):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{name(page)} links to {target}"
        assert not anchor or anchor in anchors(there), f"{name(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_speak_of_the_project_only(page: Path) -> None:
    text = re.sub(r"https?://\S+|\(#[^)]*\)|\]: #\S+", "", page.read_text())
    assert not [m.group() for m in LEFT_OVER.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_begins_with_its_title(page: Path) -> None:
    assert page.read_text().startswith("# ")


def test_the_index_has_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / t).resolve() for t in LINK.findall(index.read_text())}
    decisions = index.parent / "decisions" / "README.md"
    listed |= {(decisions.parent / t).resolve() for t in LINK.findall(decisions.read_text())}
    pages = set((ROOT / "docs").rglob("*.md")) - {index}
    assert {name(p) for p in pages - listed} == set()


def test_the_first_screen_has_the_two_commands() -> None:
    screen = (ROOT / "README.md").read_text().partition("\n## ")[0]
    lines = screen.splitlines()
    commands = [line.split("#")[0].strip() for line in lines if line.startswith("    ")]
    assert commands == ["./dev demo", "./dev test"]
    assert len(lines) <= 24
    assert all(word in screen for word in ("x86-64", "arm64", "glibc 2.31", "WSL2"))


def test_the_changelog_has_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d$", text, re.MULTILINE)
    assert "## [Unreleased]" in text


def test_the_glossary_is_in_order_and_closed() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    words = re.findall(r"^\| (?!word)([A-Z][\w ,]*?) \|", text, re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    known = {w.lower().split(",")[0] for w in words}
    used = {u.lower() for u in re.findall(r"\*([^*\s]+)\*", text.partition("\n\n|")[2])}
    modes = {"root", "user", "plain"}
    unknown = {u for u in used - modes if not {u, u.removesuffix("s")} & known}
    assert not unknown
