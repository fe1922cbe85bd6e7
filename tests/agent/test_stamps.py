"""When lines say that they were written."""

from __future__ import annotations

import pytest

from jackbean.agent.stamps import since, stamp

AT = 1_767_322_800.0  # 2026-01-02 03:00:00 UTC


@pytest.mark.parametrize(
    "line",
    [
        b"2026-01-02T03:00:00Z [OK] step",
        b"2026-01-02 03:00:00,123 [INFO] cfn",
        b"2026-01-02T05:00:00.5+02:00 x",
        b"2026-01-02 01:00:00 -0200 x",
        b"2026/01/02 03:00:00.123456 [INFO] engine",
        b'127.0.0.1 - - [02/Jan/2026:03:00:00 +0000] "GET / HTTP/1.1"',
        b"level=info at=2026-01-02T03:00:00Z",
    ],
)
def test_the_forms_that_logs_here_have(line: bytes) -> None:
    assert stamp(line) == AT


@pytest.mark.parametrize("line", [b"", b"hello", b"2026-13-40T99:00:00Z", b"10:00:00", b"\xff" * 9])
def test_what_says_nothing(line: bytes) -> None:
    assert stamp(line) is None


def test_lines_from_an_instant_on() -> None:
    early, late = b"2026-01-02T02:59:59Z a\n", b"2026-01-02T03:00:00Z b\n"
    assert since([early, b" more\n", late, b" more\n"], AT) == [late, b" more\n"]
    assert since([early, b" more\n"], AT) == []
    assert since([b"x\n", b"y\n"], AT) == [b"x\n", b"y\n"]
    assert since([b"x\n", late], AT) == [b"x\n", late]
