"""The page about what is the same as on AWS: made from the code's tables, and shown by tests."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NUMBERED = re.compile(r"^def (test_mistake_(\d+)_\w+)\(", re.MULTILINE)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("parity")


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("generate")


def test_generated_pages_are_what_their_tables_say(generate: ModuleType) -> None:
    stale = [n for n, made in generate.PAGES.items() if (DOCS / n).read_text() != made()]
    assert stale == [], "run ./dev docs"


def test_a_table_that_has_grown_leaves_a_gap(module: ModuleType) -> None:
    rows = (module.Row("a", module.SAME, "", ("a",)),)
    assert module.covered("things", rows, ["a"]) == rows
    for names in (["a", "b"], []):
        with pytest.raises(module.Gap):
            module.covered("things", rows, names)
    with pytest.raises(module.Gap):
        module.covered("things", rows * 2, ["a"])


def test_each_of_the_twenty_rules_is_shown_by_tests(module: ModuleType) -> None:
    assert len(module.TWENTY) == 20
    for rule in module.TWENTY:
        assert rule.tests, rule.thing
        for test in rule.tests:
            file, _, function = test.partition("::")
            assert f"\ndef {function}(" in (ROOT / file).read_text(), test


def test_a_test_about_a_rule_is_one_of_its_tests(module: ModuleType) -> None:
    """Whoever names a test after a rule's number enters it there."""
    entered = {test for rule in module.TWENTY for test in rule.tests}
    numbered = {
        f"{path.relative_to(ROOT)}::{name}": int(number)
        for path in (ROOT / "tests").rglob("test_*.py")
        for name, number in re.findall(
            r"^def (test_mistake_(\d+)_\w+)\(", path.read_text(), re.MULTILINE
        )
    }
    assert numbered.keys() <= entered
    for test, number in numbered.items():
        assert test in module.TWENTY[number - 1].tests
