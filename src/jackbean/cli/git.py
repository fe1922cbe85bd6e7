"""What git knows of a folder. Where git is missing or refuses, the folder is only a folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from jackbean.cli.failures import Failure

PATIENCE_S = 60.0


class Repository:
    """A folder in a work tree: its root or below it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def around(cls, folder: Path) -> Repository | None:
        """Return the repository that keeps `folder`; None if none does, or it is ignored there."""
        found = cls(folder)
        if found.ask("rev-parse", "--is-inside-work-tree") != "true":
            return None
        return found if found.ask("check-ignore", "--quiet", ".") is None else None

    def ask(self, *arguments: str) -> str | None:
        """Return what a git command says; None where it fails."""
        try:
            done = subprocess.run(
                ("git", "-C", str(self.folder), *arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return None if done.returncode else done.stdout.decode(errors="replace").strip()

    @property
    def branch(self) -> str | None:
        return self.ask("symbolic-ref", "--short", "HEAD")

    @property
    def born(self) -> bool:
        """Say whether the last commit has this folder."""
        return self.ask("rev-parse", "--verify", "--quiet", "HEAD:./") is not None

    @property
    def description(self) -> str:
        return self.ask("describe", "--always", "--abbrev=4") or ""

    @property
    def subject(self) -> str:
        """The first line of the last commit's message."""
        return self.ask("log", "-1", "--format=%s") or ""

    @property
    def changes(self) -> int:
        """How many files differ from the last commit, or are new and not ignored."""
        said = self.ask("status", "--porcelain", "--", ".") or ""
        return len(said.splitlines())

    def staged_tree(self) -> str:
        tree = self.ask("write-tree")
        if tree is None:
            raise Failure(
                f"What is staged in {self.folder} cannot be bundled: git write-tree fails. "
                "Resolve the merge, or leave out --staged."
            )
        return tree

    @property
    def submodules(self) -> Sequence[str]:
        """Paths of the submodules below this folder, also of those within others."""
        if not (self.folder / ".gitmodules").exists():
            return ()
        said = self.ask("submodule", "--quiet", "foreach", "--recursive", 'echo "$displaypath"')
        return (said or "").splitlines()

    @contextmanager
    def tar(self, tree: str) -> Iterator[IO[bytes]]:
        """Open this folder of a tree (or a commit) as git would export it: a tar archive."""
        from tarfile import ReadError

        command = ("git", "-C", str(self.folder), "archive", "--format=tar", tree)
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            if process.stdout is None or process.stderr is None:
                raise AssertionError("both were asked for")
            try:
                yield process.stdout
            except ReadError as error:
                raise Failure(self._no_export(tree, process.stderr)) from error
            complaint = self._no_export(tree, process.stderr)
        if process.returncode:
            raise Failure(complaint)

    def _no_export(self, tree: str, stderr: IO[bytes]) -> str:
        said = stderr.read().decode(errors="replace").strip()
        return f"git cannot export {tree} of {self.folder}: {said}"
