"""Hold one program: start it, write down how it fares, end it when told.

Instances outlive the control plane because each hangs on a process of its own: this one. It runs
alone (`python -I -S shim.py SPEC`, standard library only), leaves its caller's session, and from
then on speaks through one file, which it replaces whole:

    {"state": "running" | "exited" | "stopped" | "failed",
     "shim": pid, "since": its start in clock ticks after boot, "boot": the boot's id,
     "child": pid, "inner": pid of the sandbox's first process, or 0,
     "started_at": s, "ended_at": s, "restarts": n, "code": n, "signal": n, "oom": n, "reason": ""}

A process id alone names nobody: ids are reused. `shim`, `since` and `boot` together do.

"exited" is the program's own end, "stopped" one that was asked for (SIGTERM; a second one cuts the
grace short), "failed" a program that never came to run. A shim that is gone while its file says
"running" was killed, or the machine was: nobody wrote that down.

SPEC is a JSON object; the caller gets control back once the program runs and the file is there,
or status 1 and the reason on stderr. Its members, all required:

    argv         "{args}" and "{status}" in it become the numbers of two file descriptors, below
    args         strings that "{args}" reads, NUL-ended: not for a process list to show
    status       the file described above       lock    a file: there are never two shims for it
    env, cwd, log, log_bytes_max (then the log starts anew, its last part kept in LOG.1)
    grace_s      how long the program may take to end after SIGTERM
    restart      start it again whenever it ends, waiting longer each time
    cgroups      directories of the program's cgroups; `home` are the shim's own
    limits       {"NOFILE": [soft, hard]}
    netns        number of an inherited descriptor of the network namespace to run in, or -1

Where "{status}" is used the program is bubblewrap, and tells its sandbox's first process there.
"""
# ruff: noqa: PTH105, PTH110, PTH116, PTH123, PTH208 - pathlib would be a third of a shim's weight

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import sys
import time
from typing import Any, NoReturn

WATCHED = {signal.SIGTERM, signal.SIGCHLD}
LOG_LOOK_S, TAIL_BYTES = 30.0, 600
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_S = 10.0  # having run this long, a program is given the shortest wait again
CLONE_NEWNET, PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 0x40000000, 1, 36

Spec = dict[str, Any]


def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def stat_fields(pid: int) -> list[bytes]:
    """Return /proc/PID/stat from the third field on, the state; empty for one that is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in ticks after boot; None for one that is gone or dead."""
    fields = stat_fields(pid)
    return int(fields[19]) if fields and fields[0] not in (b"Z", b"X") else None


class Holder:
    """One program and what becomes of it."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.child = self.inner = 0
        self.events = -1  # where bubblewrap tells of its sandbox
        self.ooms = oom_kills(spec["cgroups"])
        self.facts: Spec = {"shim": os.getpid(), "boot": boot_id(), "restarts": 0}
        self.facts["since"] = start_ticks(os.getpid())

    def write(self, state: str, **facts: Any) -> None:
        """Replace the status file."""
        self.facts |= {"state": state, "child": self.child, "inner": self.inner, **facts}
        path = self.spec["status"]
        with open(path + ".new", "w") as file:
            json.dump(self.facts, file)
        os.replace(path + ".new", path)

    def start(self) -> None:
        """Start the program. Raises OSError with the reason."""
        told, tell = os.pipe()  # both close on exec: silence means that it was executed
        heard, say = os.pipe() if "{status}" in self.spec["argv"] else (-1, -1)
        self.child = os.fork()
        if self.child == 0:
            become(self.spec, tell, say)
        for end in {tell, say} - {-1}:
            os.close(end)
        with os.fdopen(told, "rb") as pipe:
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
                self._end()
                return
            kill_descendants()
            failure = self._failure(status)
            end = how(status) | {"ended_at": time.time()}
            if failure:
                self.write("failed", reason=failure, **end)
            elif not self.spec["restart"]:
                self.write("exited", oom=oom_kills(self.spec["cgroups"]) - self.ooms, **end)
            elif self._again(time.monotonic() - started, end):
                continue
            return

    def _watch(self) -> int | None:
        """Return the program's wait status once it has ended; None when told to stop."""
        while True:
            info = signal.sigtimedwait(WATCHED, LOG_LOOK_S)
            if info is None:
                shorten(self.spec["log"], self.spec["log_bytes_max"])
            gone = not os.path.exists(self.spec["lock"])  # whoever deleted that wants no program
            if gone or (info and info.si_signo == signal.SIGTERM):
                return None
            status = self._reap()
            if status is not None:
                return status

    def _reap(self) -> int | None:
        """Bury the dead; return how the program ended, if it has."""
        ended = None
        with contextlib.suppress(ChildProcessError):
            while (dead := os.waitpid(-1, os.WNOHANG))[0]:
                if dead[0] == self.child:
                    ended = dead[1]
        return ended

    def _failure(self, status: int) -> str:
        """Return why the sandbox did not come up, if so: bubblewrap tells the end of others."""
        if self.events < 0:
            return ""
        with os.fdopen(self.events, "rb") as pipe:
            told = pipe.read()
        self.events = -1
        if b"exit-code" in told or os.WIFSIGNALED(status):
            return ""
        return tail(self.spec["log"]) or "the sandbox ended in its setup"

    def _again(self, ran_s: float, end: Spec) -> bool:
        """Start the program once more after a pause; False when told to stop meanwhile."""
        streak = 0 if ran_s > STEADY_S else self.facts.get("streak", -1) + 1
        while True:
            self.child = 0
            self.facts["restarts"] += 1
            self.write("running", streak=streak, **end)
            if signal.sigtimedwait({signal.SIGTERM}, BACKOFF_S[min(streak, len(BACKOFF_S) - 1)]):
                self.write("stopped")
                return False
            try:
                self.start()
            except OSError as error:
                streak, end = streak + 1, {"reason": str(error)}
            else:
                return True

    def _end(self) -> None:
        """End the program: ask, wait, and kill all that is left of it."""
        asked = asked_to_end(self.child, self.inner)
        deadline = time.monotonic() + (self.spec["grace_s"] if asked else 0)
        for pid in asked:
            kill(pid, signal.SIGTERM)
        while self._reap() is None and (left := deadline - time.monotonic()) > 0:
            info = signal.sigtimedwait(WATCHED, left)
            if info and info.si_signo == signal.SIGTERM:
                break
        if self.inner:  # the namespace's first process takes all the others along
            kill(self.inner, signal.SIGKILL)
        kill_descendants()
        self.write("stopped", ended_at=time.time())


def become(spec: Spec, tell: int, say: int) -> NoReturn:
    """In the child: turn into the program, or tell why not."""
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # without a shim nobody would know of it
        enter(spec)
        argv = place_descriptors(spec, say)
        for number in (
            signal.SIGPIPE,
            signal.SIGXFSZ,
        ):  # Python ignores them, and that is passed on
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        os.umask(0o022)
        os.execve(argv[0], argv, spec["env"])  # noqa: S606 - no shell is wanted
    except Exception as error:
        os.write(tell, f"{spec['argv'][0]}: {error}".encode()[:4000])
    os._exit(127)


def enter(spec: Spec) -> None:
    out = os.open(spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, out)):
        os.dup2(source, target)
    os.chdir(spec["cwd"])
    join(spec["cgroups"])
    if spec["netns"] >= 0:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(spec["netns"], CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")
    for name, wanted in spec["limits"].items():  # never over the one that holds already
        kind = getattr(resource, "RLIMIT_" + name)
        ceiling = resource.getrlimit(kind)[1]
        soft, hard = (v if ceiling < 0 else min(v, ceiling) for v in wanted)
        resource.setrlimit(kind, (soft, hard))


def prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def join(cgroups: list[str]) -> None:
    for directory in cgroups:
        with open(directory + "/cgroup.procs", "w") as file:
            file.write("0")


def place_descriptors(spec: Spec, say: int) -> list[str]:
    """Return argv with the numbers of the descriptors that it names."""
    numbers = {"{status}": say}
    if "{args}" in spec["argv"]:
        numbers["{args}"] = memory = os.memfd_create("args", 0)
        with os.fdopen(memory, "wb", closefd=False) as file:
            file.write(b"".join(os.fsencode(arg) + b"\0" for arg in spec["args"]))
        os.lseek(memory, 0, os.SEEK_SET)
    if say >= 0:
        os.set_inheritable(say, True)  # noqa: FBT003 - the standard library's own signature
    return [str(numbers.get(arg, arg)) for arg in spec["argv"]]


def first_process(events: int) -> int:
    """Return the host's id of a sandbox's first process; 0 where there is none."""
    line = b""
    while events >= 0 and not line.endswith(b"\n") and (byte := os.read(events, 1)):
        line += byte
    try:
        return int(json.loads(line)["child-pid"])
    except ValueError:  # no sandbox, or one that ended at once: the log knows why
        return 0


def how(status: int) -> Spec:
    """Return exit code and signal; 128 + n is how shells and bubblewrap say signal n."""
    code = os.waitstatus_to_exitcode(status)
    number = -code if code < 0 else code - 128
    return {"code": 0, "signal": number} if 0 < number < 32 else {"code": code, "signal": 0}


def oom_kills(cgroups: list[str]) -> int:
    """Return how many processes the kernel has killed here for want of memory."""
    for directory in cgroups:
        for name in ("memory.oom_control", "memory.events"):  # version 1, version 2
            with contextlib.suppress(OSError), open(f"{directory}/{name}") as file:
                counts = dict(line.split() for line in file)
                return int(counts.get("oom_kill", 0))
    return 0


def descendants(pid: int) -> list[int]:
    """Return all living processes that come from `pid`, parents before children."""
    born: dict[int, list[int]] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        fields = stat_fields(int(entry))
        if fields and fields[0] != b"Z":
            born.setdefault(int(fields[1]), []).append(int(entry))
    found = [pid]
    for parent in found:  # grows as it is read
        found += born.get(parent, [])
    return found[1:]


def asked_to_end(child: int, inner: int) -> list[int]:
    """Return who gets SIGTERM: the program, which in a sandbox is the second process there."""
    if not inner:
        return [child] if child else []
    return [pid for pid in descendants(inner) if innermost_id(pid) == 2]


def innermost_id(pid: int) -> int:
    """Return a process's id in the namespace that it lives in."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return 0


def kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_descendants() -> None:
    """Kill whatever came from this process, to the last: orphans have come back to us."""
    while alive := descendants(os.getpid()):
        for pid in alive:
            kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def shorten(log: str, bytes_max: int) -> None:
    """Start a log anew when it has grown too long; it is open for appending, so this is safe."""
    with contextlib.suppress(OSError):
        size = os.stat(log).st_size
        if size <= bytes_max:
            return
        with open(log, "rb") as old, open(log + ".1", "wb") as kept:
            os.sendfile(kept.fileno(), old.fileno(), max(0, size - bytes_max), bytes_max)
        os.truncate(log, 0)


def tail(log: str) -> str:
    with open(log, "rb") as file:
        file.seek(max(0, os.stat(log).st_size - TAIL_BYTES))
        return file.read().decode(errors="replace").strip()


def serve(spec: Spec, answer: int) -> None:
    lock = os.open(spec["lock"], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    join(spec["home"])
    if spec["netns"] >= 0:
        os.set_inheritable(spec["netns"], False)  # noqa: FBT003 - the standard library's own
    holder = Holder(spec)
    try:
        holder.start()
    except OSError as error:
        holder.write("failed", reason=str(error), ended_at=time.time())
        raise
    if spec["netns"] >= 0:
        os.close(spec["netns"])  # else the namespace would live as long as we do
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


def main(path: str) -> int:
    with open(path) as file:
        spec = json.load(file)
    heard, answer = os.pipe()
    if os.fork() == 0:
        try:
            detach()
            serve(spec, answer)
        except Exception as error:
            with contextlib.suppress(OSError):
                os.write(answer, str(error).encode()[:4000])
        os._exit(0)
    os.close(answer)
    os.wait()
    with os.fdopen(heard, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    if said != "ok":
        print(said or "the shim died before its program ran", file=sys.stderr)
    return 0 if said == "ok" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
