"""Which way to choose for what somebody needs, and why not the others.

Everything that is said is measured in the rehearsals: no policy is known here by its name. A need
excludes ways; of those that are left the one that goes back by itself comes first, then the one
that keeps more in service, then the faster one. Who wants the fastest gets that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jackbean.control.rehearsal.compare import Way
from jackbean.control.rehearsal.rehearse import Rehearsal

SWAP = (
    "Two environments meet this: deploy to a second one, and swap their CNAMEs. No request meets "
    "the new version before, and none the old one after."
)


@dataclass(frozen=True)
class Needs:
    """What matters. `extra` is how many more instances there may be for a while; None: any.

    `back_s` is within how many seconds a bad release must be gone again, None: at any time.
    """

    downtime_ok: bool = False
    extra: int | None = None
    fastest: bool = False
    back_s: float | None = None
    one_version: bool = False


@dataclass(frozen=True)
class Verdict:
    """Why a way is chosen, or is not."""

    way: Way
    meets: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Recommendation:
    """`chosen` is None where no way meets the needs; `says` are plain sentences."""

    chosen: Way | None
    says: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


def recommend(ways: Sequence[Way], needs: Needs) -> Recommendation:
    """Choose among `ways`; those that the environment cannot have are said, too."""
    possible = [(way, way.rehearsal) for way in ways if way.rehearsal is not None]
    if not possible:
        text = "No way is to be chosen: no instance is touched."
        return Recommendation(None, (text,), ())
    objected = {way.name: tuple(_objections(way, made, needs)) for way, made in possible}
    key = _fastest if needs.fastest else _safest
    ranked = sorted(possible, key=lambda one: key(*one))
    fitting = [way for way, _ in ranked if not objected[way.name]]
    chosen = fitting[0] if fitting else None
    verdicts = tuple(_verdict(way, objected, chosen, needs) for way in ways)
    says = tuple(_praise(chosen)) if chosen else tuple(_regret(ranked, objected, needs))
    return Recommendation(chosen, says, verdicts)


Rank = tuple[float, ...]


def _fastest(way: Way, made: Rehearsal) -> Rank:
    return (_duration(made), *_safest(way, made))


def _safest(way: Way, made: Rehearsal) -> Rank:
    return (not _alone(way), -made.measures.lowest, _duration(made), made.measures.extra_minutes)


def _alone(way: Way) -> bool:
    return way.back is not None and way.back.alone


def _duration(made: Rehearsal) -> float:
    return float("inf") if made.ending.after_s is None else made.ending.after_s


def _objections(way: Way, made: Rehearsal, needs: Needs) -> Iterator[str]:
    """Yield which needs a way does not meet."""
    measures = made.measures
    if not needs.downtime_ok and measures.none_s > 0:
        yield f"It leaves nobody in service for {_s(measures.none_s)}."
    extra = measures.most - made.size
    if needs.extra is not None and extra > needs.extra:
        yield (
            f"It needs {_more(extra)} for a while ({measures.extra_minutes:.1f} instance-minutes)"
            f"{f', and {needs.extra} may come' if needs.extra else ''}."
        )
    if needs.one_version and measures.mixed_s > 0:
        yield f"Old and new answer side by side for {_s(measures.mixed_s)}."
    if needs.back_s is not None:
        yield from _too_slow_back(way, needs.back_s)


def _too_slow_back(way: Way, within_s: float) -> Iterator[str]:
    seconds = way.back.seconds if way.back else None
    if seconds is None:
        yield "From a release that turns out bad it does not come back."
    elif seconds > within_s:
        how = "it goes back by itself" if _alone(way) else "the old one has to be deployed again"
        yield (
            f"If the new release turns out bad in the end, {how}, which takes {_s(seconds)} and "
            f"not {_s(within_s)}."
        )


def _verdict(
    way: Way, objected: dict[str, tuple[str, ...]], chosen: Way | None, needs: Needs
) -> Verdict:
    if way.rehearsal is None:
        return Verdict(way, meets=False, reasons=(way.reason,))
    if objected[way.name]:
        return Verdict(way, meets=False, reasons=objected[way.name])
    if chosen is None or way is chosen:
        return Verdict(way, meets=True, reasons=tuple(_praise(way)))
    return Verdict(way, meets=True, reasons=(_worse(way, chosen, needs),))


def _worse(way: Way, chosen: Way, needs: Needs) -> str:
    """Say in which respect, the most important one, a way that would do is not the best."""
    mine, best = way.rehearsal, chosen.rehearsal
    if mine is None or best is None:
        raise AssertionError("only what was rehearsed is ranked")
    slower = f"It would do, and takes {_s(_duration(mine))} instead of {_s(_duration(best))}."
    differences: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: needs.fastest and _duration(mine) > _duration(best), slower),
        (
            lambda: _alone(chosen) and not _alone(way),
            "It would do, and does not go back by itself where the new release turns out bad.",
        ),
        (
            lambda: mine.measures.lowest < best.measures.lowest,
            f"It would do, and leaves {mine.measures.lowest} of {mine.size} in service instead of "
            f"{best.measures.lowest}.",
        ),
        (lambda: _duration(mine) > _duration(best), slower),
    )
    told = (text for differs, text in differences if differs())
    return next(told, f"It would do as well as {chosen.name}.")


def _praise(way: Way) -> Iterator[str]:
    """Yield what speaks for a way, all of it measured."""
    made = way.rehearsal
    if made is None:
        return
    measures, extra = made.measures, made.measures.most - made.size
    if measures.none_s > 0:
        yield f"Nobody is in service for {_s(measures.none_s)}, which you accept."
    else:
        yield f"At least {measures.lowest} of {made.size} are in service at every moment."
    if extra > 0:
        minutes = f"{measures.extra_minutes:.1f} instance-minutes"
        yield f"It needs {_more(extra)} for a while: {minutes}."
    else:
        yield "It needs no more instances than there are."
    if measures.mixed_s > 0:
        yield f"Old and new answer side by side for {_s(measures.mixed_s)}."
    else:
        yield "Old and new never answer side by side."
    yield _return(way)
    yield f"It takes {_s(_duration(made))}."


def _return(way: Way) -> str:
    if way.back is None or way.back.seconds is None:
        return "Where the new release turns out bad, it does not come back."
    seconds = _s(way.back.seconds)
    if way.back.alone:
        return f"Where the new release turns out bad, it goes back by itself in {seconds}."
    return (
        "Where the new release turns out bad, it stops where it is; deploying the old one again "
        f"takes {seconds}."
    )


def _regret(
    ranked: Sequence[tuple[Way, Rehearsal]], objected: dict[str, tuple[str, ...]], needs: Needs
) -> Iterator[str]:
    yield "No way meets all of this."
    nearest = min((way for way, _ in ranked), key=lambda way: len(objected[way.name]))
    yield f"The nearest is {nearest.name}. {' '.join(objected[nearest.name])}"
    if needs.one_version and not needs.downtime_ok and needs.extra != 0:
        yield SWAP


def _more(count: int) -> str:
    return f"{count} more instance{'' if count == 1 else 's'}"


def _s(seconds: float) -> str:
    """Say how long something takes, no more precisely than it is known."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 600 else f"{seconds / 60:.0f} min"
