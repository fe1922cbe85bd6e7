"""Which line of a program's output says why it ended."""

from __future__ import annotations

import pytest

from jackbean.agent.lastwords import telling

PYTHON = """\
[2026-01-01 00:00:00 +0000] [7] [INFO] Starting gunicorn
Traceback (most recent call last):
  File "/var/app/current/application.py", line 1, in <module>
    import nothing
ModuleNotFoundError: No module named 'nothing'
[2026-01-01 00:00:00 +0000] [7] [ERROR] Shutting down: Master
[2026-01-01 00:00:00 +0000] [7] [ERROR] Reason: Worker failed to boot.
"""
NODE = """\
node:internal/modules/cjs/loader:1228
  throw err;
  ^

Error: Cannot find module 'nothing'
Require stack:
- /var/app/current/app.js
    at Module._load (node:internal/modules/cjs/loader:1104:37)
  code: 'MODULE_NOT_FOUND',
}

Node.js v24.1.0
"""
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: no port
\tat App.main(App.java:3)
Caused by: java.net.BindException: Address already in use
\t... 3 more
"""
RUBY = """\
config.ru:1:in `require': cannot load such file -- nothing (LoadError)
\tfrom config.ru:1:in `block in <main>'
"""
GO = """\
panic: no port

goroutine 1 [running]:
main.main()
"""


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (PYTHON, "ModuleNotFoundError: No module named 'nothing'"),
        (NODE, "Error: Cannot find module 'nothing'"),
        (JAVA, "Caused by: java.net.BindException: Address already in use"),
        (RUBY, "config.ru:1:in `require': cannot load such file -- nothing (LoadError)"),
        (GO, "panic: no port"),
        ("/bin/bash: line 1: exec: yarn: not found\n", "/bin/bash: line 1: exec: yarn: not found"),
        ("no main manifest attribute, in app.jar\n", None),
        (
            "Invalid maximum heap size: -Xmx9zz\nError: Could not create the Java Virtual Machine.",
            None,
        ),
        (
            "Framework: 'Microsoft.AspNetCore.App', version '8.0.0' (x64)\n.NET location: /x\n",
            None,
        ),
        ("Error: Unable to access jarfile x.jar\n", "Error: Unable to access jarfile x.jar"),
        ("django.db.utils.OperationalError: no such table\n" + "x\n" * 9, None),
        ("all is well\nI saw an Error once\n", ""),
        ("", ""),
    ],
)
def test_the_line_that_names_the_cause(output: str, line: str | None) -> None:
    expected = output.splitlines()[0] if line is None else line
    assert telling(output) == expected


def test_it_has_an_end() -> None:
    assert len(telling("Error: " + "x" * 10_000)) == 300
