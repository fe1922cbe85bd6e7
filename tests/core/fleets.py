"""Instances and fleets for tests, said in a line."""

from __future__ import annotations

from typing import Any

from jackbean.core.fleet import (
    Assignment,
    Failure,
    Fleet,
    Instance,
    Machine,
    Member,
    Service,
    Sight,
    Work,
    WorkState,
)

OLD, NEW = 1, 2  # releases
GATE = 3
MEMBER = frozenset({"template", "launched_by", "launched_at", "group", "service", "since"})


def instance(id_: str = "i-1", **facts: Any) -> Instance:
    """Return an instance that serves release OLD and is well, except for `facts`.

    `assigned` is (work, release) or (work, release, leader); everything else is a field of Member
    or of Sight. `gate` is its gate.
    """
    gate = facts.pop("gate", GATE)
    work, release, *leader = facts.pop("assigned", (Work.ACTIVATE, OLD))
    serial = facts.pop("serial", 1)
    member: dict[str, Any] = {
        "template": "t-old",
        "service": Service.IN,
        "assignment": Assignment(serial, work, release, *leader),
        "leaving": facts.pop("leaving", False),
        **{name: facts.pop(name) for name in MEMBER & facts.keys()},
    }
    sight: dict[str, Any] = {
        "machine": Machine.RUNNING,
        "heard": True,
        "serial": serial,
        "state": WorkState.DONE,
        "running": OLD,
        "staged": OLD,
        "passes": gate,
        "requests": 1,
        **facts,
    }
    return Instance(Member(id_, **member), Sight(**sight), gate)


def fresh(id_: str = "i-1", release: int = NEW, **facts: Any) -> Instance:
    """Return one that has just been launched with `release` and has not come up."""
    unseen: dict[str, Any] = {
        "machine": Machine.ABSENT,
        "heard": False,
        "state": None,
        "running": None,
        "staged": None,
        "passes": 0,
        "requests": 0,
    }
    blank = {"assigned": (Work.ACTIVATE, release), "service": Service.OUT}
    return instance(id_, **{**blank, **unseen, **facts})


def updated(id_: str = "i-1", release: int = NEW, **facts: Any) -> Instance:
    """Return one that serves `release` and is well."""
    done = {"assigned": (Work.ACTIVATE, release), "running": release, "staged": release}
    return instance(id_, **{**done, **facts})


def failed(id_: str = "i-1", release: int = NEW, **facts: Any) -> Instance:
    """Return one that could not do what it was told to do for `release`."""
    told = {"assigned": (Work.STAGE, release), "state": WorkState.FAILED}
    return instance(id_, **{**told, "failure": Failure("", "it is bad"), **facts})


def dead(id_: str = "i-1", **facts: Any) -> Instance:
    return instance(id_, **{"machine": Machine.EXITED, "running": None, "passes": 0, **facts})


def fleet(*instances: Instance) -> Fleet:
    return Fleet(instances)


def many(count: int, **facts: Any) -> Fleet:
    return Fleet(tuple(instance(f"i-{n}", **facts) for n in range(1, count + 1)))
