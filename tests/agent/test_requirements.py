"""Dependency files are read as pip and Pipenv mean them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from jackbean.agent.requirements import Unusable, read, unread


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    "line",
    [
        "flask",
        "flask==3.0 ; python_version > '3'  # why",
        "flask[async]>=1,<2 --hash=sha256:abc",
        "--index-url https://example.com/simple",
        "flask @ https://example.com/flask.whl",
        "git+https://example.com/x.git@main#egg=x",
        "-e git+https://example.com/x.git#egg=x",
        "https://example.com/x.zip",
        "--find-links https://example.com/wheels",
        "zope.interface",
        "# -e .",
    ],
)
def test_text_alone_can_be_resolved_for_everybody(tmp_path: Path, line: str) -> None:
    found = read(write(tmp_path, {"requirements.txt": f"{line}\n"}))
    assert found.in_place == ""
    assert found.files == {"requirements.txt": f"{line}\n"}


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "-e ./lib",
        "--editable=lib",
        "./wheels/x.whl",
        ".",
        "../x",
        "/opt/x",
        "lib/x",
        "x-1.0-py3-none-any.whl",
        "x @ file:///opt/x",
        "x @ ./lib",
        "-f wheels",
        "--find-links ./wheels",
        "https://${TOKEN}@example.com/x.zip",
        "x==1 \\\n  ; extra == '${X}'",
    ],
)
def test_what_points_elsewhere_is_installed_in_place(tmp_path: Path, line: str) -> None:
    root = write(tmp_path, {"requirements.txt": f"flask\n\n{line}\n", "lib/x/setup.py": ""})
    assert read(root).in_place.startswith("requirements.txt, line 3: `")


def test_follows_includes_once(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "requirements.txt": "-r a/one.txt\n--requirement=a/one.txt\n-c c.txt\n",
            "a/one.txt": "-r two.txt\n-r ../requirements.txt\n",
            "a/two.txt": "./x\n",
            "c.txt": "",
        },
    )
    found = read(root)
    assert list(found.files) == ["requirements.txt", "a/one.txt", "c.txt", "a/two.txt"]
    assert found.in_place.startswith("a/two.txt, line 1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-r none.txt", "requirements.txt, line 1: none.txt is not in the bundle"),
        ("a\n-r ../x", "requirements.txt, line 2: ../x is outside"),
        ("-r /etc/passwd", "/etc/passwd is not in the bundle"),
        ("-r link.txt", "link.txt is not in the bundle"),
    ],
)
def test_includes_stay_in_the_bundle(tmp_path: Path, text: str, said: str) -> None:
    root = write(tmp_path / "root", {"requirements.txt": text})
    (root / "link.txt").symlink_to("/etc/passwd")
    with pytest.raises(Unusable, match=re.escape(said)):
        read(root)


def test_bounds_what_is_read(tmp_path: Path) -> None:
    many = {f"{n}.txt": f"-r {n + 1}.txt\n" for n in range(60)}
    with pytest.raises(Unusable, match="over 50 files"):
        read(write(tmp_path, {"requirements.txt": "-r 0.txt", **many}))
    with pytest.raises(Unusable, match=r"requirements\.txt is over 1 MB"):
        read(write(tmp_path, {"requirements.txt": "#" * (2 << 20)}))


LOCK = {
    "_meta": {"sources": [{"url": "https://pypi.org/simple"}, {"url": "https://two.example/s"}]},
    "default": {
        "flask": {"version": "==3.0", "hashes": ["sha256:a"], "extras": ["async"]},
        "tomli": {"version": "==2.0", "markers": "python_version < '3.11'"},
        "ours": {"git": "https://example.com/x.git", "ref": "abc"},
    },
}


def test_mistake_12_reads_pipenvs_files_after_requirements(tmp_path: Path) -> None:
    root = write(tmp_path, {"Pipfile": '[packages]\nflask = "*"\nx = {version = ">1"}\n'})
    assert read(root).files == {"requirements.txt": "flask\nx>1\n"}
    write(root, {"Pipfile.lock": json.dumps(LOCK)})
    found = read(root)
    assert (found.source, found.in_place) == ("Pipfile.lock", "")
    assert found.files["requirements.txt"] == (
        "--extra-index-url https://two.example/s\n"
        "flask[async]==3.0 --hash=sha256:a\n"
        "ours @ git+https://example.com/x.git@abc\n"
        "tomli==2.0 ; python_version < '3.11'\n"
    )
    write(root, {"requirements.txt": "bottle\n"})
    assert read(root).files == {"requirements.txt": "bottle\n"}


def test_a_path_in_pipenvs_files_is_installed_in_place(tmp_path: Path) -> None:
    root = write(tmp_path, {"Pipfile": '[packages]\nours = {path = ".", editable = true}\n'})
    found = read(root)
    assert found.in_place == "Pipfile: ours is a path in the bundle"
    assert found.files["requirements.txt"] == "-e .\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", "[]"),
        ("Pipfile.lock", '{"default": {"a": {"version": "==1\\n--index-url x"}}}'),
        ("Pipfile", "[packages"),
        ("Pipfile", "packages = 3"),
    ],
)
def test_pipenvs_files_that_are_not_are_named(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(Unusable):
        read(write(tmp_path, {name: text}))


def test_no_dependencies_are_fine(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.source, found.files) == ("", {"requirements.txt": ""})


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("pyproject.toml",), "What pyproject.toml lists is not installed"),
        (("poetry.lock", "pyproject.toml"), "`poetry export > requirements.txt`"),
        (("requirements.txt", "pyproject.toml"), ""),
        (("Pipfile", "setup.py"), ""),
        ((), ""),
    ],
)
def test_dependencies_that_nobody_looks_for_are_told(
    tmp_path: Path, files: tuple[str, ...], told: str
) -> None:
    for name in files:
        (tmp_path / name).touch()
    said = unread(tmp_path)
    assert told in said
    assert bool(said) is bool(told)
