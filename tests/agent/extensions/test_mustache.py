"""Mustache, as much of it as files with a context need."""

from __future__ import annotations

from contextlib import suppress
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.agent.extensions.mustache import Malformed, render

CONTEXT: dict[str, Any] = {
    "a": "<b> & c",
    "yes": "true",
    "no": "false",
    "empty": [],
    "list": ["1", "2"],
    "people": [{"name": "Ada"}, {"name": "Bob", "a": "own"}],
    "deep": {"er": {"est": "found"}},
    "none": None,
}
RESULTS = {
    "{{a}}": "&lt;b&gt; &amp; c",
    "{{{a}}} {{&a}}": "<b> & c <b> & c",
    "{{unknown}}|{{none}}": "|",
    "{{#list}}{{.}},{{/list}}": "1,2,",
    "{{#people}}{{name}}:{{{a}}};{{/people}}": "Ada:<b> & c;Bob:own;",
    "{{#yes}}y{{/yes}}{{^yes}}n{{/yes}}": "y",
    "{{#no}}y{{/no}}{{^no}}n{{/no}}": "n",
    "{{#empty}}y{{/empty}}{{^empty}}n{{/empty}}": "n",
    "{{deep.er.est}} {{#deep}}{{er.est}}{{/deep}}": "found found",
    "a{{! a comment }}b": "ab",
    "one\n  {{#list}}\n* {{.}}\n  {{/list}}\ntwo": "one\n* 1\n* 2\ntwo",
    "no tags { } {{": "no tags { } {{",
}


@pytest.mark.parametrize(("template", "wanted"), RESULTS.items())
def test_results(template: str, wanted: str) -> None:
    assert render(template, CONTEXT) == wanted


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{#a}}", "section a does not end"),
        ("{{/a}}", "was not begun"),
        ("{{#a}}{{#b}}{{/a}}{{/b}}", "was not begun"),
        ("{{#a}}" * 40 + "{{/a}}" * 40, "nested more than 30 deep"),
    ],
)
def test_malformed(template: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        render(template, {"a": "x", "b": "x"})


def test_bombs_are_refused() -> None:
    template = reduce(lambda inner, n: f"{{{{#l}}}}{inner}{{{{/l}}}}", range(20), "x")
    with pytest.raises(Malformed, match="over 4 MB"):
        render(template, {"l": ["a"] * 20})


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{}#^/&! ab\n", max_size=80))
def test_any_template_is_rendered_or_malformed(template: str) -> None:
    with suppress(Malformed):
        assert isinstance(render(template, {"a": ["x"], "b": {"a": "y"}}), str)
