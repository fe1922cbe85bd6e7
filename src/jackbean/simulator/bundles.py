"""Bundles that bring resources, drawn from a seed: for histories in which stacks change too.

Some of the resources cannot be made, some not ended, some take their time. Those whose logical ids
begin with "Kept" are to be retained whatever happens.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
from typing import Any

from jackbean.simulator.resources import REFUSES, STAYS, TAKES

KEPT = "Kept"
NAMES = ("A", "B", "C", "KeptD", "KeptE")
QUEUE, TOPIC, ROLE = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::IAM::Role"
RETAINED = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def bundle(seed: int) -> bytes:
    """Return the ZIP of a bundle with a config file of resources."""
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr(".ebextensions/stack.config", json.dumps({"Resources": _resources(draw)}))
    return buffer.getvalue()


def template(seed: int) -> dict[str, Any]:
    """Return a template of a stack of its own: with conditions, dependencies and policies too."""
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    resources = _resources(draw)
    referred = {ref for body in resources.values() for ref in _referred(body)}
    names = list(resources)
    for at, (name, body) in enumerate(resources.items()):
        if draw.random() < 0.3 and name not in referred:
            body["Condition"] = "On"
        elif at and draw.random() < 0.3:
            body["DependsOn"] = draw.choice(names[:at])
        if not name.startswith(KEPT) and draw.random() < 0.4:
            body["DeletionPolicy"] = draw.choice(("Delete", "Retain", "RetainExceptOnCreate"))
            body["UpdateReplacePolicy"] = draw.choice(("Delete", "Retain"))
    resources["Always"] = {"Type": TOPIC, "Properties": {}}
    return {
        "Parameters": {"P": {"Type": "String", "Default": draw.choice(("yes", "no"))}},
        "Conditions": {"On": {"Fn::Equals": [{"Ref": "P"}, "yes"]}},
        "Resources": resources,
    }


def _referred(body: dict[str, Any]) -> list[str]:
    tags = body["Properties"]["Tags"]
    return [one["Value"]["Ref"] for one in tags if isinstance(one["Value"], dict)]


def _resources(draw: random.Random) -> dict[str, Any]:
    names = draw.sample(NAMES, draw.randint(0, len(NAMES)))
    return {name: _resource(draw, name, names[:at]) for at, name in enumerate(names)}


def _resource(draw: random.Random, name: str, earlier: list[str]) -> dict[str, Any]:
    kind = draw.choice((QUEUE, QUEUE, TOPIC, ROLE))
    said: dict[str, Any] = {"Size": str(draw.randint(0, 2))}
    properties: dict[str, Any] = {}
    if earlier and draw.random() < 0.5:
        said["Other"] = {"Ref": draw.choice(earlier)}
    if draw.random() < 0.3:
        properties["FifoQueue" if kind == QUEUE else "FifoTopic"] = "true"
    if draw.random() < 0.1:
        said[REFUSES] = "it does not want to"
    if draw.random() < 0.1:
        said[STAYS] = "somebody needs it"
    if draw.random() < 0.3:
        said[TAKES] = str(draw.randint(2, 4))
    properties["Tags"] = [{"Key": key, "Value": value} for key, value in said.items()]
    policies = RETAINED if name.startswith(KEPT) else {}
    return {"Type": kind, "Properties": properties, **policies}
