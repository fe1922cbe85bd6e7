"""Network namespaces without a program and without a trace on disk.

A thread of its own leaves the host's namespace and ends. The namespace lives on in the descriptor
that it returns, then in the processes started in it, and is gone with the last of them: nothing
has to be removed after a crash.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

CLONE_NEWNET = 0x40000000

Result = TypeVar("Result")


def create() -> int:
    """Return a descriptor of a new network namespace. Raises OSError where none may be made."""
    return _apart(_leave)


def within(netns: int, work: Callable[[], Result]) -> Result:
    """Return what `work` returns in a network namespace."""

    def enter() -> Result:
        _call("setns", netns, CLONE_NEWNET)
        return work()

    return _apart(enter)


def _leave() -> int:
    _call("unshare", CLONE_NEWNET)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _call(name: str, *arguments: int) -> None:
    """Call a function of the C library; the standard library has these from Python 3.12 on."""
    if ctypes.CDLL(None, use_errno=True)[name](*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _apart(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread that ends with it: no other work ever sees where it went."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # the caller's thread raises it
            errors.append(error)

    thread = threading.Thread(target=run, name="network-namespace")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
