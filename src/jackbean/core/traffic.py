"""What a load balancer has counted of the instances of each release."""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.records import replace

NOBODY = 0  # the release of those who met no instance
RELEASE = "release-"


def group_of(release: int) -> str:
    """Return the name of the group of those that run `release`."""
    return f"{RELEASE}{release}"


def release_of(group: str) -> int | None:
    """Return the release that a group is named for; None for one of another kind."""
    number = group.removeprefix(RELEASE)
    return int(number) if number != group and number.isdecimal() else None


@dataclass(frozen=True)
class Count:
    """Counters of one release as they stood at a look, since `epoch` began.

    They are of attempts: a request that is tried on two instances is two. `errors` were answered
    with 500 or above, `failed` not or not wholly, and `retried` of those were tried again. Only
    `retried` may go back, by what was about to become a failure for good.
    """

    release: int
    epoch: str
    requests: int = 0
    errors: int = 0
    failed: int = 0
    retried: int = 0

    def since(self, before: Count | None) -> Count:
        """Return what was added since an earlier look, or all of it where counting began anew."""
        if before is None or before.epoch != self.epoch or before.requests > self.requests:
            return self
        return replace(
            self,
            requests=self.requests - before.requests,
            errors=self.errors - before.errors,
            failed=self.failed - before.failed,
            retried=self.retried - before.retried,
        )


Counts = tuple[Count, ...]


def began_anew(before: Counts, now: Counts) -> bool:
    """Whether counting began anew between two looks: what was counted in between may be lost."""
    old = {count.release: count for count in before}
    epochs = {count.epoch for count in before}
    return any(
        (epochs and count.epoch not in epochs)
        or (count.release in old and old[count.release].requests > count.requests)
        for count in now
    )


def renewed(before: Counts, now: Counts) -> Counts:
    """Return the newest known of every release; what is not told of any more stays as it was."""
    told = {count.release for count in now}
    return (*(count for count in before if count.release not in told), *now)


def added(before: Counts, now: Counts) -> Counts:
    """Return what each release was asked between two looks."""
    old = {count.release: count for count in before}
    return tuple(count.since(old.get(count.release)) for count in now)
