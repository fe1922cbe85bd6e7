"""`groups` and `users`: lines in the instance's own /etc/passwd and /etc/group.

Programs that add accounts are not on every machine, and need more than an instance may do; the
format has not changed in fifty years. Accounts that are there already stay as they are. Where an
instance has a single account, or shares the machine's, none is made.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from jackbean.agent.extensions.bench import Bench
from jackbean.agent.phases import StepFailed
from jackbean.core.instructions import Extension, Group, User

SYSTEM_IDS = range(999, 99, -1)
NOLOGIN = "/sbin/nologin"
NEVER = "!:19000:0:99999:7:::"  # of /etc/shadow: nobody logs in with a password


def add_groups(bench: Bench, extension: Extension) -> None:
    if _none_here(bench, extension.name, "groups", [group.name for group in extension.groups]):
        return
    accounts = Accounts(bench.place("/etc"))
    for group in extension.groups:
        bench.journal.info(accounts.add_group(group))


def add_users(bench: Bench, extension: Extension) -> None:
    if _none_here(bench, extension.name, "users", [user.name for user in extension.users]):
        return
    accounts = Accounts(bench.place("/etc"))
    for user in extension.users:
        bench.journal.info(accounts.add_user(user))


def _none_here(bench: Bench, file: str, key: str, names: list[str]) -> bool:
    """Tell people if no account can be made here."""
    if not bench.single_account:
        return False
    bench.notice(
        f"{file}: {key}: {', '.join(names)}: not made, since instances of mode "
        f"{bench.run.host.config.mode} have one account; in mode root they have their own."
    )
    return True


class Accounts:
    """The accounts in a directory like /etc. What is added is said in a sentence."""

    def __init__(self, etc: Path) -> None:
        self._passwd = etc / "passwd"
        self._group = etc / "group"
        self._shadow = etc / "shadow"

    def uid(self, name: str) -> int:
        """Return the id of a user, by name or number. Raises StepFailed."""
        found = self._users().get(name)
        if found is None and not name.isdecimal():
            raise StepFailed(f"there is no user {name}; add it under users.")
        return int(name) if found is None else found

    def gid(self, name: str) -> int:
        found = self._groups().get(name)
        if found is None and not name.isdecimal():
            raise StepFailed(f"there is no group {name}; add it under groups.")
        return int(name) if found is None else found

    def add_group(self, group: Group) -> str:
        known = self._groups()
        if group.name in known:
            _check(f"group {group.name}", "gid", known[group.name], group.gid)
            return f"Group {group.name} exists already"
        gid = _fresh(group.gid, known.values(), f"group {group.name}")
        _append(self._group, f"{group.name}:x:{gid}:")
        return f"Created group {group.name} with gid {gid}"

    def add_user(self, user: User) -> str:
        users, groups = self._users(), self._groups()
        if user.name in users:
            _check(f"user {user.name}", "uid", users[user.name], user.uid)
            return f"User {user.name} exists already"
        missing = [name for name in user.groups if name not in groups]
        if missing:
            raise StepFailed(f"user {user.name}: no group {missing[0]}; add it under groups.")
        uid = _fresh(user.uid, users.values(), f"user {user.name}")
        gid = groups.get(user.name)
        if gid is None:
            wanted = None if uid in groups.values() else uid
            gid = _fresh(wanted, groups.values(), f"group {user.name}")
            _append(self._group, f"{user.name}:x:{gid}:")
        home = user.home or f"/home/{user.name}"
        _append(self._passwd, f"{user.name}:x:{uid}:{gid}::{home}:{NOLOGIN}")
        if self._shadow.exists():
            _append(self._shadow, f"{user.name}:{NEVER}")
        self._join(user)
        return f"Created user {user.name} with uid {uid}"

    def _users(self) -> dict[str, int]:
        return _ids(self._passwd)

    def _groups(self) -> dict[str, int]:
        return _ids(self._group)

    def _join(self, user: User) -> None:
        """Make a user a member of its groups."""
        lines = []
        for line in self._group.read_text().splitlines():
            fields = line.split(":")
            if len(fields) == 4 and fields[0] in user.groups:
                members = [member for member in fields[3].split(",") if member]
                fields[3] = ",".join([*members, user.name])
            lines.append(":".join(fields))
        _replace(self._group, "\n".join(lines) + "\n")


def _ids(path: Path) -> dict[str, int]:
    """Return the ids in a file by name; the first line of a name counts."""
    found: dict[str, int] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isdecimal():
            found.setdefault(fields[0], int(fields[2]))
    return found


def _check(who: str, what: str, found: int, wanted: int | None) -> None:
    if wanted not in (None, found):
        raise StepFailed(f"{who} exists with {what} {found}, but {what} {wanted} is wanted.")


def _fresh(wanted: int | None, taken: Container[int], who: str) -> int:
    if wanted is not None:
        if wanted in taken:
            raise StepFailed(f"{who}: id {wanted} is somebody else's already.")
        return wanted
    for number in SYSTEM_IDS:
        if number not in taken:
            return number
    raise StepFailed(f"{who}: there is no free id below 1000.")


def _append(path: Path, line: str) -> None:
    text = path.read_text() if path.exists() else ""
    _replace(path, f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n")


def _replace(path: Path, text: str) -> None:
    """Write a file anew with the rights it has."""
    new = path.with_name(f".{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
    new.replace(path)
