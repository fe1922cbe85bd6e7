"""From what config files declare to what an instance is told, for one environment.

The same is done twice: when a release is cut, to find what is wrong while somebody is there to hear
it, and when an instance asks, since what functions refer to may have come into being meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jackbean.control.stacks.surroundings import OWNED, Surroundings
from jackbean.core.extensions import ConfigKeys
from jackbean.core.instructions import Extension, to_json
from jackbean.core.options.settings import Settings, key
from jackbean.sources.advice import Advice, advice
from jackbean.sources.credentials import Credential, read_credentials
from jackbean.sources.instance_keys import read_instance_keys
from jackbean.sources.reading import Findings, Path, Reader, printable
from jackbean.stacks.functions import Fault, evaluate, expressions
from jackbean.stacks.synthesis import LAUNCH

COMPILED_BYTES_MAX = 1 << 20
GROUPS = key(LAUNCH, "SecurityGroups")  # whose functions are evaluated where ports are opened

Lines = Mapping[str, Mapping[Path, int]]


@dataclass(frozen=True)
class Compiled:
    """What instances do, what is wrong (`faults`), and what people should know."""

    extensions: tuple[Extension, ...] = ()
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()


NO_LINES: Lines = {}


def compiled(around: Surroundings, lines: Lines = NO_LINES) -> Compiled:
    """Return what the config files come to there."""
    findings = Findings()
    credentials = _credentials(around)
    found = [
        _file(
            file, around, credentials, Reader(file.name, None, findings, lines.get(file.name, {}))
        )
        for file in around.declared.files
    ]
    extensions = tuple(extension for extension in found if not extension.empty)
    size = sum(len(json.dumps(to_json(extension))) for extension in extensions)
    if size > COMPILED_BYTES_MAX:
        findings.faults.append(f".ebextensions come to {size} bytes; at most {COMPILED_BYTES_MAX}.")
    return Compiled(
        extensions,
        tuple(f"{fault}." for fault in findings.faults),
        tuple(f"{warning}." for warning in findings.warnings),
        tuple(one for extension in extensions for one in advice(extension)),
    )


def _file(
    file: ConfigKeys,
    around: Surroundings,
    credentials: Mapping[str, Credential],
    reader: Reader,
) -> Extension:
    keys, faults = evaluate(file.keys, around, backticks=True)
    for fault in faults:
        _at(reader, fault).fault(fault.text)
    whole = Reader(file.name, keys, reader.findings, reader.lines)
    return read_instance_keys(whole, credentials)


def _at(reader: Reader, fault: Fault) -> Reader:
    for part in fault.path:
        reader = reader.inner(part, None)
    return reader


def _credentials(around: Surroundings) -> dict[str, Credential]:
    """Return the credentials for files; what is wrong with them is told where they are used."""
    resources = {name: said for name, said in around.declared.resources.items() if name in OWNED}
    found, _ = evaluate(resources, around, backticks=True)
    return read_credentials(found) if isinstance(found, dict) else {}


def check_options(
    settings: Settings, around: Surroundings, on_instance: Callable[[str], bool]
) -> Compiled:
    """Return what is wrong with functions in the values of options.

    Instances get them evaluated; elsewhere an option that has one counts as not set.
    """
    faults, warnings = [], []
    for setting in settings:
        value = setting.value or ""
        if not expressions(value):
            continue
        where = f"{setting.namespace}: {printable(setting.name)}"
        if not on_instance(setting.namespace) and setting.key != GROUPS:
            warnings.append(f"{where}: functions are not evaluated there; it counts as not set.")
        faults += [f"{where}: {f.text}." for f in evaluate(value, around, backticks=True)[1]]
    return Compiled(faults=tuple(faults), warnings=tuple(warnings))


def evaluated(values: Mapping[str, str], around: Surroundings) -> dict[str, str]:
    """Return values with the functions in their backticks evaluated; what fails stays as it is."""
    found = {}
    for name, value in values.items():
        result, faults = evaluate(value, around, backticks=True) if "`" in value else (value, ())
        found[name] = value if faults else str(result)
    return found
