"""What `env.yaml` says of an environment, and what environments know of one another by it.

AWS calls the file an environment manifest. A name in it that ends with + belongs to a group: the +
stands for a hyphen and the group's name, which whoever asks for the environment gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jackbean.core.applications import Tags
from jackbean.core.environments import Tier
from jackbean.core.errors import invalid, unfitting
from jackbean.core.options.settings import Settings

GROUP = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,17}[A-Za-z0-9])?")  # as AWS: 1 to 19


@dataclass(frozen=True)
class Declaration:
    """The manifest: what is empty in it is not said.

    `platform` is a solution stack or an ARN; `links` are pairs of an environment property and the
    environment that it shall say where to reach. `settings` are those of a new environment.
    """

    name: str = ""
    cname: str = ""
    platform: str = ""
    tier: Tier | None = None
    settings: Settings = Settings()  # noqa: RUF009 - immutable
    tags: Tags = ()
    links: tuple[tuple[str, str], ...] = ()


def check_group(group: str) -> None:
    """Raise a Fault unless `group` can be the name of one, or is empty."""
    if group and not GROUP.fullmatch(group):
        raise invalid(
            f"Value '{group[:40]}' at 'GroupName' failed to satisfy constraint: "
            "1 to 19 letters, digits and hyphens, not beginning or ending with a hyphen."
        )


def grouped(name: str, group: str) -> str:
    """Return a name of a manifest in a group. Raises a Fault where it needs one and has none."""
    if not name.endswith("+"):
        return name
    if not group:
        raise unfitting(f"env.yaml: '{name}' is a name in a group; give its name as GroupName.")
    return f"{name[:-1]}-{group}"
