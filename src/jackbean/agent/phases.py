"""A run: steps in a table, carried out one after another by one runner.

The runner is the only place that catches. The first step that fails stops the run, and what is said
of it is the same for all: the step, a cause in one sentence, the log to read and its last lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from jackbean.agent.logfiles import EngineLog, LogFile, last_lines

ENGINE_LOG = "/var/log/eb-engine.log"
CAUSE_CHARS_MAX = 1_000


class StepFailed(Exception):
    """A step could not be done. `log` is the log to read, as its path is on Elastic Beanstalk."""

    def __init__(self, cause: str, log: str = ENGINE_LOG, tail: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.log = log
        self.tail = tail


class Work(Protocol):
    """What the runner needs of that which the steps work on."""

    @property
    def log(self) -> EngineLog: ...

    def check(self) -> None:
        """Raise StepFailed if the run is overdue or has been superseded."""
        ...


W = TypeVar("W", bound=Work)


@dataclass(frozen=True)
class Step(Generic[W]):
    """`name` is the instruction's name in eb-engine.log; `failure` how its failure is told."""

    name: str
    act: Callable[[W], None]
    failure: str
    when: Callable[[W], bool] | None = None


@dataclass(frozen=True)
class Failure:
    step: str
    cause: str
    log: str
    tail: str


@dataclass(frozen=True)
class Journal:
    """What is told while a run goes on: its own log, and the progress to whom it concerns."""

    command: str
    file: LogFile
    progress: Callable[[str, float], None]

    def line(self, text: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.file.write(f"{stamp} {text}\n".encode("utf-8", "replace"))


def carry_out(work: W, steps: Iterable[Step[W]], journal: Journal) -> Failure | None:
    """Run the steps in order; return the first failure, if any."""
    work.log.info(f"Engine command: ({journal.command})")
    for step in steps:
        if step.when and not step.when(work):
            continue
        began = time.monotonic()
        work.log.info(f"Executing instruction: {step.name}")
        failure = _attempt(work, step)
        seconds = time.monotonic() - began
        journal.progress(step.name, seconds)
        if failure:
            _tell(work, journal, failure)
            return failure
        journal.line(f"[OK] {step.name} ({seconds:.3f} s)")
    work.log.info(f"Command {journal.command} executed successfully")
    journal.line("Instance deployment completed successfully.")
    return None


def _attempt(work: W, step: Step[W]) -> Failure | None:
    try:
        work.check()
        step.act(work)
    except StepFailed as failed:
        return _failure(step, failed)
    except OSError as error:
        return _failure(step, StepFailed(_sentence(error)))
    except Exception as error:  # a bug is told like any other failure, with where it is
        import traceback  # noqa: PLC0415 - for bugs only

        cause = f"The agent failed unexpectedly ({type(error).__name__}: {error}); report this."
        return _failure(step, StepFailed(cause, tail=traceback.format_exc()))
    return None


def _failure(step: Step[W], failed: StepFailed) -> Failure:
    cause = f"{step.failure} {failed.cause}"[:CAUSE_CHARS_MAX]
    return Failure(step.name, cause, failed.log, last_lines(failed.tail))


def _sentence(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}."


def _tell(work: Work, journal: Journal, failure: Failure) -> None:
    work.log.error(
        f"An error occurred during execution of command [{journal.command}] - [{failure.step}]. "
        f"Stop running the command. Error: {failure.cause}"
    )
    journal.line(f"[ERROR] {failure.step}: {failure.cause}")
    if failure.tail:
        journal.file.write(f"{failure.tail}\n".encode("utf-8", "replace"))
    journal.line("Instance deployment failed. For details, see 'eb-engine.log'.")
