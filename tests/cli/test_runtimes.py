"""`jackbean runtimes`: what is here, what can be fetched, what brings the rest."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from jackbean.cli.jackbean import main
from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.runtimes import needs


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["runtimes", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_lists_everything_that_a_platform_needs(tmp_path: Path) -> None:
    code, out, _ = run("list", "--data-dir", str(tmp_path), "--output", "json")
    assert code == 0
    rows = json.loads(out)["Runtimes"]
    assert {row["Name"] for row in rows} == {n.name for b in BRANCHES for n in needs(b)}
    assert all(row["State"] and row["Where"] for row in rows)
    names = [row["Name"] for row in rows]
    assert names.index("nodejs-24") < names.index("nodejs-22")
    assert "nodejs-24" in run("list", "--data-dir", str(tmp_path))[1]


def test_a_name_that_no_platform_needs(tmp_path: Path) -> None:
    code, _, err = run("add", "cobol-85", "--data-dir", str(tmp_path))
    assert code == 1
    assert "No platform needs a runtime 'cobol-85'; see `jackbean runtimes list`." in err


def test_what_cannot_be_fetched_names_what_brings_it(tmp_path: Path) -> None:
    code, _, err = run("add", "php-8.5", "--data-dir", str(tmp_path))
    assert code == 1
    assert "To have it: apt install php8.5-fpm php8.5-cli" in err
