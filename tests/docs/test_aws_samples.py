"""The page about AWS's samples, and the code that makes it."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "ebextensions-samples.md"
ROW = re.compile(r"\| `([^`]+\.config)` \| ([^|]+) \| (.*) \|")
CHECKOUT = os.environ.get("JACKBEAN_AWS_SAMPLES", "")
COUNT = 115


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("aws_samples")


JUDGED = {
    "a comment": ("# nothing\n", "applied", ""),
    "an option": ("option_settings: {'aws:autoscaling:asg': {MinSize: 2}}", "applied", ""),
    "a file": ("files: {/opt/x: {content: y}}", "applied", ""),
    "a resource": ("Resources: {T: {Type: 'AWS::SNS::Topic'}}", "applied", ""),
    "one without a meaning here": (
        "Resources: {R: {Type: 'AWS::IAM::Role'}}",
        "applied with a warning",
        "R: without a meaning here",
    ),
    "a function where none is evaluated": (
        "option_settings: {'aws:elb:listener:443': {SSLCertificateId: {Ref: 'AWS::Region'}}}",
        "applied with a warning",
        "functions are not evaluated there",
    ),
    "Windows": ("commands: {a: {command: powershell.exe x}}", "refused", "Windows"),
    "a fault": ("commands: {a: {}}", "refused", "line 1: commands: a: it has no `command`"),
    "no YAML": ("a: [", "refused", "invalid YAML"),
}


@pytest.mark.parametrize(("text", "result", "says"), JUDGED.values(), ids=JUDGED)
def test_judges(samples: ModuleType, text: str, result: str, says: str) -> None:
    verdict = samples.judge("folder/x.config", text.encode())
    assert verdict.result == result, verdict
    assert says in " ".join(verdict.reasons)
    assert bool(verdict.reasons) is (result != "applied")


def test_the_page_speaks_of_every_sample() -> None:
    text = PAGE.read_text()
    rows = ROW.findall(text)
    assert len({path for path, _, _ in rows}) == COUNT
    for result in ("applied", "applied with a warning"):
        (said,) = re.findall(rf"^\| {result}[^|]* \| (\d+) \|$", text, re.MULTILINE)[:1] or ["0"]
        assert int(said) == sum(found == result for _, found, _ in rows)
    for path, result, reasons in rows:
        assert bool(reasons) is (result != "applied"), path


@pytest.mark.skipif(not CHECKOUT, reason="JACKBEAN_AWS_SAMPLES names no checkout")
def test_the_page_is_true_of_the_checkout(samples: ModuleType) -> None:
    assert samples.page(Path(CHECKOUT)) == PAGE.read_text()
