"""Taking orders: which are accepted, and how the one at hand is carried out.

One thread works. A newer order ends the run at hand; an older one is refused. What was begun is
written down first, so that an agent that was killed begins it again by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jackbean.agent import deployment, venv
from jackbean.agent.ledger import Built, Record
from jackbean.agent.link import Progress
from jackbean.agent.logfiles import LogFile
from jackbean.agent.phases import Failure, Journal, Step, carry_out
from jackbean.agent.platforms import PLATFORMS
from jackbean.agent.run import Host, Run
from jackbean.core.protocol import Manifest, Order, Worker, from_json

STAGE, ACTIVATE, RESTART, RESUME = "stage", "activate", "restart", "resume"
COMMANDS = {
    STAGE: "app-stage",
    ACTIVATE: "app-deploy",
    RESTART: "restart-app-server",
    RESUME: "self-startup",
}
JOURNALS_MAX = 50


class Assignments:
    def __init__(self, host: Host, progress: Progress, news: Callable[[], None]) -> None:
        self._host = host
        self._progress = progress
        self._news = news
        self._lock = threading.Condition()
        self._run: Run | None = None
        self._waiting: Order | None = None
        self._closed = False
        self._resume_failure: Failure | None = None
        self._thread = threading.Thread(target=self._work, name="work", daemon=True)

    def begin(self) -> None:
        """Start what ran before this agent did, and go on with what it was doing."""
        self._thread.start()

    def accept(self, order: Order) -> None:
        """Take an order, unless it is older than, or the same as, the one taken last."""
        record = self._host.ledger.record
        if order.serial < record.serial:
            self._host.log.warn(f"Refused order {order.serial}: {record.serial} was given before")
        if order.serial <= record.serial:
            return
        with self._lock:
            self._take(order)
            if self._run:
                self._run.superseded.set()
            self._lock.notify()

    def trouble(self) -> str:
        """Return why what is on the disk does not run, if it could not be started."""
        return self._resume_failure.cause if self._resume_failure else ""

    def close(self) -> None:
        """End the work at hand; it stays written down as unfinished."""
        with self._lock:
            self._closed = True
            if self._run:
                self._run.superseded.set()
            self._lock.notify()
        self._thread.join(10.0)

    def _take(self, order: Order) -> None:
        """Write an order down, and have it carried out if it is work that we know."""
        self._waiting = None
        work, failure, manifest = order.work, "", None
        try:
            if order.manifest is not None:
                manifest = from_json(Manifest, order.manifest)
            failure = self._objection(work, manifest)
        except ValueError as error:
            failure = f"The order cannot be read: {error}."
        refused = asdict(Failure("accept", failure, "", "")) if failure else None
        self._host.ledger.note(
            serial=order.serial,
            work=work,
            leader=order.leader,
            manifest=manifest,
            state="failed" if failure else "working" if work else "done",
            failure=refused,
        )
        if work and not failure:
            self._waiting = order
        self._news()

    def _objection(self, work: str, manifest: Manifest | None) -> str:
        """Return why an order cannot be carried out, if it cannot."""
        if work not in ("", STAGE, ACTIVATE, RESTART):
            return f"This agent does not know work {work!r}; it is older than the control plane."
        if work in (STAGE, ACTIVATE):
            if manifest is None:
                return f"The order to {work} names no release."
            if manifest.platform not in PLATFORMS:
                return f"This agent does not know platform {manifest.platform!r}."
            if manifest.worker is not None:
                from_json(Worker, manifest.worker)
        if work == RESTART and not self._host.ledger.record.current:
            return "There is nothing to restart: no release runs on this instance."
        return ""

    def _work(self) -> None:
        self._resume()
        while True:
            with self._lock:
                while not self._waiting and not self._closed:
                    self._lock.wait()
                if self._closed:
                    return
                self._waiting = None
                record = self._host.ledger.record
            self._carry_out(record)

    def _resume(self) -> None:
        """Start the release that is on the disk; take up again what was left unfinished."""
        host = self._host
        record = settle(host)
        if record.current:
            run = Run(host, PLATFORMS[record.current.manifest.platform], record.current)
            with self._lock:
                self._run = run
            failure = self._steps(run, RESUME, deployment.RESUME, record.serial)
            # Whether it listens, the application itself knows better as time goes on.
            lasting = failure and failure.step != deployment.AWAIT
            self._resume_failure = failure if lasting else None
            self._poll_again()
            self._news()
        with self._lock:
            self._run = None
            if record.state == "working" and host.ledger.record.serial == record.serial:
                self._waiting = Order(serial=record.serial, work=record.work)

    def _carry_out(self, record: Record) -> None:
        built = self._built(record)
        run = Run(self._host, PLATFORMS[built.manifest.platform], built, leader=record.leader)
        with self._lock:
            if self._host.ledger.record.serial != record.serial or self._closed:
                return
            self._run = run
        began = time.time()
        self._host.ledger.note(**_deployed(record, "In Progress", began))
        failure = self._all_steps(run, record)
        self._host.application.let_go()
        self._poll_again()
        with self._lock:
            self._run = None
            newer = self._host.ledger.record.serial != record.serial
        if not newer and not self._closed:
            self._finish(record, failure, began)
        with suppress(OSError):  # what is left over now goes the next time
            self._tidy()
        self._news()

    def _poll_again(self) -> None:
        """Have a worker's daemon run for what runs now, however the work has ended.

        It receives nothing until the application is there.
        """
        current = self._host.ledger.record.current
        if current:
            platform = PLATFORMS[current.manifest.platform]
            deployment.start_daemon(Run(self._host, platform, current))

    def _built(self, record: Record) -> Built:
        """Return the release that is worked on; a staged one as it is, if it is the same."""
        if record.work == RESTART and record.current:
            return record.current
        assert record.manifest  # noqa: S101 - `_objection` has seen to it
        if record.work == ACTIVATE and record.staged and record.staged.manifest == record.manifest:
            return record.staged
        name = f".{record.manifest.release}-{record.serial}"
        folder = self._host.paths.venv.with_name(name)
        deployment.discard(self._host.paths, folder)
        return Built(record.manifest, str(folder))

    def _all_steps(self, run: Run, record: Record) -> Failure | None:
        """Carry out the steps of STAGE where they are needed, and those of the work itself."""
        if record.work == RESTART:
            return self._steps(run, RESTART, deployment.RESTART, record.serial)
        if record.staged != run.built:
            self._host.ledger.note(staged=None)
            failure = self._steps(run, STAGE, deployment.stage_steps(run), record.serial)
            if failure:
                return failure
            self._host.ledger.note(staged=run.built)
            self._news()
        if record.work == STAGE:
            return None
        self._resume_failure = None
        return self._steps(run, ACTIVATE, deployment.ACTIVATE, record.serial)

    def _steps(
        self, run: Run, work: str, steps: tuple[Step[Run], ...], serial: int
    ) -> Failure | None:
        stamp = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
        folder = self._host.paths.deployment_logs
        name = f"eb-deployment-{stamp}-{serial}-{work}-{self._host.config.instance}.log"
        file = LogFile(folder / name, self._host.paths.rotated_logs)
        journal = Journal(
            COMMANDS[work], file, lambda step, seconds: self._progress.step(serial, step, seconds)
        )
        failure = carry_out(run, steps, journal)
        file.close()
        for old in sorted(folder.glob("eb-deployment-*.log"))[:-JOURNALS_MAX]:
            old.unlink(missing_ok=True)
        return failure

    def _finish(self, record: Record, failure: Failure | None, began: float) -> None:
        changes: dict[str, Any] = {
            "state": "failed" if failure else "done",
            "failure": asdict(failure) if failure else None,
        }
        if failure or record.work == ACTIVATE:
            changes |= _deployed(record, "Failed" if failure else "Deployed", began)
        self._host.ledger.note(**changes)

    def _tidy(self) -> None:
        """Let go of the environments of releases that are neither staged nor run."""
        record = self._host.ledger.record
        paths = self._host.paths
        kept = [built for built in (record.staged, record.current) if built]
        if kept and (Path(kept[0].runtime) / "pyvenv.cfg").is_file():
            venv.link(Path(kept[0].runtime), paths.venv)
        names = {Path(built.runtime).name for built in kept}
        for folder in paths.venv.parent.glob(".[0-9]*-[0-9]*"):
            if folder.name not in names:
                deployment.discard(paths, folder)


def _deployed(record: Record, status: str, began: float) -> dict[str, Any]:
    """Return what changes of the record by a deployment that is in progress or has ended."""
    if record.work == RESTART or not record.manifest:
        return {}
    now = time.time()
    running = status == "In Progress"
    told = {
        "release": record.manifest.release,
        "label": record.manifest.version_label,
        "status": status,
        "at": began if running else now,
        "seconds": 0.0 if running else round(now - began, 3),
    }
    return {"deployed": told}


def settle(host: Host) -> Record:
    """Bring the record in line with the disk after a crash: which release is in which place."""
    record, paths = host.ledger.record, host.paths
    if record.flipping and record.staged:
        if not paths.current.exists() and paths.staging.exists():
            paths.staging.rename(paths.current)
        flipped = not paths.staging.exists()
        record = host.ledger.note(
            flipping=False,
            current=record.staged if flipped else record.current,
            staged=None if flipped else record.staged,
        )
    if record.staged and not paths.staging.is_dir():
        record = host.ledger.note(staged=None)
    if record.current and not paths.current.is_dir():
        record = host.ledger.note(current=None)
    for left in paths.discarded.iterdir():
        deployment.in_background(deployment.delete, left)
    return record
