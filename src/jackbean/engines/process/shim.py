"""Hold one program: start it, write down how it fares, end it when told.

Instances outlive the control plane because each hangs on a process of its own: this one. It runs
alone, leaves its caller's session, and from then on speaks through one file, DIRECTORY/status.json,
which it replaces whole:

    {"state": "running" | "exited" | "stopped" | "failed",
     "shim": pid, "since": its start in clock ticks after boot, "boot": the boot's id,
     "child": pid, "inner": pid of the sandbox's first process, or 0, "grace_s": s,
     "started_at": s, "ended_at": s, "restarts": n, "code": n, "signal": n, "oom": n, "disk": bytes,
     "reason": ""}

A process id alone names nobody: ids are reused. `shim`, `since` and `boot` together do.

"exited" is the program's own end, "stopped" one that was asked for (SIGTERM; a second one cuts the
grace short), "failed" a program that never came to run. A shim that is gone while its file says
"running" was killed, or the machine was: nobody wrote that down. A shim whose directory is deleted
ends its program: whoever did that wants none.

    python -I -S shim.py DIRECTORY [NAME=VALUE ...] -- PROGRAM [ARGUMENT ...]

returns once the program runs, or with status 1 and the reason on stderr. The program inherits the
environment. Names, of which those with a star may come again:

    cwd=PATH  disk_bytes_max=N (a program with more than that below PATH is killed)
    log_bytes_max=N (then DIRECTORY/log starts anew, its last part kept in log.1)
    grace_s=S           how long the program may take to end after SIGTERM
    restart=1           start it again whenever it ends, waiting longer each time
    cgroup=PATH *       directories of the program's cgroups
    home=PATH *         directories of the shim's own cgroups
    limit=NAME:SOFT:HARD *    of RLIMIT_NAME, as far as that is allowed
    netns=N             an inherited descriptor of the network namespace to run in

Arguments "{args}" and "{filter}" become the numbers of descriptors of these files in DIRECTORY,
"{status}" that of a pipe on which bubblewrap tells of its sandbox. There is one shim per instance,
so it imports little but what is built in: json, signal, pathlib and contextlib would treble what it
weighs.
"""
# ruff: noqa: PTH100, PTH105, PTH110, PTH123, SIM105

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # what signal wraps in enums
import fcntl
import os
import sys
import time

if __name__ == "__main__":  # run by its path: the package is around it
    sys.path.append(os.path.abspath(__file__ + "/../../../.."))

from jackbean.engines.process import diskuse, proctable
from jackbean.engines.process.held import WATCHED, Spec, become, join, prctl

Fact = str | int | float

LOG_LOOK_S, TAIL_BYTES = 30.0, 600
LOOKS = int(LOG_LOOK_S / diskuse.LOOK_S)
END_LOOK_S = 0.1  # whether who was asked to end has ended
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
PR_SET_CHILD_SUBREAPER = 36
STEADY_S = 10.0  # having run this long, a program is given the shortest wait again


class Holder:
    """One program and what becomes of it."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.child = self.inner = self.streak = 0
        self.events = -1  # where bubblewrap tells of its sandbox
        self.disk = diskuse.Guard(spec.one["cwd"], int(spec.one["disk_bytes_max"]))
        self.excess = 0
        self.ooms = proctable.oom_kills(spec.many["cgroup"])
        me = os.getpid()
        self.facts: dict[str, Fact] = {"shim": me, "since": proctable.start_ticks(me) or 0}
        self.facts |= {"boot": proctable.boot_id(), "grace_s": spec.grace_s, "restarts": 0}

    def write(self, state: str, **facts: Fact) -> None:
        """Replace the status file."""
        self.facts |= {"state": state, "child": self.child, "inner": self.inner, **facts}
        text = ", ".join(f'"{name}": {quoted(value)}' for name, value in self.facts.items())
        path = self.spec.path("status.json")
        with open(path + ".new", "w") as file:
            file.write(f"{{{text}}}")
        os.replace(path + ".new", path)

    def start(self) -> None:
        """Start the program. Raises OSError with the reason."""
        told, tell = os.pipe()  # both close on exec: silence means that it was executed
        heard, say = os.pipe() if self.spec.sandboxed else (-1, -1)
        self.child = os.fork()
        if self.child == 0:
            become(self.spec, tell, say)
        for end in {tell, say} - {-1}:
            os.close(end)
        with open(told, "rb") as pipe:
            reason = pipe.read().decode(errors="replace")
        if reason:
            os.waitpid(self.child, 0)
            raise OSError(reason)
        self.events, self.inner = heard, first_process(heard)
        self.write("running", started_at=time.time())

    def hold(self) -> None:
        """Stay until the program has ended for good."""
        while True:
            started = time.monotonic()
            status = self._watch()
            if status is None:
                return self._end()
            kill_descendants()
            failure = self._failure(status)
            code, number = how(status)
            end: dict[str, Fact] = {"code": code, "signal": number, "ended_at": time.time()}
            if failure:
                return self.write("failed", reason=failure, **end)
            if not self.spec.one["restart"]:
                oom = proctable.oom_kills(self.spec.many["cgroup"]) - self.ooms
                return self.write("exited", oom=oom, **end)
            if not self._again(time.monotonic() - started, end):
                return self.write("stopped")

    def _watch(self) -> int | None:
        """Return the program's wait status once it has ended; None when it is to be stopped."""
        looks = 0
        while True:
            info = signal.sigtimedwait(WATCHED, diskuse.LOOK_S)
            looks += info is None
            if info is None and looks % LOOKS == 0:
                diskuse.shorten(self.spec.path("log"), int(self.spec.one["log_bytes_max"]))
            if info is None and (excess := self.disk.excess()):
                self.excess = excess
                return None
            gone = not os.path.exists(self.spec.path("lock"))
            if gone or (info and info.si_signo == signal.SIGTERM):
                return None
            status = self._reap()
            if status is not None:
                return status

    def _reap(self) -> int | None:
        """Bury the dead; return how the program ended, if it has."""
        ended = None
        while dead := wait(os.WNOHANG):
            if dead[0] == self.child:
                ended = dead[1]
        return ended

    def _failure(self, status: int) -> str:
        """Return why the sandbox did not come up, if so: bubblewrap tells the end of others."""
        if self.events < 0:
            return ""
        with open(self.events, "rb") as pipe:
            told = pipe.read()
        self.events = -1
        if b"exit-code" in told or os.WIFSIGNALED(status):
            return ""
        words = proctable.read(self.spec.path("log"))[-TAIL_BYTES:].decode(errors="replace")
        return words.strip() or "the sandbox ended in its setup"

    def _again(self, ran_s: float, end: dict[str, Fact]) -> bool:
        """Start the program once more after a pause; False when told to stop meanwhile."""
        self.streak = 0 if ran_s > STEADY_S else self.streak
        while True:
            self.child = 0
            self.facts["restarts"] = int(self.facts["restarts"]) + 1
            self.write("running", **end)
            pause = BACKOFF_S[min(self.streak, len(BACKOFF_S) - 1)]
            self.streak += 1
            if signal.sigtimedwait({signal.SIGTERM}, pause):
                return False
            try:
                self.start()
            except OSError as error:
                end = {"reason": str(error)}
            else:
                return True

    def _end(self) -> None:
        """End the program: ask, wait, and kill all that is left of it."""
        asked = [] if self.excess else asked_to_end(self.child, self.inner)
        deadline = time.monotonic() + (self.spec.grace_s if asked else 0)
        for pid in asked:
            kill(pid, signal.SIGTERM)
        # Not until the sandbox's first process has ended: who is traced in there may be stopped.
        while self._reap() is None and any(map(proctable.start_ticks, asked)):
            left = deadline - time.monotonic()
            info = signal.sigtimedwait(WATCHED, min(left, END_LOOK_S)) if left > 0 else None
            if left <= 0 or (info and info.si_signo == signal.SIGTERM):
                break
        if self.inner:  # the namespace's first process takes all the others along
            kill(self.inner, signal.SIGKILL)
        kill_descendants()
        end: dict[str, Fact] = {"ended_at": time.time()}
        if self.excess:
            end |= {"code": 0, "signal": 9, "oom": 0, "disk": self.excess}
        self.write("exited" if self.excess else "stopped", **end)


def first_process(events: int) -> int:
    """Return the host's id of a sandbox's first process; 0 where there is none."""
    line = b""
    while events >= 0 and not line.endswith(b"\n") and (byte := os.read(events, 1)):
        line += byte
    digits = line.partition(b'"child-pid"')[2].strip(b" :}\n").split(b",")[0]
    return int(digits or b"0")  # none where it ended at once: the log knows why


def how(status: int) -> tuple[int, int]:
    """Return exit code and signal; 128 + n is how shells and bubblewrap say signal n."""
    code = os.waitstatus_to_exitcode(status)
    number = -code if code < 0 else code - 128
    return (0, number) if 0 < number < 32 else (code, 0)


def quoted(value: Fact) -> str:
    """Return a fact as JSON; what is awkward in a sentence is replaced."""
    if not isinstance(value, str):
        return repr(value)
    plain = value.replace("\\", "/").replace('"', "'")
    return '"' + "".join(max(c, " ") for c in plain) + '"'


def asked_to_end(child: int, inner: int) -> list[int]:
    """Return who gets SIGTERM: the program, which in a sandbox is the second process there."""
    if not inner:
        return [child] if child else []
    return [pid for pid in proctable.descendants(inner) if proctable.innermost_id(pid) == 2]


def kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def wait(flags: int) -> tuple[int, int] | None:
    """Return (pid, status) of a child that has ended; None where there is none."""
    try:
        dead = os.waitpid(-1, flags)
    except ChildProcessError:
        return None
    return dead if dead[0] else None


def kill_descendants() -> None:
    """Kill whatever came from this process, to the last: orphans have come back to us."""
    while alive := proctable.descendants(os.getpid()):
        for pid in alive:
            kill(pid, signal.SIGKILL)
        wait(0)


def serve(spec: Spec, answer: int) -> None:
    lock = os.open(spec.path("lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    if not spec.sandboxed:  # else the namespace's first process is there for orphans
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    join(spec.many["home"])
    if spec.netns >= 0:
        os.set_inheritable(spec.netns, False)  # noqa: FBT003 - the standard library's own
    holder = Holder(spec)
    try:
        holder.start()
    except OSError as error:
        holder.write("failed", reason=str(error), ended_at=time.time())
        raise
    if spec.netns >= 0:
        os.close(spec.netns)  # else the namespace would live as long as we do
    os.write(answer, b"ok")
    os.close(answer)
    holder.hold()


def detach() -> None:
    """Leave the caller's session, directory and terminal."""
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for target in (0, 1, 2):
        os.dup2(nothing, target)


def main(arguments: list[str]) -> int:
    spec = Spec(arguments)
    heard, answer = os.pipe()
    if os.fork() == 0:
        try:
            detach()
            serve(spec, answer)
        except Exception as error:
            try:
                os.write(answer, str(error).encode()[:4000])
            except OSError:  # the caller has been answered
                pass
        os._exit(0)
    os.close(answer)
    os.wait()
    with open(heard, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    if said != "ok":
        print(said or "the shim died before its program ran", file=sys.stderr)
    return 0 if said == "ok" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
