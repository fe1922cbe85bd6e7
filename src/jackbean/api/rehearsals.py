"""What an update would do: `RehearseUpdate` of our own service. It changes nothing.

EnvironmentName      (or EnvironmentId) whose update
VersionLabel         a version that is there; without it and Bundle, the settings alone change
Bundle               {"Label", "ConfigFiles": {name: text}}: one that is not uploaded yet
OptionSettings, OptionsToRemove   as UpdateEnvironment takes them
Compare              true: every way in which it could be done
Needs                {"DowntimeOk", "MaxExtraInstances", "Fastest", "RollbackWithin",
                     "OneVersion"}: recommend a way, and say why
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any

from jackbean.api.elasticbeanstalk.environments import referred, removals_of, settings_of
from jackbean.api.plant import Call, Plant
from jackbean.control.environments import Update
from jackbean.control.rehearsal.cases import Change
from jackbean.control.rehearsal.compare import Way
from jackbean.control.rehearsal.endings import Ending, Result
from jackbean.control.rehearsal.failures import Failure, Where
from jackbean.control.rehearsal.moments import Measures, Moment
from jackbean.control.rehearsal.recommend import Needs, Recommendation
from jackbean.control.rehearsal.rehearse import Rehearsal
from jackbean.control.rehearsing import Asked, Rehearsed, Unpublished, rehearse_update
from jackbean.core.errors import invalid, unfitting
from jackbean.core.options.views import UpdateOptions
from jackbean.sources.bundles import BYTES_MAX, FILES_MAX

Shape = dict[str, Any]

SETTINGS_MAX = 1000
LABEL_MAX = 100
DURATIONS = {
    "Launch": "launch_s",
    "Prepare": "stage_s",
    "Change": "activate_s",
    "LastRequest": "request_s",
}


async def rehearse(plant: Plant, call: Call) -> Shape:
    """Rehearse an update of an environment as it is now."""
    for name in ("OptionSettings", "OptionsToRemove"):
        _check_rows(call.members.get(name), name)
    if call.optional("VersionLabel") is not None and call.members.get("Bundle") is not None:
        raise unfitting("VersionLabel and Bundle exclude one another; give one.")
    environment = await referred(plant, call)
    asked = Asked(
        update=Update(
            request_id=call.request_id,
            label=call.optional("VersionLabel"),
            settings=settings_of(call),
            remove=removals_of(call),
        ),
        bundle=_bundle(call.members.get("Bundle")),
        compare=call.flag("Compare", default=False),
        needs=_needs(call.members.get("Needs")),
    )
    return _answer(await rehearse_update(plant.world, environment.id, asked))


# What is asked


def _check_rows(rows: object, name: str) -> None:
    fits = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    if rows is not None and not fits:
        raise invalid(f"{name} is a list of objects.")
    if isinstance(rows, list) and len(rows) > SETTINGS_MAX:
        raise invalid(f"{name} has {len(rows)} members; at most {SETTINGS_MAX} are read.")


def _bundle(given: object) -> Unpublished | None:
    if given is None:
        return None
    files = given.get("ConfigFiles", {}) if isinstance(given, dict) else None
    if not (isinstance(given, dict) and isinstance(files, dict)):
        raise invalid("Bundle is an object with Label and ConfigFiles.")
    if not all(isinstance(text, str) for text in files.values()):
        raise invalid("ConfigFiles maps names to texts.")
    texts = {name: text.encode(errors="replace") for name, text in files.items()}
    if len(texts) > FILES_MAX or sum(map(len, texts.values())) > BYTES_MAX:
        raise invalid(f"At most {FILES_MAX} config files are read, and {BYTES_MAX} bytes of them.")
    label = str(given.get("Label") or "new")[:LABEL_MAX]
    return Unpublished(label, texts)


def _needs(given: object) -> Needs | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise invalid("Needs is an object.")
    extra, back_s = (_number(given, name) for name in ("MaxExtraInstances", "RollbackWithin"))
    return Needs(
        downtime_ok=bool(given.get("DowntimeOk")),
        extra=None if extra is None else int(extra),
        fastest=bool(given.get("Fastest")),
        back_s=back_s,
        one_version=bool(given.get("OneVersion")),
    )


def _number(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
        raise invalid(f"{name} is a number from 0 to 1000000.")
    return float(value)


# What is answered


def _answer(done: Rehearsed) -> Shape:
    case = done.case
    shape: Shape = {
        "EnvironmentName": case.environment.name,
        "EnvironmentId": case.environment.id,
        "Change": done.rehearsal.change.value,
        "VersionLabel": case.new.version_label,
        "PreviousVersionLabel": case.old.version_label,
        "Pace": {
            name: {"Seconds": getattr(case.pace, field), "Measured": field in done.known}
            for name, field in DURATIONS.items()
        },
        "Plan": _plan(done.rehearsal, _policy(done)),
        "Warnings": list(done.warnings),
    }
    if done.ways:
        shape["Ways"] = [_way(way) for way in done.ways]
    if done.recommendation:
        shape["Recommendation"] = _recommendation(done.recommendation)
    return shape


def _policy(done: Rehearsed) -> str:
    """Return what the option is set to that chooses the way."""
    if done.rehearsal.change is Change.REPLACE:
        return UpdateOptions.of(done.case.new.settings).kind.value
    return done.rehearsal.policy


def _plan(made: Rehearsal, policy: str) -> Shape:
    return {
        "Policy": policy,
        "Instances": made.size,
        "BatchSize": max(m.batch_size for m in made.moments),
        "Batches": max(m.batch for m in made.moments),
        **_ending(made.ending),
        **_measures(made.measures, made.moments),
        "Moments": [_moment(m) for m in made.moments],
        "Failures": [_failure(f) for f in made.failures if f.point.where is not Where.STEP],
        "Aborts": list(_aborts(made)),
        "Bounds": _bounds(made),
    }


def _ending(end: Ending) -> Shape:
    return {
        "Result": end.result.value,
        "Seconds": end.after_s,
        "LeftOld": end.old,
        "LeftNew": end.new,
        "LeftOut": end.lame,
    }


def _measures(measures: Measures, moments: Sequence[Moment]) -> Shape:
    return {
        "LowestInService": measures.lowest,
        "MostInstances": measures.most,
        "NobodySeconds": round(measures.none_s, 3),
        "MixedSeconds": round(measures.mixed_s, 3),
        "VersionsAtOnce": max(bool(m.old) + bool(m.new) for m in moments),
        "ExtraInstanceMinutes": round(measures.extra_minutes, 3),
    }


def _moment(moment: Moment) -> Shape:
    return {
        "At": moment.at_s,
        "Old": moment.old,
        "New": moment.new,
        "Instances": moment.total,
        "Batch": moment.batch,
        "Stage": moment.stage,
        "NewPercent": moment.split,
        "Told": list(moment.told),
    }


def _failure(failure: Failure) -> Shape:
    point = failure.point
    return {
        "What": failure.kind.value,
        "Where": point.where.value,
        "Number": point.number,
        "Batch": point.batch,
        "At": point.at_s,
        "Concerned": len(point.ids),
        "New": point.fresh,
        **_ending(failure.ending),
        "LowestInService": failure.measures.lowest,
        "MostInstances": failure.measures.most,
        "NobodySeconds": round(failure.measures.none_s, 3),
        "GivenUpAfter": failure.given_up_s,
        "BackAfter": failure.back_s,
    }


def _aborts(made: Rehearsal) -> Iterator[Shape]:
    """Yield from when to when an abort leads to what; None as `To` is the end."""
    aborts = [f for f in made.failures if f.point.where is Where.STEP]
    spans = [list(group) for _, group in groupby(aborts, _outcome)]
    for span, following in zip_longest(spans, spans[1:]):
        end = span[0].ending
        yield {
            "From": span[0].point.at_s,
            "To": following[0].point.at_s if following else None,
            "TooLate": end.result is Result.SUCCEEDED,
            "Result": end.result.value,
            "LeftOld": end.old,
            "LeftNew": end.new,
            "BackAfter": max((f.back_s or 0.0 for f in span), default=0.0),
        }


def _outcome(failure: Failure) -> tuple[Result, int, int]:
    return failure.ending.result, failure.ending.old, failure.ending.new


def _bounds(made: Rehearsal) -> Shape:
    """Return what must hold whatever of all this happens."""
    envelope = made.envelope
    return {
        "LowestInService": envelope.lowest,
        "MostInstances": envelope.most,
        "BatchSize": envelope.batch,
        "Batches": envelope.batches,
        "Ends": sorted(
            {f"{'done' if held else 'given up'}: {left}" for held, left in envelope.ends}
        ),
    }


def _way(way: Way) -> Shape:
    made, back = way.rehearsal, way.back
    shape: Shape = {"Name": way.name, "Current": way.current, "Supported": made is not None}
    if made is None:
        return {**shape, "Reason": way.reason}
    settings = [
        {"Namespace": s.namespace, "OptionName": s.name, "Value": s.value} for s in way.changes
    ]
    return {
        **shape,
        "OptionSettings": settings,
        "Instances": made.size,
        "BatchSize": max(m.batch_size for m in made.moments),
        **_ending(made.ending),
        **_measures(made.measures, made.moments),
        "RollsBack": back is not None and back.alone,
        "RollbackSeconds": back.seconds if back else None,
    }


def _recommendation(made: Recommendation) -> Shape:
    return {
        "Chosen": made.chosen.name if made.chosen else None,
        "Why": list(made.says),
        "Verdicts": [
            {"Name": v.way.name, "Meets": v.meets, "Reasons": list(v.reasons)}
            for v in made.verdicts
        ],
    }


REHEARSALS: Mapping[str, Any] = {"RehearseUpdate": rehearse}
