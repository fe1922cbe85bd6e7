"""A rehearsal on a terminal: capacity by version as bars, and what can go wrong in sentences."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from jackbean.cli.healthview import padded
from jackbean.cli.lines import Line, Spans

Shape = Mapping[str, Any]

WIDTH_MAX, WIDTH_MIN = 110, 40
BAR_MAX = 30
OLD, NEW = "blue", "green"
MARKS = {"old": "█", "new": "▓", "out": "░"}
PLAIN_MARKS = {"old": "#", "new": "=", "out": "."}  # where the terminal has no others
CHANGES = {
    "deploy": "gets version {new} in place of {old}",
    "configure": "gets other settings; its instances are reconfigured",
    "replace": "gets other instances",
    "scale": "gets another number of instances",
    "nothing": "gets other settings; no instance is touched",
}
WHATS = {
    "preparing": "It cannot be prepared: its bundle, a dependency or a hook",
    "starting": "The application does not start",
    "finishing": "A hook fails when the application has started",
    "silent": "The instances never answer",
    "sick": "It is never healthy",
    "erring": "It is in service, and answers with errors",
    "dying": "A machine dies",
    "away": "The control plane dies, and is back after a while",
}
STEPS = {"Launch": "launch", "Prepare": "prepare", "Change": "change", "LastRequest": "drain"}


def width() -> int:
    """Return how wide a line may be."""
    columns = shutil.get_terminal_size((WIDTH_MAX, 24)).columns
    return max(WIDTH_MIN, min(columns, WIDTH_MAX))


def marks() -> Mapping[str, str]:
    """Return what bars are drawn with, as far as the terminal knows it."""
    try:
        "".join(MARKS.values()).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_MARKS
    return MARKS


def lines(answer: Shape, columns: int, drawn: Mapping[str, str]) -> Iterator[Line]:
    """Yield a whole plan."""
    plan = answer["Plan"]
    what = CHANGES[answer["Change"]].format(
        new=answer["VersionLabel"], old=answer["PreviousVersionLabel"]
    )
    yield f"{answer['EnvironmentName']} {what}{_how(plan)}.", "bold"
    for warning in answer["Warnings"]:
        yield from _wrapped(f"! {warning}", columns, "  ")
    yield ""
    yield from timeline(plan, columns, drawn)
    yield ""
    yield from summary(answer, columns)
    if plan["Failures"]:
        yield ""
        yield "What can go wrong", "bold"
        yield from failures(plan, columns)
    if plan["Aborts"]:
        yield ""
        yield "An abort", "bold"
        yield from aborts(plan["Aborts"], columns)


def _how(plan: Shape) -> str:
    if not plan["Policy"]:
        return ""
    how = f", by {plan['Policy']}"
    if plan["Batches"] > 1:
        how += f" in {plan['Batches']} batches of at most {plan['BatchSize']}"
    return how


def timeline(plan: Shape, columns: int, drawn: Mapping[str, str]) -> Iterator[Line]:
    """Yield a row for each moment in which something happens."""
    most = max(plan["MostInstances"], 1)
    cells = min(most, BAR_MAX, max(columns // 4, 8))
    legend = (("old", OLD), ("new", NEW), ("out", ""))
    yield Spans(
        (
            " " * 11,
            *_spaced([(f"{drawn[name]} {TITLES[name]}", colour) for name, colour in legend]),
        )
    )
    shown = [m for n, m in enumerate(plan["Moments"]) if m["Told"] or n == 0]
    for moment in shown:
        yield from _row(moment, _bar(moment, most, cells, drawn), columns - cells - 13)
    if plan["Seconds"] is not None:
        last = plan["Moments"][-1]
        end = {**last, "At": plan["Seconds"], "Told": [ENDS[plan["Result"]]]}
        yield from _row(end, _bar(last, most, cells, drawn), columns - cells - 13)


TITLES = {"old": "old", "new": "new", "out": "not in service"}
ENDS = {
    "succeeded": "Done.",
    "failed": "It ends where it stands.",
    "reverted": "It ends as it began.",
    "never": "It does not end.",
}


def _spaced(parts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for text, colour in parts:
        yield f"{text}   ", colour


def _row(moment: Shape, bar: tuple[tuple[str, str], ...], room: int) -> Iterator[Line]:
    told = " ".join(moment["Told"]) or "As it is now."
    texts = wrap(told, max(room, 16)) or [""]
    yield Spans((f"{seconds(moment['At']):>9}  ", *bar, f"  {texts[0]}"))
    blank = " " * (11 + sum(len(text) for text, _ in bar))
    for text in texts[1:]:
        yield f"{blank}  {text}"


def _bar(
    moment: Shape, most: int, cells: int, drawn: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return instances as cells, rounded so that nobody who serves is left out."""
    scale = cells / most
    old, new = (_cells(moment[name], scale) for name in ("Old", "New"))
    out = max(_cells(moment["Instances"], scale) - old - new, 0)
    room = max(cells - old - new - out, 0)
    return (
        (drawn["old"] * old, OLD),
        (drawn["new"] * new, NEW),
        (drawn["out"] * out + " " * room, ""),
    )


def _cells(count: int, scale: float) -> int:
    return max(round(count * scale), 1) if count else 0


def summary(answer: Shape, columns: int) -> Iterator[Line]:
    """Yield what it comes to."""
    plan = answer["Plan"]
    for text in _facts(plan):
        yield from _wrapped(text, columns, "  ")
    measured = [name for name, pace in answer["Pace"].items() if pace["Measured"]]
    paces = ", ".join(f"{STEPS[name]} {seconds(answer['Pace'][name]['Seconds'])}" for name in STEPS)
    known = f"measured: {', '.join(STEPS[n] for n in measured)}" if measured else "all assumed"
    yield from _wrapped(f"Each instance: {paces} ({known}).", columns, "  ")


def _facts(plan: Shape) -> Iterator[str]:
    size, lowest = plan["Instances"], plan["LowestInService"]
    yield "It does not end." if plan["Seconds"] is None else f"It takes {seconds(plan['Seconds'])}."
    if plan["NobodySeconds"]:
        yield f"For {seconds(plan['NobodySeconds'])} nobody is in service: the site is down."
    else:
        yield f"At least {lowest} of {size} are in service at every moment."
    extra = max(plan["MostInstances"] - size, 0)
    cost = f"{plan['ExtraInstanceMinutes']:.1f} instance-minutes"
    yield (
        f"{_count(extra, 'more instance')} for a while: {cost}." if extra else "No extra instances."
    )
    if plan["MixedSeconds"]:
        yield f"Old and new answer side by side for {seconds(plan['MixedSeconds'])}."


def failures(plan: Shape, columns: int) -> Iterator[Line]:
    """Yield what comes of what: of many batches the first and the last."""
    for what, said in WHATS.items():
        rows = [f for f in plan["Failures"] if f["What"] == what]
        waves = [f for f in rows if f["Where"] == "wave"]
        told = [f for f in rows if f["Where"] != "wave" or f in (waves[0], waves[-1])]
        if told:
            yield f"  {said}"
        for row in told:
            kept = f"At least {row['LowestInService']} of {plan['Instances']} serve."
            yield from _wrapped(f"{_subject(row)}: {_outcome(row, plan)} {kept}", columns, "    ")
    if any(f["Result"] == "failed" for f in plan["Failures"]):
        yield "  Where it stops, deploy again: the new version or the old one."


def _subject(failure: Shape) -> str:
    if failure["Where"] in PARTS:
        return PARTS[failure["Where"]]
    if failure["Batch"]:
        return f"in batch {failure['Batch']}"
    which = "first" if failure["Number"] == 1 else "other"
    return f"in the {which} new instance{'' if failure['Concerned'] == 1 else 's'}"


PARTS = {"test": "while it is tested", "end": "when there is no way back"}


def _outcome(failure: Shape, plan: Shape) -> str:
    if failure["Result"] == "succeeded":
        late = max((failure["Seconds"] or 0.0) - (plan["Seconds"] or 0.0), 0.0)
        return f"it goes on, and ends {seconds(late)} later." if late else "it goes on."
    if failure["Result"] == "never":
        return "it does not end."
    after = seconds(failure["GivenUpAfter"] or 0.0)
    if failure["Result"] == "reverted":
        return f"given up after {after}, and goes back by itself: {_left(failure)}."
    return f"given up after {after}, and stops there: {_left(failure)}."


def _left(end: Shape) -> str:
    parts = (
        (end["LeftOld"], "old"),
        (end["LeftNew"], "new"),
        (end.get("LeftOut"), "out of service"),
    )
    return ", ".join(f"{count} {what}" for count, what in parts if count) or "none"


def aborts(spans: Sequence[Shape], columns: int) -> Iterator[Line]:
    """Yield what an abort does, by when it comes."""
    for span in spans:
        until = f"until {seconds(span['To'])}" if span["To"] is not None else "after that"
        until = "at any time" if len(spans) == 1 else until
        if span["TooLate"]:
            text = "comes too late: it ends by itself."
        elif span["Result"] == "reverted":
            text = f"goes back: {_left(span)}."
        else:
            text = f"stops where it is: {_left(span)}."
        yield from _wrapped(f"{until}: {text}", columns, "  ")


def comparison(answer: Shape, columns: int) -> Iterator[Line]:
    """Yield every way side by side, and those that this environment cannot have."""
    ways = [way for way in answer["Ways"] if way["Supported"]]
    yield f"{answer['EnvironmentName']}: every way to do it", "bold"
    yield ""
    table = [HEADS, *([_marked(way), *_cells_of(way)] for way in ways)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if sum(widths) + 2 * len(widths) > columns:
        yield from _blocks(table)
    else:
        yield padded(table[0], widths), "bold"
        for way, row in zip(ways, table[1:], strict=True):
            yield padded(row, widths), "green" if way["Current"] else ""
    for way in answer["Ways"]:
        if not way["Supported"]:
            yield from _wrapped(f"{way['Name']} is not to be had. {way['Reason']}", columns, "  ")
    yield ""
    for text in LEGEND:
        yield from _wrapped(text, columns, "  ")


LEGEND = (
    "* is what would be done now. serving: the fewest in service, or for how long nobody is.",
    "extra: instances beyond the capacity, and instance-minutes of them. both: for how long old "
    "and new answer side by side.",
    "if it is bad: from a version that turns out bad in the last part of it, back by itself within "
    "this time, or by deploying the old one again.",
)


HEADS = ["way", "takes", "serving", "extra", "both", "if it is bad"]


def _marked(way: Shape) -> str:
    return f"{way['Name']}{'*' if way['Current'] else ''}"


def _cells_of(way: Shape) -> list[str]:
    down, extra = way["NobodySeconds"], max(way["MostInstances"] - way["Instances"], 0)
    back = "-" if way["RollbackSeconds"] is None else _short(way["RollbackSeconds"])
    return [
        "-" if way["Seconds"] is None else _short(way["Seconds"]),
        f"0, {_short(down)}" if down else f"{way['LowestInService']} of {way['Instances']}",
        f"+{extra} {way['ExtraInstanceMinutes']:.1f}m" if extra else "-",
        _short(way["MixedSeconds"]) if way["MixedSeconds"] else "-",
        f"{'back' if way['RollsBack'] else 'redeploy'} {back}",
    ]


def _short(value: float) -> str:
    return seconds(value).replace(" ", "").replace("min", "m")


def _blocks(table: Sequence[Sequence[str]]) -> Iterator[Line]:
    heads = table[0]
    for row in table[1:]:
        yield row[0], "bold"
        for head, cell in zip(heads[1:], row[1:], strict=True):
            yield f"    {head}: {cell}"


def recommendation(answer: Shape, columns: int) -> Iterator[Line]:
    """Yield what to choose, and why not the others."""
    made = answer["Recommendation"]
    yield (made["Chosen"] or "None of them"), "green" if made["Chosen"] else "yellow"
    for text in made["Why"]:
        yield from _wrapped(text, columns, "  ")
    yield from _set(answer, made["Chosen"])
    others = [v for v in made["Verdicts"] if v["Name"] != made["Chosen"]]
    if others:
        yield ""
        yield "Why not", "bold"
    for verdict in others:
        yield from _wrapped(f"{verdict['Name']}: {' '.join(verdict['Reasons'])}", columns, "  ")


def _set(answer: Shape, chosen: str | None) -> Iterator[Line]:
    ways = answer.get("Ways", ())  # none where no instance is touched
    settings = next((w["OptionSettings"] for w in ways if w["Name"] == chosen), ())
    if chosen and settings:
        yield ""
        yield "To have it, set", "bold"
        for setting in settings:
            yield f"  {setting['Namespace']}:{setting['OptionName']}={setting['Value']}"
    elif chosen:
        yield "  It is what would be done now."


def seconds(value: float) -> str:
    """Say a duration, no more precisely than it is known."""
    if value < 120:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    return f"{value / 60:.1f} min" if value < 600 else f"{value / 60:.0f} min"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _wrapped(text: str, columns: int, indent: str) -> Iterator[Line]:
    yield from wrap(text, columns, initial_indent=indent, subsequent_indent=indent + "  ")
