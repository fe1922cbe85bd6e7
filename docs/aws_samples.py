"""What becomes of every config file in AWS's samples: `./dev docs --samples CHECKOUT`.

`CHECKOUT` is a copy of the public repository awsdocs/elastic-beanstalk-samples. Each file is read
as if it were alone in a bundle, by the code that reads bundles. Only names get into the page.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jackbean.control.extensions import check_options, compiled
from jackbean.control.manifests import concerns_instance
from jackbean.control.stacks.surroundings import OWNED, Surroundings
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault, invalid
from jackbean.core.installation import Installation
from jackbean.core.options.resolve import Layers, Origin, effective
from jackbean.core.options.settings import Settings
from jackbean.core.options.table import options
from jackbean.core.options.validate import Context, Message, fault_in, validate
from jackbean.sources.bundles import Extensions, extensions_of
from jackbean.stacks.merging import check, merge
from jackbean.stacks.overriding import overrides
from jackbean.stacks.synthesis import Facts, synthesise

FOLDER = "configuration-files"
APPLIED, WARNED, REFUSED = "applied", "applied with a warning", "refused"
# What a file is for, by a word in its path; else Python.
PLATFORMS = {
    "docker": "Docker",
    "dotnet": ".NET Core",
    "golang": "Go",
    "java-se": "Corretto",
    "tomcat": "Tomcat",
    "nodejs": "Node.js",
    "php": "PHP",
    "ruby": "Ruby",
}
REASONS_MAX = 3

HEAD = """\
# AWS's samples of `.ebextensions`

<!-- Made from awsdocs/elastic-beanstalk-samples by `./dev docs --samples CHECKOUT`. -->

What becomes of the {count} config files in the public repository
[awsdocs/elastic-beanstalk-samples](https://github.com/awsdocs/elastic-beanstalk-samples), each
alone in a bundle for the platform that it is for. All of them are read.

| | |
|---|---|
| applied | {applied} |
| applied with a warning, which says what is not | {warned} |
| refused, or bound to fail on an instance, with the reason | {refused} |

A warning is an event of the deployment. Refused are {windows} for Windows and {others} others.
A command that is bound to fail is tried all the same, and the deployment ends with its last lines.
Placeholders of the samples (buckets, subnets, addresses) are taken as they are. What a file needs
of the machine (programs, a way to the internet) is found out by instances, and told in events too.

"""


@dataclass(frozen=True)
class Verdict:
    path: str
    result: str
    reasons: tuple[str, ...]


def page(checkout: Path) -> str:
    """Return the page. Raises FileNotFoundError where the checkout is none."""
    root = checkout / FOLDER
    files = sorted(root.rglob("*.config"))
    if not files:
        raise FileNotFoundError(f"{root} has no config files")
    verdicts = [judge(str(file.relative_to(root)), file.read_bytes()) for file in files]
    counts = Counter(verdict.result for verdict in verdicts)
    windows = sum(v.result == REFUSED and "Windows" in " ".join(v.reasons) for v in verdicts)
    head = HEAD.format(
        count=len(verdicts),
        applied=counts[APPLIED],
        warned=counts[WARNED],
        refused=counts[REFUSED],
        windows=windows,
        others=counts[REFUSED] - windows,
    )
    rows = [f"| `{v.path}` | {v.result} | {_cell(v.reasons)} |" for v in verdicts]
    return "\n".join((f"{head}| File | Here | Because |", "|---|---|---|", *rows, ""))


def _cell(reasons: tuple[str, ...]) -> str:
    shown = [reason.replace("|", "\\|").replace("\n", " ") for reason in reasons[:REASONS_MAX]]
    more = [f"and {len(reasons) - REASONS_MAX} more"] if len(reasons) > REASONS_MAX else []
    return "<br>".join((*shown, *more))


def judge(path: str, content: bytes) -> Verdict:
    """Return what becomes of one file."""
    name = f".ebextensions/{Path(path).name}"
    try:
        extensions = extensions_of({name: content})
        reasons, hopeless = _told(path, extensions)
    except Fault as fault:
        return Verdict(path, REFUSED, _short(name, fault.message.split("\n")))
    if hopeless:
        return Verdict(path, REFUSED, _short(name, hopeless))
    return Verdict(path, WARNED if reasons else APPLIED, _short(name, reasons))


def _told(path: str, extensions: Extensions) -> tuple[list[str], list[str]]:
    """Return the warnings, and what must fail on an instance."""
    around = Surroundings(
        Installation("us-east-1", "123456789012"),
        Environment("e-abcdefghij", "sample-env", "sample", "stack", "arn", "sample", 1),
        _settings(path, extensions),
        extensions.declared,
    )
    facts = Facts(
        "e-abcdefghij", "sample-env", "arn", "Worker" if "worker" in path else "WebServer"
    )
    own = synthesise(facts, around.settings)
    changed = overrides(own, extensions.declared.resources, around)
    merged = merge(own, extensions.declared, OWNED, changed.unmet)
    wrong = merged.faults or check(merged.template, around)
    found = compiled(around, extensions.lines)
    options_found = check_options(around.settings, around, concerns_instance)
    if faults := (*wrong, *found.faults, *options_found.faults):
        raise invalid("\n".join(faults))
    messages = [m.message for m in _messages(path, extensions)]
    advice = [str(one) for one in found.advice if not one.hopeless]
    hopeless = [str(one) for one in found.advice if one.hopeless]
    told = [
        *extensions.warnings,
        *messages,
        *merged.warnings,
        *found.warnings,
        *options_found.warnings,
        *advice,
    ]
    return told, hopeless


def _table(path: str) -> str:
    return next((name for word, name in PLATFORMS.items() if word in path), "Python")


def _messages(path: str, extensions: Extensions) -> tuple[Message, ...]:
    context = Context(options(_table(path)), Origin.BUNDLE)
    messages = validate(extensions.settings, context)
    if fault := fault_in(messages):
        raise fault
    return messages


def _settings(path: str, extensions: Extensions) -> Settings:
    return effective(Layers(bundle=extensions.settings), options(_table(path)))


def _short(name: str, texts: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Return sentences without the name of the file, which is in the row."""
    return tuple(text.replace(f"{name}: ", "").replace(".ebextensions: ", "") for text in texts)
