"""Filter patterns: what is understood means what it does on AWS, and the rest is refused."""

from __future__ import annotations

import json

import pytest

from jackbean.core.errors import Fault
from jackbean.services.logs.patterns import compiled

LINES = ("[ERROR] cart", "ERROR timeout", "WARN timeout", 'say "hi" now', "a.b-c_d")


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("", LINES),
        ("   ", LINES),
        ("ERROR", ("[ERROR] cart", "ERROR timeout")),
        ("error", ()),
        ("timeout ERROR", ("ERROR timeout",)),
        ('"ERROR timeout"', ("ERROR timeout",)),
        ('"[ERROR]"', ("[ERROR] cart",)),
        ("ERROR -timeout", ("[ERROR] cart",)),
        ('-ERROR -"hi"', ("WARN timeout", "a.b-c_d")),
        ("?cart ?WARN", ("[ERROR] cart", "WARN timeout")),
        (r'"\"hi\""', ('say "hi" now',)),
        ("a.b-c_d", ("a.b-c_d",)),
    ],
)
def test_terms(pattern: str, matching: tuple[str, ...]) -> None:
    match = compiled(pattern)
    assert tuple(line for line in LINES if match(line)) == matching


DOCUMENT = {
    "status": 503,
    "path": "/cart/add",
    "user": {"name": "ann", "admin": True, "mail": None},
    "tags": ["a", {"deep": 1.5}],
    "a name": "x[1]",
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.path = "/cart/add" }', True),
        ("{ $.path = /cart/* }", True),
        ('{ $.path = "*/add" }', True),
        ('{ $.path = "cart" }', False),
        ('{ $.path != "/cart/*" }', False),
        ('{ $.none != "x" }', False),
        ("{ $.status = 503 }", True),
        ('{ $.status = "503" }', False),
        ("{ $.status >= 500 && $.status < 600 }", True),
        ("{ $.status > 503 || $.user.name = ann }", True),
        ("{ ($.status = 1 || $.status = 503) && ($.user.name = bob) }", False),
        ("{ $.status = 503 || $.status = 1 && $.user.name = bob }", True),
        ("{ $.user.admin IS TRUE }", True),
        ("{ $.user.admin IS FALSE }", False),
        ("{ $.user.mail IS NULL }", True),
        ("{ $.user.phone NOT EXISTS }", True),
        ("{ $.user.mail not exists }", False),
        ("{ $.tags[1].deep = 1.5 }", True),
        ("{ $.tags[7] = a }", False),
        ('{ $["a name"] = "x[1]" }', True),
        ("{ $.user.admin = 1 }", False),
    ],
)
def test_members(pattern: str, expected: bool) -> None:
    assert compiled(pattern)(json.dumps(DOCUMENT)) is expected


def test_what_is_no_json_object_matches_no_members() -> None:
    match = compiled("{ $.a NOT EXISTS }")
    assert match("{}")
    for line in ("", "nothing", "[1]", '"a"', "[" * 100_000):
        assert not match(line)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[ip, user, ...]", "columns in brackets"),
        ("%ERR.*%", "regular expressions"),
        ("ERROR ?WARN", "do not go together"),
        ('say "hi', "cannot be read"),
        ("{", "ends too early"),
        ("{ }", "a path is missing"),
        ("{ $.a = 1", "} is missing"),
        ("{ $.a = 1 } x", "follows the closing"),
        ("{ $.a }", "'}' is no comparison"),
        ("{ $.a = }", "a value is missing"),
        ("{ $.a > b }", "compares with a number"),
        ("{ $.a IS BIG }", "IS NULL, TRUE, FALSE"),
        ("{ $.a = 1 && }", "a path is missing"),
        ("{ " + "(" * 30 + "$.a = 1" + ")" * 30 + " }", "nested deeper"),
        ("{ $.a = 'x' }", "cannot be read"),
        ("x" * 1025, "longer than 1024"),
    ],
)
def test_what_is_not_understood_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(Fault, match="filter") as refused:
        compiled(pattern)
    assert why in refused.value.message
    assert refused.value.code == "InvalidParameterException"
