"""Worker environments, as the extension service is asked about them."""

from __future__ import annotations

from jackbean.api.elasticbeanstalk.environments import referred
from jackbean.api.plant import Call, Plant
from jackbean.core.environments import Environment
from jackbean.core.errors import invalid

SHOWN_MAX = 1000


async def worker(plant: Plant, call: Call) -> Environment:
    """Return the worker environment that is meant. Raises a Fault for a web server one."""
    environment = await referred(plant, call)
    if not environment.worker:
        raise invalid(
            f"Environment {environment.name} is no worker: it has no queue and no periodic tasks. "
            "Name a worker environment."
        )
    return environment


async def queue_name(plant: Plant, environment: Environment) -> str:
    """Return the name of an environment's queue. Raises a Fault if it has none here."""
    found = await plant.periodic.workers.queue(environment)
    if not found:
        raise invalid(f"Environment {environment.name} has no queue on this installation.")
    return found


def count(call: Call, name: str, default: int) -> int:
    """Return how many of something are wanted."""
    number = call.members.get(name, default)
    if type(number) is not int or not 1 <= number <= SHOWN_MAX:
        raise invalid(f"{name} must be a number from 1 to {SHOWN_MAX}.")
    return number


def names(call: Call, name: str) -> list[str]:
    """Return a list of names; none where nothing is said."""
    said = call.members.get(name) or []
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise invalid(f"{name} must be a list of names.")
    return said
