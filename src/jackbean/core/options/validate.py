"""Validation: all faults of a request at once, in Elastic Beanstalk's words.

Messages never show the value of a secret (environment properties above all), and show others cut to
a length: what a request sends ends up in events and logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice

from jackbean.core.errors import Fault, invalid
from jackbean.core.options.option import WORKER, Apply, Option
from jackbean.core.options.resolve import (
    Layers,
    Origin,
    asked_for,
    canonical,
    chosen,
    effective,
    kinds,
    stored,
)
from jackbean.core.options.rules import Case, Finding, findings
from jackbean.core.options.settings import RESOURCE_BOUND, Key, Setting, Settings, key
from jackbean.core.options.table import OptionTable

SETTINGS_MAX = 2000
VALUE_MAX = 128 << 10
NAME_MAX = 512
SHOWN_MAX = 80
TOLD_MAX = 20
FUNCTION = re.compile(r"`\s*\{")  # a template function in backticks: its value is not known yet
PORT = re.compile(r"[1-9][0-9]{0,4}")
SUFFIX = re.compile(r"[A-Za-z0-9_-]{1,64}")
RESOURCE_NAME = re.compile(r"[!-~ ]{1,256}")
NO_LAYERS = Layers()


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Message:
    severity: Severity
    message: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Context:
    """Where settings are headed for.

    `origin` is the rank they come from, `layers` what the environment has besides them; `running`
    whether there is an environment already, `lenient` whether unknown options are let pass.
    """

    table: OptionTable
    origin: Origin = Origin.DIRECT
    tier: str = "WebServer"
    layers: Layers = NO_LAYERS
    running: bool = False
    lenient: bool = False

    @property
    def forgiving(self) -> bool:
        """Whether what is unknown is only worth a warning: bundles are written for many homes."""
        return self.lenient or self.origin is Origin.BUNDLE


def validate(settings: Iterable[Setting], context: Context) -> tuple[Message, ...]:
    """Return everything that is wrong with `settings` there; nothing where all is well."""
    bounded = list(islice(settings, SETTINGS_MAX + 1))
    if len(bounded) > SETTINGS_MAX:
        text = f"At most {SETTINGS_MAX} option settings fit in a request."
        return (Message(Severity.ERROR, text, "", ""),)
    if not bounded:
        return ()
    last = {s.key: s for s in bounded}
    messages = [m for s in last.values() for m in _setting(s, context)]
    wrong = {(m.namespace, m.name) for m in messages}
    fit = Settings(s for s in last.values() if (s.namespace, s.name) not in wrong)
    return (*messages, *_fixed(fit, context), *_together(fit, context))


def validate_removals(
    removals: Iterable[Key | tuple[str, str]], changes: Iterable[Setting], context: Context
) -> tuple[Message, ...]:
    """Return what is wrong with taking options away; removing what is not set is no fault."""
    table = context.table
    set_too = {canonical(s.key, table) for s in changes}
    messages = []
    for parts in islice(removals, SETTINGS_MAX):
        namespace, name, _ = wanted = canonical(key(*parts), table)
        row = table.row(namespace, name)
        if wanted in set_too:
            messages.append(_error(namespace, name, "It is both set and removed."))
        elif context.running and row and row.apply is Apply.CREATE_ONLY:
            messages.append(_error(namespace, name, FIXED))
    return tuple(messages)


def fault_in(messages: Iterable[Message]) -> Fault | None:
    """Return the fault that the errors among `messages` make; None where none is an error."""
    errors = [m.message for m in messages if m.severity is Severity.ERROR]
    more = f" And {len(errors) - TOLD_MAX} more." if len(errors) > TOLD_MAX else ""
    return invalid(" ".join(errors[:TOLD_MAX]) + more) if errors else None


FIXED = (
    "It is fixed when the environment is created. Create another environment with it and swap "
    "their URLs."
)


def _setting(setting: Setting, context: Context) -> Iterator[Message]:
    namespace, name = setting.namespace, setting.name
    row = context.table.row(namespace, name)
    unknown = _unknown(setting, row, context.table) or _elsewhere(row, context.tier)
    if unknown:
        severity = Severity.WARNING if context.forgiving else Severity.ERROR
        yield _message(severity, namespace, name, unknown)
    reasons = (_form(setting), _place(setting, row), _value(setting, row))
    yield from (_error(namespace, name, reason) for reason in reasons if reason)


def _unknown(setting: Setting, row: Option | None, table: OptionTable) -> str:
    """Return why there is no such option here, "" where there is."""
    unknown = "Unknown configuration setting."
    if row:
        return f"{unknown} Only retired platforms had it: {row.description}." if row.legacy else ""
    owners = table.elsewhere(setting.namespace, setting.name)
    if owners and table.platform:
        return f"{unknown} It belongs to {', '.join(owners)}, not to {table.platform}."
    if table.knows(setting.namespace):
        near = get_close_matches(setting.name[:NAME_MAX], table.names(setting.namespace), 1)
    else:
        near = get_close_matches(setting.namespace[:NAME_MAX], table.namespaces(), 1, 0.8)
    return f"{unknown} Did you mean '{near[0]}'?" if near else unknown


def _elsewhere(row: Option | None, tier: str) -> str:
    """Return why an option of the worker's daemon means nothing here, "" where it does."""
    if row is None or row.where != (WORKER,) or WORKER in kinds(Settings(), tier):
        return ""
    return "Only a worker environment has it: this one gets requests, no messages."


def _form(setting: Setting) -> str:
    """Return what is wrong whatever the option is, "" where nothing is."""
    if max(len(setting.namespace), len(setting.name)) > NAME_MAX:
        return f"Namespaces and names have at most {NAME_MAX} characters."
    value = setting.value or ""
    if len(value) > VALUE_MAX or "\x00" in value:
        return f"The value is longer than {VALUE_MAX} characters, or binary."
    if setting.namespace in RESOURCE_BOUND and not RESOURCE_NAME.fullmatch(setting.resource_name):
        return "It needs a resource name: which one of several it is meant for."
    return ""


def _place(setting: Setting, row: Option | None) -> str:
    """Return what is wrong with the part of the name that users choose, "" where nothing is."""
    if row is None:
        return ""
    if row.name_pattern and not re.fullmatch(row.name_pattern, setting.name[: NAME_MAX + 1]):
        return "The name has characters that are not allowed there, or is too long."
    head, _, suffix = setting.namespace.rpartition(":")
    if head in {"aws:elb:listener", "aws:elbv2:listener"} and suffix != "default":
        whole = PORT.fullmatch(suffix) and int(suffix) <= 65_535
        return "" if whole else "The namespace ends in a port from 1 to 65535."
    if head in NAMED and not SUFFIX.fullmatch(suffix):
        return "The namespace ends in a name of 1 to 64 letters, digits, hyphens and underscores."
    return ""


NAMED = frozenset(
    {
        "aws:elasticbeanstalk:environment:process",
        "aws:elb:policies",
        "aws:elbv2:listenerrule",
    }
)


def _value(setting: Setting, row: Option | None) -> str:
    """Return what is wrong with the value, "" where nothing is or nobody can know."""
    value = setting.value
    if row is None or not row.checked or not value or FUNCTION.search(value):
        return ""
    fault = row.domain.fault(value)
    if not fault:
        return ""
    return f"The value {fault}" if row.secret else f"Value '{_shown(value)}' {fault}"


def _fixed(given: Settings, context: Context) -> Iterator[Message]:
    """Tell of options that only a creation can set, where there is an environment already."""
    if not context.running:
        return
    current = effective(context.layers, context.table, context.tier)
    for setting in chosen(given, context.table):
        row = context.table.row(setting.namespace, setting.name)
        if row is None or row.apply is not Apply.CREATE_ONLY:
            continue
        if setting.value != current.text(setting.namespace, setting.name):
            severity = Severity.WARNING if context.origin is Origin.BUNDLE else Severity.ERROR
            yield _message(severity, setting.namespace, setting.name, FIXED)


def _together(given: Settings, context: Context) -> Iterator[Message]:
    layers = _with(given, context)
    case = Case(
        given=asked_for(layers, context.table),
        settings=effective(layers, context.table, context.tier),
    )
    touched = {(s.namespace, s.name) for s in chosen(given, context.table)}
    for finding in findings(case):
        blamed = [name for name in finding.names if name in touched]
        if blamed:
            yield _message(_severity(finding, context), *blamed[0], finding.text)


def _with(given: Settings, context: Context) -> Layers:
    layers, table = context.layers, context.table
    match context.origin:
        case Origin.BUNDLE:
            return replace(layers, bundle=given)
        case Origin.SAVED:
            return replace(layers, direct=stored(layers.direct, table, template=given))
        case _:
            return replace(layers, direct=stored(layers.direct, table, changes=given))


def _severity(finding: Finding, context: Context) -> Severity:
    inherited = finding.inheritable and context.origin is not Origin.DIRECT
    return Severity.WARNING if finding.mild or inherited else Severity.ERROR


def _error(namespace: str, name: str, reason: str) -> Message:
    return _message(Severity.ERROR, namespace, name, reason)


def _message(severity: Severity, namespace: str, name: str, reason: str) -> Message:
    where = f"(Namespace: '{_shown(namespace)}', OptionName: '{_shown(name)}')"
    text = f"Invalid option specification {where}: {reason}"
    return Message(severity, text, namespace[:NAME_MAX], name[:NAME_MAX])


def _shown(text: str) -> str:
    """Return text fit for a sentence: cut, and without characters that could forge one."""
    cut = text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "..."
    return "".join(c if c.isprintable() else "?" for c in cut)
