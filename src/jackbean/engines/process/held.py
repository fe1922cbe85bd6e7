"""What a shim is to hold, and how its child becomes that program.

It imports what is built in only: a shim weighs what it imports.
"""
# ruff: noqa: PTH123 - no pathlib here, see above

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # what signal wraps in enums
import os
import resource

LISTS = ("cgroup", "home", "limit")
DEFAULTS = {"cwd": "/", "log_bytes_max": "10485760", "grace_s": "10", "restart": "", "netns": "-1"}
DEFAULTS |= {"disk_bytes_max": "0"}
WATCHED = {signal.SIGTERM, signal.SIGCHLD}  # by the shim itself
# What Python ignores, what a shell lets its background ignore, and nohup: all of it is passed on.
IGNORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1


class Spec:
    """What is to be held."""

    def __init__(self, arguments: list[str]) -> None:
        self.directory = arguments[0]
        split = arguments.index("--")
        self.argv = arguments[split + 1 :]
        self.one = dict(DEFAULTS)
        self.many: dict[str, list[str]] = {name: [] for name in LISTS}
        for argument in arguments[1:split]:
            name, _, value = argument.partition("=")
            if name in LISTS:
                self.many[name].append(value)
            else:
                self.one[name] = value
        self.grace_s, self.netns = float(self.one["grace_s"]), int(self.one["netns"])

    def path(self, name: str) -> str:
        return f"{self.directory}/{name}"

    @property
    def sandboxed(self) -> bool:
        return "{status}" in self.argv


def become(spec: Spec, tell: int, say: int) -> None:
    """In the child: turn into the program, or tell why not."""
    try:
        os.setsid()
        if not spec.sandboxed:  # bubblewrap does this itself
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        enter(spec)
        argv = [place(spec, say, argument) for argument in spec.argv]
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        os.umask(0o022)
        os.execve(argv[0], argv, os.environ)  # noqa: S606 - no shell is wanted
    except Exception as error:
        os.write(tell, f"{spec.argv[0]}: {error}".encode()[:4000])
    os._exit(127)


def enter(spec: Spec) -> None:
    """Move this process to where the program belongs."""
    out = os.open(spec.path("log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, out)):
        os.dup2(source, target)
    os.chdir(spec.one["cwd"])
    join(spec.many["cgroup"])
    if spec.netns >= 0:
        libc("setns", spec.netns, CLONE_NEWNET)
    for text in spec.many["limit"]:
        name, *values = text.split(":")
        kind = getattr(resource, "RLIMIT_" + name)
        ceiling = resource.getrlimit(kind)[1]  # never over the one that holds already
        soft, hard = (int(v) if ceiling < 0 else min(int(v), ceiling) for v in values)
        resource.setrlimit(kind, (soft, hard))


def libc(function: str, *arguments: int) -> None:
    """Call what Python has no name for; the import is not for those who need none of it."""
    import ctypes  # noqa: PLC0415 - see above

    if ctypes.CDLL(None, use_errno=True)[function](*arguments):
        raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")


def prctl(option: int, value: int) -> None:
    libc("prctl", option, value, 0, 0, 0)


def join(cgroups: list[str]) -> None:
    for directory in cgroups:
        with open(directory + "/cgroup.procs", "w") as file:
            file.write("0")


def place(spec: Spec, say: int, argument: str) -> str:
    """Return an argument, or the number of the descriptor that it names."""
    if argument not in ("{status}", "{args}", "{filter}"):
        return argument
    found = say if argument == "{status}" else os.open(spec.path(argument[1:-1]), os.O_RDONLY)
    os.set_inheritable(found, True)  # noqa: FBT003 - the standard library's own signature
    return str(found)
