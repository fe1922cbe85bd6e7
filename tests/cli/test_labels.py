"""Names that are made up."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.cli import labels

NOW = datetime(2026, 11, 23, 13, 24, 17, 138944)  # noqa: DTZ001 - only its digits matter


def test_a_label_tells_commit_and_time() -> None:
    assert labels.version_label("v1.2-3-gabcd", NOW) == "app-v1_2-3-gabcd-261123_132417138944"
    assert labels.version_label("", NOW) == "app-261123_132417138944"
    staged = labels.version_label("abcd", NOW, staged=True)
    assert staged == "app-abcd-261123_132417138944-stage-261123_132417138944"


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("shop", "shop-dev"),
        ("My Shop!", "My-Shop-dev"),
        ("a" * 60, "a" * 36 + "-dev"),
        ("***", "app-dev"),
    ],
)
def test_an_environment_is_called_after_its_application(application: str, expected: str) -> None:
    assert labels.environment_name(application) == expected


@given(st.text())
def test_made_up_names_are_always_valid(text: str) -> None:
    name = labels.environment_name(text)
    assert labels.ENVIRONMENT_MIN <= len(name) <= labels.ENVIRONMENT_MAX
    assert name.replace("-", "").isascii()
    assert not name.startswith("-")
    application = labels.application_name(text)
    assert 1 <= len(application) <= labels.APPLICATION_MAX
    assert "/" not in application


@given(st.text(max_size=400))
def test_descriptions_fit(text: str) -> None:
    cut = labels.description(text)
    assert len(cut) <= labels.DESCRIPTION_MAX
    assert cut == text or cut.endswith("...")


def test_pairs() -> None:
    assert labels.pairs("A=1, B=x=y,C=", "--envvars") == {"A": "1", "B": "x=y", "C": ""}
    assert labels.pairs("", "--envvars") == {}
    with pytest.raises(ValueError, match="'B' in --envvars"):
        labels.pairs("A=1,B", "--envvars")
