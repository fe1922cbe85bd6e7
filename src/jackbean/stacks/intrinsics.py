"""The functions: each takes its argument as it was written and evaluates what it needs of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from jackbean.stacks.values import (
    NO_VALUE,
    RESULT_CHARS_MAX,
    SHOWN_MAX,
    Bad,
    Path,
    Resolver,
    TooMuch,
    Value,
    boolean,
    joined,
    shown,
    text,
)

CUSTOM_OPTION = "aws:elasticbeanstalk:customoption"
VARIABLE = re.compile(r"\$\{(!?)([^}]{1,500})\}")


class Run(Protocol):
    """The evaluation that a function is part of."""

    @property
    def resolver(self) -> Resolver: ...

    def value(self, value: Value, path: Path) -> Value:
        """Return a value with its functions evaluated."""
        ...

    def truth(self, name: str, path: Path) -> bool:
        """Return whether a condition holds."""
        ...


Function = Callable[[Run, Value, Path], Value]


def _items(run: Run, argument: Value, path: Path, name: str, count: int) -> list[Value]:
    """Return the arguments of a function that takes a list of so many."""
    if not isinstance(argument, list) or len(argument) != count:
        raise Bad(f"{name} takes a list of {count}")
    return [run.value(item, (*path, i)) for i, item in enumerate(argument)]


def _ref(run: Run, argument: Value, path: Path) -> Value:
    name = text(run.value(argument, path))
    return NO_VALUE if name == "AWS::NoValue" else run.resolver.ref(name)


def _get_att(run: Run, argument: Value, path: Path) -> Value:
    if isinstance(argument, str):
        argument = list(argument.partition(".")[::2])
    resource, attribute = _items(run, argument, path, "Fn::GetAtt", 2)
    return run.resolver.attribute(text(resource), text(attribute))


def _join(run: Run, argument: Value, path: Path) -> str:
    separator, items = _items(run, argument, path, "Fn::Join", 2)
    if not isinstance(items, list):
        raise Bad("Fn::Join takes a separator and a list")
    between, texts = text(separator), [text(item) for item in items]
    if len(between) * len(texts) + sum(map(len, texts)) > RESULT_CHARS_MAX:
        raise TooMuch
    return between.join(texts)


def _get_option(run: Run, argument: Value, path: Path) -> Value:
    if not isinstance(argument, dict) or "OptionName" not in argument:
        raise Bad("Fn::GetOptionSetting takes OptionName, and maybe Namespace and DefaultValue")
    known = {"Namespace": CUSTOM_OPTION, **argument}
    namespace = text(run.value(known["Namespace"], (*path, "Namespace")))
    name = text(run.value(known["OptionName"], (*path, "OptionName")))
    found = run.resolver.option(namespace, name)
    if found is not None:
        return found
    if "DefaultValue" in argument:
        return run.value(argument["DefaultValue"], (*path, "DefaultValue"))
    raise Bad(f"option {shown(name)} in {namespace[:SHOWN_MAX]} is not set; give a DefaultValue")


def _find_in_map(run: Run, argument: Value, path: Path) -> Value:
    names = [text(item) for item in _items(run, argument, path, "Fn::FindInMap", 3)]
    return run.resolver.mapped(names[0], names[1], names[2])


def _sub(run: Run, argument: Value, path: Path) -> str:
    template, own = argument, {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        template, own = argument[0], run.value(argument[1], (*path, 1))
    if not isinstance(template, str):
        raise Bad("Fn::Sub takes a text, or a list of a text and a mapping")
    parts, at, length = [], 0, 0
    for found in VARIABLE.finditer(template):
        part = template[at : found.start()] + _substitute(run, found, own)
        parts.append(part)
        at = found.end()
        length += len(part)
        if length > RESULT_CHARS_MAX:
            raise TooMuch
    return "".join([*parts, template[at:]])


def _substitute(run: Run, found: re.Match[str], own: Mapping[str, Value]) -> str:
    literal, name = found[1], found[2].strip()
    if literal:
        return f"${{{found[2]}}}"
    if name in own:
        return text(own[name])
    resource, dot, attribute = name.partition(".")
    if dot:
        return text(run.resolver.attribute(resource, attribute))
    return text(run.resolver.ref(name))


def _select(run: Run, argument: Value, path: Path) -> Value:
    index, items = _items(run, argument, path, "Fn::Select", 2)
    position = text(index)
    if not isinstance(items, list) or not re.fullmatch("[0-9]{1,6}", position):
        raise Bad("Fn::Select takes a number, from 0 on, and a list")
    if int(position) >= len(items):
        raise Bad(f"Fn::Select wants item {position} of a list of {len(items)}")
    return items[int(position)]


def _split(run: Run, argument: Value, path: Path) -> list[str]:
    separator, whole = (text(item) for item in _items(run, argument, path, "Fn::Split", 2))
    if not separator:
        raise Bad("Fn::Split takes a separator and a text")
    return whole.split(separator)


def _if(run: Run, argument: Value, path: Path) -> Value:
    if not isinstance(argument, list) or len(argument) != 3:
        raise Bad("Fn::If takes a condition and two values")
    chosen = 1 if run.truth(text(argument[0]), path) else 2
    return run.value(argument[chosen], (*path, chosen))


def _base64(run: Run, argument: Value, path: Path) -> str:
    return base64.b64encode(text(run.value(argument, path)).encode()).decode()


def _zones(run: Run, argument: Value, path: Path) -> list[str]:
    return run.resolver.zones(text(run.value(argument, path)))


def _import(run: Run, argument: Value, path: Path) -> Value:
    return run.resolver.exported(text(run.value(argument, path)))


def _equals(run: Run, argument: Value, path: Path) -> bool:
    first, second = _items(run, argument, path, "Fn::Equals", 2)
    return joined(first) == joined(second)


def _not(run: Run, argument: Value, path: Path) -> bool:
    return not _conditions(run, argument, path, (1, 1))[0]


def _and(run: Run, argument: Value, path: Path) -> bool:
    return all(_conditions(run, argument, path, (2, 10)))


def _or(run: Run, argument: Value, path: Path) -> bool:
    return any(_conditions(run, argument, path, (2, 10)))


def _conditions(run: Run, argument: Value, path: Path, bounds: tuple[int, int]) -> list[bool]:
    least, most = bounds
    if not isinstance(argument, list) or not least <= len(argument) <= most:
        raise Bad(f"a list of {least} to {most} conditions is expected")
    return [_condition(run, item, (*path, i)) for i, item in enumerate(argument)]


def _condition(run: Run, value: Value, path: Path) -> bool:
    if isinstance(value, dict) and set(value) == {"Condition"}:
        return run.truth(text(value["Condition"]), path)
    return boolean(run.value(value, path))


FUNCTIONS: Mapping[str, Function] = {
    "Ref": _ref,
    "Fn::And": _and,
    "Fn::Base64": _base64,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::GetAtt": _get_att,
    "Fn::GetOptionSetting": _get_option,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::Join": _join,
    "Fn::Not": _not,
    "Fn::Or": _or,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
