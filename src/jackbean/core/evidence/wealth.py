"""The comparisons of a canary in sequence: a bettor's wealth, which may be looked at at any time.

A bettor begins with 1 and bets, block by block (`bets`), that the new release fails more often. If
it does not, the wealth E is a nonnegative supermartingale: whatever happened, the next block is
not expected to raise it. By Ville's inequality (1939)

    P( E ever reaches 1/level ) <= level

over all looks together, however many there are and whatever makes one stop. So `WORSE` is said
when E has reached 1/level, and 1/max(E) is a p-value that holds at every look. A fixed sample test
that is asked at each look has no such bound: its false alarms go on towards certainty.

- Stakes come in over time: by block s the share 1 - 1/(s+1) is in play, and the rest, 1/(s+1), is
  kept. A release that turns bad late (a leak, a cache that runs out) is not measured against
  wealth lost on its good hours alone. A mixture over beginnings is as fair as each beginning.
- Each look should be a comparison of its own, since rates move over the day and both arms share
  that. But one request is no comparison. Looks are put together until a block has `BLOCK_REQUESTS`;
  one part in so many of the information is lost by that. Larger looks are blocks of their own.
  What closes a block is never an error, or the choice would bias it. Where a block should have had
  `ABSENT_MAX` requests of an arm and has none, the arms are reported in turns (each instance in its
  own ten seconds, say), and it waits for both. Inside a block the split of traffic must not move
  together with the rates; from block to block both may do as they like.
- Whoever looks at every 1,000 requests has blocks of 1,000, of which the cap wants several.
- Nothing is said before the new release has answered `REQUESTS_NEW_MIN`. Stopping less often
  raises no false alarms. Once said, it stays said.

Why this and not another. The E-variables of Turner, Ly and Gruenwald for two Bernoulli streams
need guesses of both rates, and draw their strength from these; conditioning on a block's errors
(as Mantel and Haenszel do, 1959) needs none, so drift costs nothing, and it stands on the lot
alone. A mixture of fixed bets, unlike one that follows the data, is never lowered by one more error
in the new release. Asking whether a confidence sequence for the difference excludes 0 would be the
same test inverted, at more cost.

J. Ville, 1939, Etude critique de la notion de collectif
A. Wald, 1945, Sequential tests of statistical hypotheses
N. Mantel, W. Haenszel, 1959, Statistical aspects of the analysis of data from retrospective studies
A. Ramdas, P. Gruenwald, V. Vovk, G. Shafer, 2023, Game-theoretic statistics and safe anytime-valid
  inference
R. Turner, P. Gruenwald, 2023, Safe sequential testing and effect estimation in stratified count
  data
R. Turner, A. Ly, P. Gruenwald, 2024, Generic E-variables for exact sequential k-sample tests that
  allow for optional stopping
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jackbean.core.evidence.bets import BETS, Table, log_cap, log_payoffs
from jackbean.core.evidence.counts import NONE, Counts
from jackbean.core.evidence.visible import REQUESTS_NEW_MIN, smallest_visible_effect

BLOCK_REQUESTS = 50
ABSENT_MAX = 10  # requests that an arm is missing from a block by chance: once in exp(10) blocks
LEVEL = 0.05
LEVELS = (1e-9, 0.5)
WEALTH_MAX = 1e100  # of one bet: far beyond any decision, far from overflow
FORM = 1  # of what is saved; another where BETS or the rules of blocks change


class Verdict(StrEnum):
    """What the evidence says of the new release."""

    WORSE = "worse"  # it fails more often than the old one: roll back
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known against a new release: a handful of numbers, whatever the traffic.

    `level` is the share of good releases that may be taken back. `old` and `new` count everything
    so far, `open_old` and `open_new` the block that is not full yet. `wealth` has what each of
    `BETS` is worth after `blocks`, and `peak` the most that all of it was ever worth.
    """

    level: float = LEVEL
    old: Counts = NONE
    new: Counts = NONE
    open_old: Counts = NONE
    open_new: Counts = NONE
    blocks: int = 0
    wealth: tuple[float, ...] = (0.0,) * len(BETS)
    peak: float = 1.0

    def __post_init__(self) -> None:
        if not LEVELS[0] <= self.level <= LEVELS[1]:
            raise ValueError(f"level {self.level} is not within {LEVELS[0]} and {LEVELS[1]}")
        if len(self.wealth) != len(BETS) or not all(0 <= w <= WEALTH_MAX for w in self.wealth):
            raise ValueError(f"wealth {self.wealth} is not {len(BETS)} numbers up to {WEALTH_MAX}")
        if not 1 <= self.peak < math.inf:
            raise ValueError(f"peak {self.peak} is not the most that a stake of 1 was ever worth")

    @property
    def e_value(self) -> float:
        """The wealth now: how many to 1 the evidence against the new release is."""
        return sum(self.wealth) + 1 / (self.blocks + 1)

    @property
    def p_value(self) -> float:
        """At most this share of good releases ever looks so bad; it holds at every look."""
        return min(1.0, 1 / self.peak)

    @property
    def verdict(self) -> Verdict:
        return Verdict.WORSE if self.peak * self.level >= 1 else Verdict.UNDECIDED

    def observe(self, old: Counts, new: Counts) -> Evidence:
        """Return the evidence after a look; `old` and `new` count since the look before."""
        all_old, all_new = self.old.plus(old), self.new.plus(new)
        open_old, open_new = self.open_old.plus(old), self.open_new.plus(new)
        blocks, wealth, peak = self.blocks, self.wealth, self.peak
        if _full(open_old, open_new, all_old, all_new):
            blocks += 1
            wealth = _played(wealth, blocks, Table.of(open_old, open_new), self.level)
            open_old = open_new = NONE
        if all_new.requests >= REQUESTS_NEW_MIN:
            peak = max(peak, sum(wealth) + 1 / (blocks + 1))
        return Evidence(self.level, all_old, all_new, open_old, open_new, blocks, wealth, peak)

    def smallest_visible_effect(self) -> float | None:
        """Return which rise of the error share would have been seen by now, None if none."""
        return smallest_visible_effect(self.old, self.new.requests, self.level)

    def explain(self) -> str:
        """Say in one sentence what was counted and what it means."""
        if not (self.old.requests and self.new.requests):
            return (
                f"Nothing to compare yet: {self.new.requests:,} requests to the new version, "
                f"{self.old.requests:,} to the old."
            )
        seen = (
            f"{_percent(self.new.share)} of {self.new.requests:,} requests to it failed, "
            f"{_percent(self.old.share)} of {self.old.requests:,} to the old one"
        )
        test = (
            f"evidence {_odds(self.peak)} to 1 (p {_probability(self.p_value)}), "
            f"{_odds(1 / self.level)} to 1 decides (level {_percent(self.level)})"
        )
        if self.verdict is Verdict.WORSE:
            return f"The new version fails more often: {seen}; {test}."
        return f"The new version is not shown to fail more often: {seen}; {test}; {self._blind()}."

    def _blind(self) -> str:
        """Say what could not have been seen."""
        total = self.old.requests + self.new.requests
        effect = self.smallest_visible_effect()
        if effect is None:
            return f"no difference can be told from chance after {total:,} requests"
        points = f"{_rounded(100 * effect)} percentage points"
        return f"differences below {points} cannot be told from chance after {total:,} requests"

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes, of numbers only."""
        arms = (self.old, self.new, self.open_old, self.open_new)
        return {
            "form": FORM,
            "level": self.level,
            "counts": [[arm.requests, arm.errors] for arm in arms],
            "blocks": self.blocks,
            "wealth": list(self.wealth),
            "peak": self.peak,
        }

    @classmethod
    def from_json(cls, data: Any) -> Evidence:
        """Return what was saved; ValueError where it is not what `to_json` makes."""
        if not isinstance(data, dict) or data.get("form") != FORM:
            raise ValueError(f"evidence is not saved in form {FORM}: begin with new evidence")
        try:
            old, new, open_old, open_new = (Counts(*map(_whole, arm)) for arm in data["counts"])
            return cls(
                level=_number(data["level"]),
                old=old,
                new=new,
                open_old=open_old,
                open_new=open_new,
                blocks=_whole(data["blocks"]),
                wealth=tuple(map(_number, data["wealth"])),
                peak=_number(data["peak"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"saved evidence is damaged ({error}): begin anew") from None


def _full(old: Counts, new: Counts, all_old: Counts, all_new: Counts) -> bool:
    """Tell whether a block ends here; errors have no say in it."""
    total = old.requests + new.requests
    if total < BLOCK_REQUESTS:
        return False
    if old.requests and new.requests:
        return True
    usual = all_old if new.requests else all_new  # of the arm that is absent
    absent = total * usual.requests / (all_old.requests + all_new.requests)
    return absent < ABSENT_MAX


def _played(wealth: tuple[float, ...], block: int, table: Table, level: float) -> tuple[float, ...]:
    """Return the wealth after a block, with the stakes that come in for it."""
    fresh = 1 / (block * (block + 1))
    cap = log_cap(table, level)
    return tuple(
        min(WEALTH_MAX, (worth + fresh * bet.stake) * math.exp(min(payoff, cap)))
        for worth, bet, payoff in zip(wealth, BETS, log_payoffs(table), strict=True)
    )


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is no count")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _percent(share: float) -> str:
    return f"{_rounded(100 * share)} %"


def _rounded(value: float) -> str:
    """Return two digits that count, three from 10 on: 0.042, 1.2, 34.5, 100."""
    return f"{value:.2g}" if value < 10 else f"{value:.3g}"


def _odds(value: float) -> str:
    if value >= 1e6:
        return "more than 1,000,000"
    return f"{value:,.0f}" if value >= 10 else _rounded(value)


def _probability(value: float) -> str:
    return f"= {value:.2g}" if value >= 1e-6 else "< 0.000001"
