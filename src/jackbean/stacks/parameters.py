"""The parameters of a stack: whether what is given for them can be, in CloudFormation's words.

`AllowedPattern` is not held against values: a pattern from outside can take for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HIDDEN = "****"  # as CloudFormation tells what is not to be told


def wrong(declared: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the values that are `given` for parameters."""
    if unknown := sorted(given.keys() - declared.keys()):
        yield f"Parameters: [{', '.join(unknown)[:400]}] do not exist in the template"
    missing = sorted(
        name for name, said in declared.items() if name not in given and said.get("Default") is None
    )
    if missing:
        yield f"Parameters: [{', '.join(missing)[:400]}] must have values"
    for name, said in declared.items():
        value = given.get(name, said.get("Default"))
        if value is not None and (why := _wrong(said, str(value))):
            told = said.get("ConstraintDescription")
            why = f"failed to satisfy constraint: {told}" if told else why
            yield f"Parameter '{name}' {why}"


def hidden(said: Mapping[str, Any]) -> bool:
    """Whether a parameter's value is told to nobody."""
    return str(said.get("NoEcho", "")).lower() == "true"


def _wrong(said: Mapping[str, Any], value: str) -> str:
    allowed = said.get("AllowedValues")
    if isinstance(allowed, list) and value not in map(str, allowed):
        return "must be one of AllowedValues"
    if said.get("Type") == "Number":
        return _wrong_number(said, value)
    if (least := _number(said.get("MinLength"))) is not None and len(value) < least:
        return f"must contain at least {least:g} characters"
    if (most := _number(said.get("MaxLength"))) is not None and len(value) > most:
        return f"must contain at most {most:g} characters"
    return ""


def _wrong_number(said: Mapping[str, Any], value: str) -> str:
    number = _number(value)
    if number is None:
        return "must be a number"
    if (least := _number(said.get("MinValue"))) is not None and number < least:
        return f"must be a number not less than {least:g}"
    if (most := _number(said.get("MaxValue"))) is not None and number > most:
        return f"must be a number not greater than {most:g}"
    return ""


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
