"""One `.config` file of `.ebextensions`: YAML or JSON, read for its option settings.

Values keep the text they were written in (`value: on` means "on", `mode: 000755` is no number), so
scalars are never resolved. Faults name file, line and key, and all of them are found at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import yaml

from jackbean.core.options.settings import Setting, Settings

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


@dataclass(frozen=True)
class ConfigFile:
    """`faults` refuse the deployment; a file with a warning was skipped or read in part."""

    name: str
    settings: Settings = Settings()  # noqa: RUF009 - immutable
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class _Bad(Exception):
    """A fault at a node."""

    def __init__(self, node: yaml.Node, text: str) -> None:
        super().__init__(f"line {node.start_mark.line + 1}: {text}")


def read_config(name: str, content: bytes) -> ConfigFile:
    """Read one file. An empty document is fine; a key that Elastic Beanstalk lacks skips it."""
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        return ConfigFile(name, faults=(f"{name} is not UTF-8 text: {error}.",))
    except yaml.YAMLError as error:
        return ConfigFile(name, faults=(_malformed(name, error),))
    except RecursionError:
        return ConfigFile(name, faults=(f"{name} is nested too deeply.",))
    if root is None or (isinstance(root, yaml.ScalarNode) and not root.value):
        return ConfigFile(name)
    return _read(name, root)


def _malformed(name: str, error: yaml.YAMLError) -> str:
    reason = " ".join(str(error).split())
    return f"The configuration file {name} contains invalid YAML or JSON. {reason}."


def _read(name: str, root: yaml.Node) -> ConfigFile:
    if not isinstance(root, yaml.MappingNode):
        return ConfigFile(name, faults=(f"{name}: line 1: a mapping of keys is expected.",))
    sections = {key.value: node for key, node in root.value if isinstance(key, yaml.ScalarNode)}
    unknown = sorted(sections.keys() - KEYS)
    if unknown:
        keys = ", ".join(f"'{key[:60]}'" for key in unknown[:5])
        return ConfigFile(name, warnings=(f"{name}: Contains invalid key: {keys}. It is skipped.",))
    try:
        settings = Settings(_bounded(sections.get("option_settings")))
    except _Bad as bad:
        return ConfigFile(name, faults=(f"{name}: {bad}",))
    return ConfigFile(name, settings, warnings=_unbuilt(name, sections))


def _unbuilt(name: str, sections: dict[str, yaml.Node]) -> tuple[str, ...]:
    passed = sorted(sections.keys() & (INSTANCE_KEYS | STACK_KEYS))
    if not passed:
        return ()
    keys = ", ".join(passed)
    return (f"{name}: {keys} are not applied by this version of Jackbean; only option_settings.",)


def _bounded(node: yaml.Node | None) -> tuple[Setting, ...]:
    found = tuple(islice(_settings(node), SETTINGS_MAX + 1))
    if node is not None and len(found) > SETTINGS_MAX:
        raise _Bad(node, f"more than {SETTINGS_MAX} option settings")
    return found


def _settings(node: yaml.Node | None) -> Iterator[Setting]:
    match node:
        case None:
            return
        case yaml.ScalarNode(value=""):
            return
        case yaml.SequenceNode(value=items):
            yield from map(_listed, items)
        case yaml.MappingNode(value=pairs):
            for namespace, options in pairs:
                yield from _mapped(_text(namespace), options)
        case _:
            raise _Bad(node, "option_settings is a list or a mapping")


def _listed(node: yaml.Node) -> Setting:
    if not isinstance(node, yaml.MappingNode):
        raise _Bad(node, "an option setting has namespace, option_name and value")
    members = {_text(key): value for key, value in node.value}
    name = members.get("option_name") or members.get("OptionName")
    value = members.get("value") or members.get("Value")
    if name is None or value is None:
        raise _Bad(node, "an option setting needs option_name and value")
    namespace = members.get("namespace") or members.get("Namespace")
    resource = members.get("resource_name") or members.get("ResourceName")
    return Setting(
        _text(namespace) if namespace else DEFAULT_NAMESPACE,
        _text(name),
        _text(value),
        _text(resource) if resource else "",
    )


def _mapped(namespace: str, options: yaml.Node) -> Iterator[Setting]:
    resource, _, rest = namespace.partition(".")
    if rest and ":" not in resource:
        namespace = rest
    else:
        resource = ""
    match options:
        case yaml.MappingNode(value=pairs):
            for name, value in pairs:
                yield Setting(namespace, _text(name), _text(value), resource)
        case yaml.ScalarNode(value=""):
            return
        case _:
            raise _Bad(options, f"'{namespace[:80]}' needs option names with values")


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _Bad(node, "a single value is expected here")
    return str(node.value)
