"""What an instance type may use: memory, processors, processes.

Numbers are those of the EC2 types of that name. A type that is not here gets the default.
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1 << 30
PIDS_PER_GIB, PIDS_MIN = 1024, 512  # a thread counts
PIDS = 4096  # where there are no control groups: of all that the user runs
OPEN_FILES = 65536


@dataclass(frozen=True)
class Limits:
    memory_bytes: int
    cpus: float
    pids: int


SIZES = {  # size -> GiB, processors: of the general purpose families
    "nano": (0.5, 2),
    "micro": (1, 2),
    "small": (2, 2),
    "medium": (4, 2),
    "large": (8, 2),
    "xlarge": (16, 4),
    "2xlarge": (32, 8),
    "4xlarge": (64, 16),
    "8xlarge": (128, 32),
    "12xlarge": (192, 48),
    "16xlarge": (256, 64),
    "24xlarge": (384, 96),
}
FACTORS = {"c": 0.5, "m": 1, "r": 2, "t": 1}  # memory of a family, in that of general purpose
ODD = {  # those that the rule above does not give
    "t1.micro": (0.613, 1),
    "t2.nano": (0.5, 1),
    "t2.micro": (1, 1),
    "t2.small": (2, 1),
    "m1.small": (1.7, 1),
    "m3.medium": (3.75, 1),
    "m6g.medium": (4, 1),
    "m7g.medium": (4, 1),
    "c6g.medium": (2, 1),
    "c7g.medium": (2, 1),
    "r6g.medium": (8, 1),
    "r7g.medium": (8, 1),
}
DEFAULT = Limits(2 * GIB, 2, 2048)
BUILD = Limits(4 * GIB, 4, 4096)  # all dependency builds together


def of(instance_type: str) -> Limits:
    """Return the limits of an instance type."""
    if instance_type in ODD:
        return _limits(*ODD[instance_type])
    family, _, size = instance_type.partition(".")
    if size not in SIZES or family[:1] not in FACTORS:
        return DEFAULT
    memory_gib, cpus = SIZES[size]
    return _limits(memory_gib * FACTORS[family[0]], cpus)


def _limits(memory_gib: float, cpus: float) -> Limits:
    pids = max(PIDS_MIN, int(memory_gib * PIDS_PER_GIB))
    return Limits(int(memory_gib * GIB), cpus, pids)
