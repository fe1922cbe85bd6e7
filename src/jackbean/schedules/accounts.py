"""What is known of the periodic tasks of one environment, and what a decision adds to it.

Every minute at which a task is due has one *fate*: a message was sent for it, or it was skipped and
why. A mark says up to which minute that is settled, so nothing is decided twice, and nothing is
left out: not by an outage, a restart, or a clock that is set.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.tasks import Task


@dataclass(frozen=True)
class Sent:
    """A message was sent. `minute` is when it was due."""

    task: Task
    minute: int
    release: int

    @property
    def last(self) -> int:
        return self.minute

    @property
    def key(self) -> tuple[str, int]:
        return self.task.name, self.minute


@dataclass(frozen=True)
class Skipped:
    """So many due minutes in a row, from the first to the last, for which nothing was sent."""

    task: Task
    minute: int
    last: int
    count: int
    release: int
    reason: str

    @property
    def key(self) -> tuple[str, int]:
        return self.task.name, self.minute


Fate = Sent | Skipped


@dataclass(frozen=True)
class Mark:
    """Up to and with `through` every due minute of a task has its fate.

    `skipped` are the last ones if those were skipped: others with the same reason join them.
    """

    task: Task
    release: int
    through: int
    skipped: Skipped | None = None


@dataclass(frozen=True)
class Account:
    """The marks of an environment's tasks, and what is suspended, by name.

    `through` is the last minute of any decision, of whichever tasks there were. `revision` counts
    the saves; whoever saves what was read at another one is refused.
    """

    environment: str
    marks: tuple[Mark, ...] = ()
    suspended: tuple[str, ...] = ()
    through: int = 0
    revision: int = 0

    def settled(self, now: int) -> int:
        """Return the minute up to which nothing can change any more."""
        return min([now, self.through, *(mark.through for mark in self.marks)])


@dataclass(frozen=True)
class Present:
    """How things stand: `now` is a minute. `hindrance` is why nothing can be sent, if so.

    `looked` is the minute up to which somebody has looked since the program was started, None if
    nobody has. `ahead` are the fates that end after `Account.settled`: there are some only where a
    clock was set back.
    """

    now: int
    release: int
    tasks: tuple[Task, ...]
    hindrance: str = ""
    looked: int | None = None
    ahead: tuple[Fate, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What is to be saved at once: the account, fates new or changed, and fates that are void.

    `more` says that there is more to decide at once. `due` is when a task is due next, None: never.
    """

    account: Account
    fates: tuple[Fate, ...] = ()
    void: tuple[Skipped, ...] = ()
    more: bool = False
    due: int | None = None

    @property
    def sent(self) -> tuple[Sent, ...]:
        return tuple(fate for fate in self.fates if isinstance(fate, Sent))
