"""Accounts, in a directory like /etc."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackbean.agent.extensions.accounts import Accounts
from jackbean.agent.phases import StepFailed
from jackbean.core.instructions import Group, User


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/bash\nwebapp:x:900:900::/home:/bin/sh")
    (tmp_path / "group").write_text("root:x:0:\nwebapp:x:900:\nadm:x:4:root\n")
    (tmp_path / "shadow").write_text("root:*:19000:0:99999:7:::\n")
    (tmp_path / "shadow").chmod(0o600)
    return tmp_path


def test_users_and_groups_are_added(etc: Path) -> None:
    accounts = Accounts(etc)
    accounts.add_group(Group("workers", 700))
    accounts.add_group(Group("others"))
    accounts.add_user(User("worker", 701, ("workers", "adm"), "/opt/worker"))
    accounts.add_user(User("second"))
    passwd = (etc / "passwd").read_text().splitlines()
    assert passwd[1:] == [
        "webapp:x:900:900::/home:/bin/sh",
        "worker:x:701:701::/opt/worker:/sbin/nologin",
        "second:x:999:998::/home/second:/sbin/nologin",
    ]
    assert (etc / "group").read_text().splitlines()[2:] == [
        "adm:x:4:root,worker",
        "workers:x:700:worker",
        "others:x:999:",
        "worker:x:701:",
        "second:x:998:",
    ]
    assert "worker:!:" in (etc / "shadow").read_text()
    assert (etc / "shadow").stat().st_mode & 0o777 == 0o600
    assert (accounts.uid("worker"), accounts.gid("workers"), accounts.uid("12")) == (701, 700, 12)


def test_what_is_there_stays_as_it_is(etc: Path) -> None:
    accounts = Accounts(etc)
    before = (etc / "passwd").read_text(), (etc / "group").read_text()
    for _ in range(2):
        accounts.add_user(User("webapp", 900, ("adm",), "/elsewhere"))
        accounts.add_user(User("webapp"))
        accounts.add_group(Group("adm", 4))
    assert ((etc / "passwd").read_text(), (etc / "group").read_text()) == before


CONFLICTS: dict[str, tuple[Group | User, str]] = {
    "another uid": (User("webapp", 5), "user webapp exists with uid 900, but uid 5 is wanted"),
    "another gid": (Group("adm", 5), "group adm exists with gid 4, but gid 5 is wanted"),
    "somebody else's uid": (User("new", 900), "id 900 is somebody else's"),
    "somebody else's gid": (Group("new", 900), "id 900 is somebody else's"),
    "no such group": (User("new", None, ("nobody",)), "no group nobody; add it under groups"),
}


@pytest.mark.parametrize(("wanted", "says"), CONFLICTS.values(), ids=CONFLICTS)
def test_conflicts(etc: Path, wanted: Group | User, says: str) -> None:
    accounts = Accounts(etc)
    with pytest.raises(StepFailed, match=says):
        accounts.add_user(wanted) if isinstance(wanted, User) else accounts.add_group(wanted)


def test_unknown_owners(etc: Path) -> None:
    with pytest.raises(StepFailed, match="there is no user nobody"):
        Accounts(etc).uid("nobody")
    with pytest.raises(StepFailed, match="there is no group nobody"):
        Accounts(etc).gid("nobody")
