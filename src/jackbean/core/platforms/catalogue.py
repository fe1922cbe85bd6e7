"""The catalogue: which platforms there are, by every name that clients use, and which run here.

Everything that Elastic Beanstalk has is listed, so that an environment can be described and a
choice explained, but only what an engine can run may be launched: `find` answers for all of them,
and `require_runnable` refuses the rest with what would make it run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from jackbean.core.errors import Fault, invalid
from jackbean.core.platforms.branch import OWNER, SYSTEM, SYSTEM_VERSION, Branch, version_key
from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.filters import Facts, Filter, check_filters, matches
from jackbean.core.platforms.names import (
    NAME_MAX,
    parse_arn,
    platform_arn,
    short_forms,
    stack_name,
    stack_of_arn,
)

SHOWN_MAX = 120
LEADING = "Python"
NO_LETTERS = re.compile(r"[^a-z]")
RUNNABLE_ORDER = 100_000  # put before everything that does not run here
VERSION_FILTERS = (
    "PlatformName",
    "PlatformVersion",
    "PlatformStatus",
    "PlatformBranchName",
    "PlatformLifecycleState",
    "PlatformOwner",
    "SupportedTier",
    "SupportedAddon",
    "ProgrammingLanguageName",
    "OperatingSystemName",
)
BRANCH_FILTERS = ("BranchName", "PlatformName", "LifecycleState", "TierType")


@dataclass(frozen=True)
class PlatformVersion:
    """One version of a branch, as this region names it."""

    branch: Branch
    version: str
    region: str

    @property
    def solution_stack(self) -> str:
        return stack_name(self.branch, self.version)

    @property
    def arn(self) -> str:
        return platform_arn(self.region, self.branch, self.version)

    @property
    def recommended(self) -> bool:
        return self.version == self.branch.recommended

    @property
    def lifecycle(self) -> str:
        """Return the word for the version's state, "" for one that has been superseded."""
        return "Recommended" if self.recommended else ""

    @property
    def status(self) -> str:
        return "Ready"

    @property
    def owner(self) -> str:
        return OWNER

    @property
    def operating_system(self) -> tuple[str, str]:
        return (SYSTEM, SYSTEM_VERSION)

    @property
    def description(self) -> str:
        return f"64bit {SYSTEM} {SYSTEM_VERSION} running {self.branch.running}"


@dataclass(frozen=True)
class SolutionStack:
    name: str
    file_types: tuple[str, ...]


class Catalogue:
    """`runnable` are the names of the branches that this installation can run.

    `stand_ins` are those of them that run on another version of their language, which somebody who
    names a language only does not want. The platform that needs nothing but what runs Jackbean
    itself comes first.
    """

    def __init__(self, region: str, runnable: Iterable[str], stand_ins: Iterable[str] = ()) -> None:
        self.region = region
        self.runnable = frozenset(runnable)
        later = frozenset(stand_ins)
        self._branches = tuple(
            sorted(
                BRANCHES,
                key=lambda b: (
                    not self.runs(b),
                    b.name in later,
                    b.retired,
                    b.platform_name != LEADING,
                    b.platform_name,
                    -b.order,
                ),
            )
        )
        self._versions = tuple(
            PlatformVersion(branch, version, region)
            for branch in self._branches
            for version in sorted(branch.versions, key=version_key, reverse=True)
        )
        self._by_name = self._names()

    def runs(self, branch: Branch) -> bool:
        return branch.name in self.runnable

    def solution_stacks(self) -> tuple[SolutionStack, ...]:
        """Return what runs here first, newest first within; of the rest the newest versions."""
        shown = (v for v in self._versions if self.runs(v.branch) or v.recommended)
        return tuple(SolutionStack(v.solution_stack, v.branch.file_types) for v in shown)

    def platform_versions(self, filters: Sequence[Filter] = ()) -> tuple[PlatformVersion, ...]:
        """Return the versions that match all filters, the newest of each branch first."""
        check_filters(filters, VERSION_FILTERS)
        wanted = [_latest(f) for f in filters]
        return tuple(v for v in self._versions if matches(wanted, _version_facts(v)))

    def branches(self, filters: Sequence[Filter] = ()) -> tuple[Branch, ...]:
        """Return the branches that match all filters, those that run here first."""
        check_filters(filters, BRANCH_FILTERS)
        return tuple(b for b in self._branches if matches(filters, _branch_facts(b)))

    def order(self, branch: Branch) -> int:
        """Return the rank that clients sort branches by, greatest first: what runs here leads."""
        return branch.order + (RUNNABLE_ORDER if self.runs(branch) else 0)

    def find(self, name: str) -> PlatformVersion:
        """Return the platform of a stack name, an ARN, a branch or a short form ("python-3.11").

        Without a version it is the newest. Raises a Fault that names what comes nearest.
        """
        text = name.strip()[: NAME_MAX + 1]
        parsed = parse_arn(text)
        if parsed and not parsed.account:
            full = f"{parsed.branch}/{parsed.version}" if parsed.version else parsed.branch
        else:
            full = stack_of_arn(text) or text
        found = self._by_name.get(full.casefold())
        if found is None:
            raise self._unknown(text, full)
        return found

    def hindrance(self, platform: PlatformVersion) -> str:
        """Return why a platform cannot be launched here, "" where it can."""
        branch = platform.branch
        if self.runs(branch):
            return ""
        here = ", ".join(b.running for b in self._branches if self.runs(b)) or "nothing yet"
        return (
            f"Platform '{branch.name}' does not run here: it comes with {branch.comes_with}. "
            f"What runs here: {here}."
        )

    def require_runnable(self, platform: PlatformVersion) -> None:
        """Raise a Fault with the reason unless a platform can be launched here."""
        reason = self.hindrance(platform)
        if reason:
            raise invalid(reason)

    def _names(self) -> dict[str, PlatformVersion]:
        """Return every name; the first to claim one keeps it: what runs, and the newest."""
        names: dict[str, PlatformVersion] = {}
        for platform in self._versions:
            names[platform.solution_stack.casefold()] = platform
            names[f"{platform.branch.name}/{platform.version}".casefold()] = platform
            for form in short_forms(platform.branch):
                names.setdefault(form.casefold(), platform)
        for platform in self._versions:
            for form in (platform.branch.platform_name, platform.branch.language_name):
                names.setdefault(form.casefold(), platform)
        return names

    def _unknown(self, given: str, name: str) -> Fault:
        kind = "Platform" if given.startswith("arn:") else "Solution Stack"
        shown = "".join(c if c.isprintable() else "?" for c in given[:SHOWN_MAX])
        near = self._nearest(name)
        more = f" The nearest: {', '.join(near)}." if near else ""
        return invalid(f"No {kind} named '{shown}' found.{more}")

    def _nearest(self, name: str) -> list[str]:
        """Return up to three names in the form of the one that was given, or of its language."""
        stacks = {v.solution_stack.casefold(): v.solution_stack for v in self._versions}
        short = {v.branch.running.casefold(): v.branch.running for v in self._versions}
        full = {f"{v.branch.name}/{v.version}".casefold(): v.arn for v in self._versions}
        wanted = name.casefold()
        for names in (stacks, full, short):
            near = get_close_matches(wanted, names, 3, 0.8)
            if near:
                return [names[n] for n in near]
        language = NO_LETTERS.sub("", wanted)
        kin = [n for f, n in short.items() if NO_LETTERS.sub("", f).startswith(language)]
        return kin[:3] if language else []


def _latest(wanted: Filter) -> Filter:
    """Return the filter that the magic version "latest" stands for."""
    if (wanted.name, wanted.operator, wanted.values) == ("PlatformVersion", "=", ("latest",)):
        return Filter("PlatformLifecycleState", "=", ("Recommended",))
    return wanted


def _version_facts(platform: PlatformVersion) -> Facts:
    branch = platform.branch
    return {
        "PlatformName": (branch.name, branch.platform_name),
        "PlatformVersion": (platform.version,),
        "PlatformStatus": (platform.status,),
        "PlatformBranchName": (branch.name,),
        "PlatformLifecycleState": (platform.lifecycle,),
        "PlatformOwner": (platform.owner,),
        "SupportedTier": branch.tiers,
        "SupportedAddon": branch.addons,
        "ProgrammingLanguageName": (branch.language_name,),
        "OperatingSystemName": (SYSTEM,),
    }


def _branch_facts(branch: Branch) -> Facts:
    return {
        "BranchName": (branch.name,),
        "PlatformName": (branch.platform_name,),
        "LifecycleState": (branch.lifecycle.value,),
        "TierType": (*branch.tiers, *(t.partition("/")[2] for t in branch.tiers)),
    }
