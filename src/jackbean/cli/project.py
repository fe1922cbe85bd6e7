"""`.elasticbeanstalk/config.yml`: what a folder remembers, in the form that the EB CLI reads.

Whatever else is in the file is kept, so that `eb` and `jb` can be used in turns. A
`config.global.yml` beside it, which teams commit, is read beneath it and never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from jackbean.cli.failures import Failure, NotSetUp
from jackbean.cli.git import Repository

FOLDER = ".elasticbeanstalk"
FILE, SHARED = "config.yml", "config.global.yml"
BYTES_MAX = 1 << 20
DEFAULT_BRANCH = "default"
GITIGNORE = """
# Elastic Beanstalk Files
.elasticbeanstalk/*
!.elasticbeanstalk/*.cfg.yml
!.elasticbeanstalk/*.global.yml
"""

Tree = dict[str, Any]


class Project:
    """A folder that has been set up, or can be (`root` is then where we are)."""

    def __init__(self, root: Path, *, known: bool) -> None:
        self.root = root
        self.known = known
        self._own = _read(root / FOLDER / FILE)
        self._shared = _read(root / FOLDER / SHARED)

    @classmethod
    def around(cls, folder: Path) -> Project:
        """Return the project that `folder` is in; where there is none, one that could be."""
        folder = folder.absolute()
        for place in (folder, *folder.parents):
            if any((place / FOLDER / name).is_file() for name in (FILE, SHARED)):
                return cls(place, known=True)
        return cls(folder, known=False)

    def required(self) -> Project:
        if not self.known:
            raise NotSetUp
        return self

    def get(self, name: str) -> str:
        """Return a setting of the branch, else of the project, "" where it is not set."""
        branches = self._section("branch-defaults").get(self.branch)
        of_branch = branches if isinstance(branches, Mapping) else {}
        return str(of_branch.get(name) or self._section("global").get(name) or "")

    @property
    def application(self) -> str:
        return self.get("application_name")

    @property
    def environment(self) -> str:
        """The environment that commands mean when none is named."""
        branches = self._section("branch-defaults")
        chosen = branches.get(self.branch) or branches.get(DEFAULT_BRANCH)
        return str(chosen.get("environment") or "") if isinstance(chosen, Mapping) else ""

    @property
    def artifact(self) -> str:
        """The file to upload instead of the folder, "" for none."""
        return str(self._section("deploy").get("artifact") or "")

    @cached_property
    def repository(self) -> Repository | None:
        """The repository that keeps this folder; None also where the file says not to ask git."""
        if self.known and not self._section("global").get("sc"):
            return None
        return Repository.around(self.root)

    @cached_property
    def branch(self) -> str:
        repository = self.repository
        return (repository.branch if repository else None) or DEFAULT_BRANCH

    @property
    def submodules(self) -> bool:
        return self._section("global").get("include_git_submodules") is not False

    def remember(self, **settings: str) -> None:
        """Write settings of the project; the file is made if there is none."""
        repository = self.repository
        if not self.known:
            self._own = _fresh("git" if repository else None)
        whole = self._own.setdefault("global", {})
        whole.update({name: value for name, value in settings.items() if value})
        self.known = True
        self._write()
        if repository:
            _ignore(self.root / ".gitignore")

    def choose(self, environment: str) -> None:
        """Make an environment the one that commands of this branch mean."""
        branches = self._own.setdefault("branch-defaults", {})
        chosen = branches.get(self.branch)
        kept = chosen if isinstance(chosen, dict) else {"group_suffix": None}
        branches[self.branch] = {**kept, "environment": environment}
        self._write()

    def forget(self, environment: str) -> None:
        """Choose an environment no more, on any branch."""
        branches = self._own.get("branch-defaults")
        for chosen in branches.values() if isinstance(branches, dict) else ():
            if isinstance(chosen, dict) and chosen.get("environment") == environment:
                chosen["environment"] = None
        if self.known:
            self._write()

    def _section(self, name: str) -> Mapping[str, Any]:
        shared, own = self._shared.get(name), self._own.get(name)
        return {
            **(shared if isinstance(shared, dict) else {}),
            **(own if isinstance(own, dict) else {}),
        }

    def _write(self) -> None:
        from yaml import safe_dump

        path = self.root / FOLDER / FILE
        path.parent.mkdir(exist_ok=True)
        new = path.with_name(f".{FILE}.new")
        new.write_text(safe_dump(self._own, default_flow_style=False))
        new.replace(path)


def _read(path: Path) -> Tree:
    if not path.is_file():
        return {}
    from yaml import YAMLError, safe_load

    try:
        with path.open("rb") as file:
            tree = safe_load(file.read(BYTES_MAX).decode())
    except (OSError, YAMLError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {error}") from error
    if not isinstance(tree, dict | None):
        raise Failure(f"{path} is not a mapping; correct it, or run `jb init` anew.")
    return tree or {}


def _fresh(source_control: str | None) -> Tree:
    return {
        "branch-defaults": {},
        "global": {
            "sc": source_control,
            "workspace_type": "Application",
            "include_git_submodules": True,
        },
    }


def _ignore(path: Path) -> None:
    """Keep what is ours out of git."""
    text = path.read_text() if path.exists() else ""
    if f"{FOLDER}/*" not in text:
        path.write_text(text + GITIGNORE)
