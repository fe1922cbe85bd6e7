"""How a run ends, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jackbean.control.rehearsal.run import Run, Script


class Result(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # given up where it stood
    REVERTED = "reverted"  # given up, and everything as it was
    NEVER = "never"  # it does not end


@dataclass(frozen=True)
class Ending:
    """How it ends, after how long, and how many instances are left in service with which release.

    `lame` are those that are there and take no requests.
    """

    result: Result
    after_s: float | None
    old: int
    new: int
    lame: int

    @property
    def left(self) -> str:
        """Say in a word what runs in the end."""
        return left(self.old, self.new)


def left(old: int, new: int) -> str:
    """Say in a word what serves."""
    if old and new:
        return "mixed"
    return "new" if new else "old" if old else "nothing"


def ending(result: Run, script: Script) -> Ending:
    last = result.frames[-1]
    return Ending(
        result=_result(result),
        after_s=result.ended_s,
        old=last.old,
        new=last.new,
        lame=last.total - last.serving,
    )


def _result(result: Run) -> Result:
    if result.ended is None:
        return Result.NEVER
    if result.ended.reverted:
        return Result.REVERTED
    return Result.FAILED if result.ended.failed else Result.SUCCEEDED
