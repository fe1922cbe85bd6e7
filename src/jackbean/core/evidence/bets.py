"""One comparison of two arms as a bet that a good release cannot expect to win.

A block of requests is a table of two by two: N requests, n of them to the new release, e errors,
a of them in the new release. Let the release be good in the sense that no request fails more
readily on it than it would have failed on the old one.

Equal arms. Which n of the N requests went to the new release was drawn by lot, and the lot did not
look at the requests. Given N, n and e, `a` is then hypergeometric, whatever the error rate was and
however it moved meanwhile; errors may even depend on one another. The unknown rate is gone.

The bet. For a ratio w > 1 the payoff of a stake of 1 is

    w^a / exp(B),    B >= log E[w^A],    A hypergeometric(N, n, e)

whose expectation is at most 1: nobody gains in the long run by betting against equal arms. With
B = log E[w^A] it would be the likelihood ratio of Fisher's noncentral hypergeometric distribution
with odds ratio w against the central one, but that is a sum over all tables. The generating
function of A has real roots only (Vatutin and Mikhailov 1982), so A is distributed as a sum of
m = min(n, e) independent yes/no variables with some probabilities p_i, of which mean and variance
of A give the first two moments. As f(p) = log(1 + (w-1) p) has a positive third derivative, the
parabola that touches f at x and meets it at 1 lies above f on [0, 1]; so among all p_i with these
moments, sum f(p_i) is greatest where some are 1 and the others x:

    M = max(n, e)    x = M (N-m) / (N (N-1))    y = 1 - x    k = 1 - 1/w
    B = m log w + (m (N-M) / N) log(1 - k y) / y

It has the mean and the variance right, so it is near the sum at any size, and costs one logarithm.
(Hoeffding's bound of 1963 by a binomial is simpler, but takes the variance too large by the factor
1 / (1 - max(n, e) / N), and that lengthens the evaluation of a release in proportion.)

Better arms. One more error in the new release never lowers the payoff: with z = 1 - k y,
e -> e+1 raises B by at most log w. (For e < n, B = e log w - e (1 - n/N) C, where -C is the slope
of the chord of a convex function up to its root at 1, so C grows with e. For e >= n, dB/de =
(n/N) (C (1-r) + r (w-1) / (1 + (w-1) x)) with C <= log w, r = (1-q) s / (1-q s), q = e/N >= n/N,
s = (N-n)/(N-1), and 2 (w-1) / (w+1) <= log w leaves n s / N <= 1/2 to be shown, which holds for
N >= 2.) Requests that fail less readily on a better release only take errors away from it, so its
payoff is at most that of equal arms, whose expectation is at most 1. Thus the hypothesis covers
every release that is as good or better, by as much as it likes and differently for each request.

Several ratios. How much worse a bad release is, is unknown, so the stake is spread over `BETS`. A
ratio gains on any release whose own ratio is about its root or more: 1.65 takes what is 30 percent
worse, 1.2 has a little stake for small effects under heavy traffic, 10 takes errors out of nothing.

The cap. The lot protects against errors that come together on both arms. It does not where each
arm has accidents of its own: a restart, a pause, a lost connection fails many requests of one
instance, and those requests are one piece of news, not many. So no block pays more than

    min( 1/share,  level^(-1/2) )    share = n/N, but no more than a half

A single accident that hits the new arm with probability `share` must not pay more than 1/share to
be fair; and one block alone never decides, two must agree. A payoff that is cut is still one whose
expectation is at most 1, and still grows with errors. The cap only lessens the harm: where errors
of an arm come in bunches, more good releases are taken back than declared (docs/decisions/0009
has numbers).

V. A. Vatutin, V. G. Mikhailov, 1982, Limit theorems for the number of empty cells in an
  equiprobable scheme for group allocation of particles
W. Hoeffding, 1963, Probability inequalities for sums of bounded random variables
R. A. Fisher, 1935, The logic of inductive inference
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jackbean.core.evidence.counts import Counts


@dataclass(frozen=True, slots=True)
class Bet:
    """On errors being `ratio` times as likely in the new release, with that share of the stake."""

    ratio: float
    stake: float
    log: float
    excess: float  # k of the formula

    @classmethod
    def on(cls, ratio: float, stake: float) -> Bet:
        return cls(ratio, stake, math.log(ratio), 1 - 1 / ratio)


BETS = (Bet.on(1.2, 0.05), Bet.on(1.65, 0.40), Bet.on(3.0, 0.25), Bet.on(10.0, 0.30))


@dataclass(frozen=True, slots=True)
class Table:
    """A block: how many requests, errors, and of each how many in the new release.

    Floats are for tables that are only imagined.
    """

    requests: float
    requests_new: float
    errors: float
    errors_new: float

    @classmethod
    def of(cls, old: Counts, new: Counts) -> Table:
        return cls(old.requests + new.requests, new.requests, old.errors + new.errors, new.errors)

    @property
    def silent(self) -> bool:
        """Whether it tells nothing: one arm is empty, or all requests ended alike."""
        lone = self.requests_new in (0, self.requests)
        return lone or self.errors in (0, self.requests)


def log_payoffs(table: Table) -> list[float]:
    """Return the logarithm of what a stake of 1 on each of `BETS` becomes, before any cap."""
    if table.silent:
        return [0.0] * len(BETS)
    total, errors_new = table.requests, table.errors_new
    fewer = min(table.requests_new, table.errors)
    more = max(table.requests_new, table.errors)
    pairs = total * (total - 1)
    y = (pairs - more * (total - fewer)) / pairs
    rest = fewer * (total - more) / total / y
    short = fewer - errors_new
    return [-short * bet.log - rest * math.log1p(-bet.excess * y) for bet in BETS]


def log_cap(table: Table, level: float) -> float:
    """Return the logarithm of the most that one block may pay; see the module."""
    share = min(0.5, table.requests_new / table.requests)
    return min(-math.log(share), -math.log(level) / 2) if share else 0.0
