"""One `.config` file of `.ebextensions`, YAML or JSON: its option settings, and its other keys.

Values keep the text they were written in (`value: on` means "on", `mode: 000755` is no number), so
scalars are never resolved. Functions are left as they are. Faults name file, line and key, and all
of them are found at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import yaml

from jackbean.core.options.settings import Setting, Settings
from jackbean.sources.tree import Bad, Path, Tree, grow, line, scalar, typed

INSTANCE_KEYS = frozenset(
    {
        "packages",
        "groups",
        "users",
        "sources",
        "files",
        "commands",
        "services",
        "container_commands",
    }
)
STACK_KEYS = frozenset({"Resources", "Parameters", "Mappings", "Outputs", "Conditions"})
KEYS = INSTANCE_KEYS | STACK_KEYS | {"option_settings"}
DEFAULT_NAMESPACE = "aws:elasticbeanstalk:application:environment"
SETTINGS_MAX = 2_000  # of one file; an alias can stand for many of them
FAULTS_MAX = 50
Option = tuple[str, str]  # namespace and name


@dataclass(frozen=True)
class ConfigFile:
    """`faults` refuse the deployment; a file with a warning was skipped or read in part.

    `places` are the lines of the settings, by namespace and name; `keys` are all other keys, and
    `lines` where everything in them is.
    """

    name: str
    settings: Settings = Settings()  # noqa: RUF009 - immutable
    places: Mapping[Option, int] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    lines: Mapping[Path, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_config(name: str, content: bytes) -> ConfigFile:
    """Read one file. An empty document is fine; a key that Elastic Beanstalk lacks skips it."""
    try:
        root = yaml.compose(_spaced(content.decode("utf-8-sig")), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        return ConfigFile(name, faults=(f"{name} is not UTF-8 text: {error}.",))
    except yaml.YAMLError as error:
        return ConfigFile(name, faults=(_malformed(name, error),))
    except RecursionError:
        return ConfigFile(name, faults=(f"{name} is nested too deeply.",))
    if root is None or (isinstance(root, yaml.ScalarNode) and not root.value):
        return ConfigFile(name)
    return _read(name, root)


def _spaced(text: str) -> str:
    """Return JSON without tabs, which YAML does not know as white space; other texts as they are.

    JSON has none inside of its strings, so nothing is lost.
    """
    if "\t" in text and text.lstrip().startswith(("{", "[")):
        with suppress(ValueError):
            json.loads(text)
            return text.replace("\t", " ")
    return text


def _malformed(name: str, error: yaml.YAMLError) -> str:
    reason = " ".join(str(error).split())
    return f"The configuration file {name} contains invalid YAML or JSON. {reason}."


def _read(name: str, root: yaml.Node) -> ConfigFile:
    if not isinstance(root, yaml.MappingNode):
        return ConfigFile(name, faults=(f"{name}: line 1: a mapping of keys is expected.",))
    try:
        sections = {scalar(key): node for key, node in root.value}
    except Bad as bad:
        return ConfigFile(name, faults=(f"{name}: {bad}",))
    unknown = sorted(sections.keys() - KEYS)
    if unknown:
        keys = ", ".join(f"'{key[:60]}'" for key in unknown[:5])
        return ConfigFile(name, warnings=(f"{name}: Contains invalid key: {keys}. It is skipped.",))
    return _sections(name, root, sections.get("option_settings"))


def _sections(name: str, root: yaml.MappingNode, options: yaml.Node | None) -> ConfigFile:
    """Return what the keys of a file hold; what is wrong with either part is told at once."""
    found, tree = _Options(), Tree()
    others = [(key, node) for key, node in root.value if key.value != "option_settings"]
    keys: dict[str, Any] = {}
    try:
        found.read(options)
        keys = grow(tree, yaml.MappingNode(root.tag, others, root.start_mark, root.end_mark), ())
    except Bad as bad:
        tree.faults.append(str(bad))
    said = (*found.faults, *tree.faults, *_shapeless(keys, tree))
    faults = [f"{name}: {text}" for text in said][:FAULTS_MAX]
    if faults:
        return ConfigFile(name, faults=tuple(faults))
    twice = tuple(f"{name}: {text}." for text in (*_twice(root), *tree.repeated))
    settings = Settings(found.settings)
    return ConfigFile(name, settings, found.places, keys, tree.lines, warnings=twice)


def _shapeless(keys: Mapping[str, Any], tree: Tree) -> Iterator[str]:
    for key in sorted(STACK_KEYS & keys.keys()):
        if not isinstance(keys[key], dict | None) and keys[key] != "":
            yield f"line {tree.lines[key,]}: {key} is a mapping"


def _twice(root: yaml.MappingNode) -> Iterator[str]:
    options = [key for key, _ in root.value if key.value == "option_settings"]
    if len(options) > 1:
        yield f"line {line(options[-1])}: option_settings is there twice; the first one is dropped"


class _Options:
    """The option settings of a file, in either syntax, and what is wrong with them."""

    def __init__(self) -> None:
        self.settings: list[Setting] = []
        self.places: dict[Option, int] = {}
        self.faults: list[str] = []
        self._tree = Tree()  # of all values together: aliases could repeat a large one

    def read(self, node: yaml.Node | None) -> None:
        match node:
            case None | yaml.ScalarNode(value=""):
                return
            case yaml.SequenceNode(value=items):
                for item in items:
                    self._take(_listed, item)
            case yaml.MappingNode(value=pairs):
                for namespace, options in pairs:
                    self._namespace(namespace, options)
            case _:
                raise Bad(node, "option_settings is a list or a mapping")

    def _namespace(self, key: yaml.Node, options: yaml.Node) -> None:
        match options:
            case yaml.MappingNode(value=pairs):
                for name, value in pairs:
                    self._take(_mapped, name, value, key)
            case yaml.ScalarNode(value=""):
                return
            case _:
                text = scalar(key)[:80]
                self.faults.append(str(Bad(options, f"'{text}' needs option names with values")))

    def _take(self, read: Callable[..., Setting], *nodes: yaml.Node) -> None:
        try:
            setting = read(self._tree, *nodes)
            self.settings.append(setting)
            self.places[setting.namespace, setting.name] = line(nodes[0])
        except Bad as bad:
            if self._tree.full:
                raise
            self.faults.append(str(bad))
        if len(self.settings) + len(self.faults) > SETTINGS_MAX:
            raise Bad(nodes[0], f"more than {SETTINGS_MAX} option settings")


def _listed(tree: Tree, node: yaml.Node) -> Setting:
    if not isinstance(node, yaml.MappingNode):
        raise Bad(node, "an option setting has namespace, option_name and value")
    members = {scalar(key): value for key, value in node.value}
    name = members.get("option_name") or members.get("OptionName")
    value = members.get("value") or members.get("Value")
    if name is None or value is None:
        raise Bad(node, "an option setting needs option_name and value")
    namespace = members.get("namespace") or members.get("Namespace")
    resource = members.get("resource_name") or members.get("ResourceName")
    return Setting(
        scalar(namespace) if namespace else DEFAULT_NAMESPACE,
        scalar(name),
        _value(tree, value),
        scalar(resource) if resource else "",
    )


def _mapped(tree: Tree, name: yaml.Node, value: yaml.Node, key: yaml.Node) -> Setting:
    namespace = scalar(key)
    resource, _, rest = namespace.partition(".")
    if rest and ":" not in resource:
        return Setting(rest, scalar(name), _value(tree, value), resource)
    return Setting(namespace, scalar(name), _value(tree, value))


def _value(tree: Tree, node: yaml.Node) -> str:
    """Return a value as text: options have nothing else.

    A function is evaluated later, in backticks; a list has commas, and a document is JSON.
    """
    match node:
        case yaml.MappingNode() if _function(node):
            return f"`{json.dumps(grow(tree, node, ()))}`"
        case yaml.MappingNode():
            return json.dumps(typed(tree, node))
        case yaml.SequenceNode(value=items):
            return ",".join(scalar(item) for item in items)
        case _:
            return scalar(node)


def _function(node: yaml.MappingNode) -> bool:
    names = [str(key.value) for key, _ in node.value]
    return len(names) == 1 and (names[0] == "Ref" or names[0].startswith("Fn::"))
