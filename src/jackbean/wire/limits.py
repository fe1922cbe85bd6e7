"""How much of anything a request may hold: together, so that their relations can be seen.

The control APIs are small: the largest honest request is an UpdateEnvironment with a few hundred
settings, some 30 kB. S3's lists are the exception: completing an upload of 10,000 parts takes
about 1.5 MB of XML, deleting 1,000 objects about as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    form_bytes_max: int = 1 << 20
    params_max: int = 5_000
    list_index_max: int = 10_000
    depth_max: int = 32
    xml_bytes_max: int = 4 << 20
    xml_nodes_max: int = 60_000
    json_bytes_max: int = 4 << 20
    json_values_max: int = 400_000


LIMITS = Limits()

# A message is a megabyte, in which every byte can be a comma, and a form spells one with three.
MESSAGES = Limits(form_bytes_max=4 << 20, json_values_max=1_200_000)
LIMITS_OF: Mapping[str, Limits] = {"logs": MESSAGES, "sqs": MESSAGES, "sns": MESSAGES}


def limits_of(service: str) -> Limits:
    return LIMITS_OF.get(service, LIMITS)


# A parameter takes at least two bytes ("a&"), an element at least four ("<a/>").
assert LIMITS.params_max * 2 < LIMITS.form_bytes_max  # noqa: S101  a relation of constants
assert LIMITS.xml_nodes_max * 4 < LIMITS.xml_bytes_max  # noqa: S101  a relation of constants
