"""`groups` and `users`: lines in the instance's own /etc/passwd and /etc/group.

Programs that add accounts are not on every machine, and need more than an instance may do; the
format has not changed in fifty years. Accounts that are there already stay as they are. Where an
instance has a single account, or shares the machine's, none is made.
"""

from __future__ import annotations

import grp
import pwd
from collections.abc import Container, Iterable
from pathlib import Path

from jackbean.agent.extensions.bench import Bench
from jackbean.agent.phases import StepFailed
from jackbean.core.instructions import Extension, Group, User

SYSTEM_IDS = range(999, 99, -1)
NOLOGIN = "/sbin/nologin"


def add_groups(bench: Bench, extension: Extension) -> None:
    if _none_here(bench, extension.name, "groups", [group.name for group in extension.groups]):
        return
    for group in extension.groups:
        _add_group(bench, group)


def add_users(bench: Bench, extension: Extension) -> None:
    if _none_here(bench, extension.name, "users", [user.name for user in extension.users]):
        return
    for user in extension.users:
        _add_user(bench, user)


def _none_here(bench: Bench, file: str, key: str, names: list[str]) -> bool:
    """Tell people if no account can be made here."""
    if not bench.single_account:
        return False
    bench.notice(
        f"{file}: {key}: {', '.join(names)}: not made, since instances of mode "
        f"{bench.run.host.config.mode} have one account; in mode root they have their own."
    )
    return True


def _add_group(bench: Bench, group: Group) -> None:
    found = _group(group.name)
    if found is None:
        gid = _fresh(group.gid, {entry.gr_gid for entry in grp.getgrall()}, f"group {group.name}")
        _append(bench.place("/etc/group"), f"{group.name}:x:{gid}:")
        bench.journal.info(f"Created group {group.name} with gid {gid}")
    elif group.gid not in (None, found.gr_gid):
        raise StepFailed(
            f"group {group.name} exists with gid {found.gr_gid}, but gid {group.gid} is wanted."
        )


def _add_user(bench: Bench, user: User) -> None:
    found = _user(user.name)
    if found:
        if user.uid not in (None, found.pw_uid):
            raise StepFailed(
                f"user {user.name} exists with uid {found.pw_uid}, but uid {user.uid} is wanted."
            )
        bench.journal.info(f"User {user.name} exists already")
        return
    for name in user.groups:
        if _group(name) is None:
            raise StepFailed(f"user {user.name}: there is no group {name}; add it under groups.")
    uid = _fresh(user.uid, {entry.pw_uid for entry in pwd.getpwall()}, f"user {user.name}")
    own = _group(user.name)
    if own is None:
        taken = {entry.gr_gid for entry in grp.getgrall()}
        gid = uid if uid not in taken else _fresh(None, taken, f"group {user.name}")
        _append(bench.place("/etc/group"), f"{user.name}:x:{gid}:")
    else:
        gid = own.gr_gid
    home = user.home or f"/home/{user.name}"
    _append(bench.place("/etc/passwd"), f"{user.name}:x:{uid}:{gid}::{home}:{NOLOGIN}")
    shadow = bench.place("/etc/shadow")
    if shadow.exists():
        _append(shadow, f"{user.name}:!:19000:0:99999:7:::")
    _join(bench.place("/etc/group"), user.name, user.groups)
    bench.journal.info(f"Created user {user.name} with uid {uid}")


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
    text = path.read_text()
    _replace(path, f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n")


def _join(path: Path, user: str, groups: Iterable[str]) -> None:
    """Make a user a member of groups."""
    wanted, lines = set(groups), []
    for line in path.read_text().splitlines():
        name, _, rest = line.partition(":")
        fields = rest.split(":")
        if name in wanted and len(fields) == 3:
            members = [member for member in fields[2].split(",") if member]
            fields[2] = ",".join([*members, user])
        lines.append(":".join([name, *fields]) if rest else line)
    _replace(path, "\n".join(lines) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file anew with the rights it has."""
    new = path.with_name(f".{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.chmod(path.stat().st_mode & 0o777)
    new.replace(path)


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _group(name: str) -> grp.struct_group | None:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def uid_of(name: str) -> int:
    """Return the id of a user, by name or number."""
    if name.isdecimal():
        return int(name)
    found = _user(name)
    if found is None:
        raise StepFailed(f"there is no user {name}; add it under users.")
    return found.pw_uid


def gid_of(name: str) -> int:
    if name.isdecimal():
        return int(name)
    found = _group(name)
    if found is None:
        raise StepFailed(f"there is no group {name}; add it under groups.")
    return found.gr_gid
