"""`env.yaml` at the root of a bundle: how the environment is to be that it is made for.

It has the form of a saved configuration. A bundle is hostile, so everything is bounded; faults name
file and line, and all of them are found at once. What else saved configurations have (a service
role, a date) means nothing here and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jackbean.core.applications import Tags, check_tags
from jackbean.core.environments import Tier
from jackbean.core.errors import Fault, invalid
from jackbean.core.links import Declaration
from jackbean.core.options.settings import Setting, Settings
from jackbean.sources.reading import Findings, Reader
from jackbean.sources.tree import Tree, document

FILE = "env.yaml"
BYTES_MAX = 256 << 10
FORMAT = r"1\.1\.0\.0"
NAME = r"[A-Za-z0-9][A-Za-z0-9-]{0,62}\+?"
PROPERTY = r"[A-Za-z_][A-Za-z0-9_.:/+@-]{0,127}"
TEXT = r"[ -~]{1,500}"
TAGS_MAX, LINKS_MAX, SETTINGS_MAX = 47, 50, 2_000
VERSIONS = {"WebServer": ("Standard", "1.0"), "Worker": ("SQS/HTTP", "2.3")}
KEYS = (
    "AWSConfigurationTemplateVersion",
    "Platform",
    "SolutionStack",
    "OptionSettings",
    "Tags",
    "EnvironmentTier",
    "CName",
    "EnvironmentName",
    "EnvironmentLinks",
)


def read_declaration(content: bytes) -> Declaration:
    """Return what an `env.yaml` says. Raises a Fault that names every fault and its line."""
    if len(content) > BYTES_MAX:
        raise invalid(f"{FILE} has {len(content)} bytes; at most {BYTES_MAX} are read.")
    findings, tree = Findings(), Tree()
    root = document(FILE, content, tree)
    findings.faults.extend(f"{FILE}: {text}" for text in tree.faults)
    found = _declared(Reader(FILE, root, findings, tree.lines))
    if findings.faults:
        raise invalid("\n".join(f"{fault}." for fault in findings.faults))
    return found


def _declared(root: Reader) -> Declaration:
    found = {name: reader for name, reader in root.items("a mapping of keys") if name in KEYS}
    if KEYS[0] not in found:
        root.fault(f"'{KEYS[0]}: 1.1.0.0' is missing")
    else:
        found[KEYS[0]].matching(FORMAT, "1.1.0.0, the only version there is")
    at = {name: found.get(name) or root.inner(name, None) for name in KEYS}
    return Declaration(
        name=_name(at["EnvironmentName"]),
        cname=_name(at["CName"]),
        platform=_platform(at["Platform"], at["SolutionStack"]),
        tier=_tier(at["EnvironmentTier"]),
        settings=Settings(_settings(at["OptionSettings"])),
        tags=_tags(at["Tags"]),
        links=tuple(_links(at["EnvironmentLinks"])),
    )


def _name(at: Reader) -> str:
    if at.value in (None, ""):
        return ""
    return at.matching(NAME, "a name of letters, digits and hyphens, with a + last for a group")


def _platform(platform: Reader, stack: Reader) -> str:
    named = dict(platform.items("a mapping with PlatformArn"))
    at = named.get("PlatformArn", stack)
    return at.matching(TEXT, "the name of a platform") if at.value else ""


def _tier(at: Reader) -> Tier | None:
    said = dict(at.items("a mapping with Name and Type"))
    if not said:
        return None
    name = said["Name"].text() if "Name" in said else "WebServer"
    kind, version = VERSIONS.get(name, ("", ""))
    if not kind or ("Type" in said and said["Type"].text() != kind):
        at.fault("the tiers that there are: WebServer/Standard and Worker/SQS/HTTP")
    return Tier(name, kind, version)


def _settings(at: Reader) -> Iterator[Setting]:
    count = 0
    for namespace, options in at.items("a mapping of namespaces"):
        resource, _, rest = namespace.partition(".")
        named = (rest, resource) if rest and ":" not in resource else (namespace, "")
        for name, value in options.items("a mapping of options"):
            count += 1
            if count > SETTINGS_MAX:
                at.fault(f"there are more than {SETTINGS_MAX} option settings")
                return
            yield Setting(named[0], name, value.text(), named[1])


def _tags(at: Reader) -> Tags:
    tags = tuple(sorted((key, value.text()) for key, value in at.items("a mapping of tags")))
    try:
        check_tags(tags, TAGS_MAX)
    except Fault as fault:
        at.fault(fault.message.rstrip("."))
    return tags


def _links(at: Reader) -> Iterator[tuple[str, str]]:
    links = list(at.items("a mapping of properties to the names of environments"))
    if len(links) > LINKS_MAX:
        at.fault(f"there are {len(links)} links; at most {LINKS_MAX}")
        return
    for name, target in links:
        if not re.fullmatch(PROPERTY, name):
            target.fault("this cannot be the name of an environment property")
        elif not target.value:
            target.fault("the name of an environment is expected here")
        elif found := _name(target):
            yield name, found
