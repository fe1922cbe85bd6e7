"""What the executors work with: the run, the logs, where things are, and what has changed."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from jackbean.agent.children import Command
from jackbean.agent.extensions.journal import InitLog
from jackbean.agent.run import Done, Run

NOTICES_MAX = 20
PROXY_FILES = "proxy-files.json"  # among what is the agent's own
# What is an instance's own in every mode: commands that name it mean that of the instance.
FOLDERS = (
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/init.d",
    "/etc/logrotate.d",
    "/etc/nginx",
    "/etc/profile.d",
    "/etc/rsyslog.d",
    "/etc/security",
    "/etc/sysconfig",
    "/etc/systemd",
    "/home/ec2-user",
    "/home/webapp",
    "/opt/aws",
    "/opt/elasticbeanstalk",
    "/var/app",
    "/var/log",
    "/var/pids",
)
SINGLE = frozenset({("root", "root"), ("0", "0")})


@dataclass
class Bench:
    """The workbench of one pass through the config files.

    `changed` maps keys (`files`, `sources`, `packages`, `commands`) to the names of what this pass
    has changed of them; `notices` is what people have to know though the deployment goes on.
    `written` are the paths that an instance without a file system of its own has elsewhere.
    """

    run: Run
    journal: InitLog
    changed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    notices: list[str] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    last_output: str = ""

    @property
    def plain(self) -> bool:
        """Whether paths are below a prefix, since the instance shares the machine's files."""
        return bool(self.run.paths.prefix)

    @property
    def single_account(self) -> frozenset[tuple[str, str]]:
        """The owners that files may have where all are of one account; empty where there are more.

        An instance has accounts of its own where it runs the application as somebody else.
        """
        return frozenset() if self.run.host.config.user and not self.plain else SINGLE

    def notice(self, text: str) -> None:
        """Have people told something that does not stop the deployment; once."""
        if text not in self.notices and len(self.notices) < NOTICES_MAX:
            self.notices.append(text)
            self.journal.warn(text)
            self.run.warn(text)

    def place(self, path: str) -> Path:
        """Return where on this instance a path is that a bundle names."""
        return self.run.paths.at(path)

    def mapped(self, line: str) -> str:
        """Return a command with the paths that are elsewhere here put in their place.

        These are what the bundle has written, and the folders of an instance that are always there.
        """
        if not self.plain:
            return line
        longest_first = sorted(self.written, key=len, reverse=True)
        written = "|".join(re.escape(path) for path in longest_first) or "(?!)"
        folders = "|".join(map(re.escape, FOLDERS))
        pattern = rf"(?<![\w./-])((?:{written})(?![\w.-])|(?:{folders})(?![\w.-]))"
        return re.sub(pattern, lambda found: str(self.place(found[1])), line)

    def execute(self, command: Command) -> Done:
        """Run a command to its end, its output into the log of commands."""
        done = self.run.execute(command, self.journal.commands)
        self.journal.end(done.code)
        self.last_output = done.tail
        return done

    def not_started(self, why: str, code: int) -> int:
        """Take note of a program that could not even be started; return the code it is given."""
        self.journal.end(code)
        self.last_output = why
        return code
