"""`sudo`: commands of bundles are root's already, and many say so all the same.

The real one refuses to work where nobody may gain privileges, which is so in every instance.
"""

from __future__ import annotations

import os
import pwd
import re

VALUED = frozenset("ugCDhpRrTtU")  # short options that have a value
LONG_VALUED = ("--user", "--group", "--chdir", "--prompt", "--host", "--other-user")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
SHELL = "/bin/sh"


def parsed(argv: list[str]) -> tuple[str, dict[str, str], list[str]]:
    """Return the user, the variables that are set, and the command."""
    user, words = "root", list(argv)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            if name in LONG_VALUED and not equals and words:
                value = words.pop(0)
            user = value if name == "--user" else user
        elif word[1] == "u" and len(word) > 2:
            user = word[2:]
        elif word[-1] in VALUED and words:
            value = words.pop(0)
            user = value if word[-1] == "u" else user
    env = {}
    while words and ASSIGNMENT.fullmatch(words[0]):
        name, _, env[name] = words.pop(0).partition("=")
    return user, env, words or [SHELL]


def run(argv: list[str]) -> str:
    """Become the command; return why that is not possible."""
    user, env, command = parsed(argv)
    try:
        if user not in ("root", "#0") and os.geteuid() == 0:
            account = pwd.getpwnam(user)
            os.initgroups(user, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            env |= {"HOME": account.pw_dir, "USER": user, "LOGNAME": user}
        os.execvpe(command[0], command, {**os.environ, **env})  # noqa: S606 - that is what it is for
    except KeyError:
        return f"sudo: unknown user {user}"
    except OSError as error:
        return f"sudo: {command[0]}: {error.strerror}"
