"""What the API lists: the settings of an environment, and the options that it could have."""

from __future__ import annotations

from collections.abc import Iterator

from jackbean.core.options.option import Option
from jackbean.core.options.resolve import applies, concrete, kinds
from jackbean.core.options.settings import RESOURCE_BOUND, Setting, Settings
from jackbean.core.options.table import OptionTable

HIDDEN = frozenset({"aws:rds:dbinstance"})  # namespaces whose secrets are left out altogether


def describe_settings(
    settings: Settings, table: OptionTable, tier: str = "WebServer"
) -> tuple[Setting, ...]:
    """Return every option of an environment, sorted, those that have no value without one.

    `settings` are the effective ones. Environment properties come with their values, for clients
    show and edit them; passwords of databases do not.
    """
    wanted = kinds(settings, tier)
    listed = [
        Setting(row.namespace, row.name, None)
        for row in concrete(table, settings)
        if applies(row, wanted) and not row.user_defined
    ]
    return tuple(_decorated(s, table) for s in Settings(listed).with_(settings))


def describe_options(
    table: OptionTable, settings: Settings | None = None, tier: str = "WebServer"
) -> tuple[Option, ...]:
    """Return a platform's rows, sorted; only those for such an environment, if one is given."""
    rows = _open(table) if settings is None else _fitting(table, settings, tier)
    named = {(row.namespace, row.name): row for row in rows}
    return tuple(named[name] for name in sorted(named))


def _decorated(setting: Setting, table: OptionTable) -> Setting:
    row = table.find(setting.namespace, setting.name)
    if row is None or setting.namespace in RESOURCE_BOUND:
        return setting
    value = None if row.secret and row.namespace in HIDDEN else setting.value
    return Setting(setting.namespace, setting.name, value, row.resource_name)


def _open(table: OptionTable) -> Iterator[Option]:
    return (row for row in table if not (row.legacy or row.alias_of))


def _fitting(table: OptionTable, settings: Settings, tier: str) -> Iterator[Option]:
    """Yield what an environment has, what it could have, and what it has of its own making."""
    wanted = kinds(settings, tier)
    yield from (row for row in _open(table) if row.name == "*" and applies(row, wanted))
    yield from (row for row in concrete(table, settings) if applies(row, wanted))
    for setting in settings:
        row = table.find(setting.namespace, setting.name)
        if row and row.user_defined:
            yield row
