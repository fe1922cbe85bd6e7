"""System calls that no instance needs and that reach past its namespaces: refused by a filter.

A kernel's keyrings belong to users, not to namespaces: root of an instance would read the keys that
the machine's root has, of encrypted disks for one. The others are wide doors into the kernel that
ask for no privilege. A filter is a small program of the classic packet filter's kind.
"""

from __future__ import annotations

import errno
import struct
from platform import machine

INSTRUCTION = struct.Struct("=HBBI")  # code, jump if true, jump if false, operand
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE = 0, 4  # offsets in what a filter sees
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
X32 = 0x40000000  # numbers of a second set of calls on x86_64

# add_key, request_key, keyctl; perf_event_open, bpf, userfaultfd; io_uring_setup, _enter, _register
CALLS = {
    "x86_64": (0xC000003E, (248, 249, 250, 298, 321, 323, 425, 426, 427)),
    "aarch64": (0xC00000B7, (217, 218, 219, 241, 280, 282, 425, 426, 427)),
}


def program(name: str = "") -> bytes:
    """Return the filter for an architecture, this machine's if not named; empty if unknown.

    Calls in the manner of another architecture are refused whole: their numbers mean other things.
    """
    known = CALLS.get(name or machine())
    if known is None:
        return b""
    architecture, numbers = known
    refused = len(numbers) + 2  # how far the last instruction is from the first comparison
    code = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, refused + 1, architecture),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, refused - 1, 0, X32),
        *((EQUAL, refused - 2 - n, 0, number) for n, number in enumerate(numbers)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    return b"".join(INSTRUCTION.pack(*instruction) for instruction in code)
