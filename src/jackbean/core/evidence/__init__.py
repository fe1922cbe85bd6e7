"""Whether a canary fails more often than what it is to replace.

While a traffic splitting deployment is evaluated, old and new instances answer requests side by
side. `Evidence` compares their errors look by look and may be asked at any time: of good releases
no more than the declared share is ever taken back, however often one looks and whenever one stops.
`bets` has the theory of one comparison, `wealth` that of their sequence.
"""

from jackbean.core.evidence.counts import Counts
from jackbean.core.evidence.visible import smallest_visible_effect
from jackbean.core.evidence.wealth import Evidence, Verdict

__all__ = ["Counts", "Evidence", "Verdict", "smallest_visible_effect"]
