"""What stacks are made of, on the services that applications consume."""

from jackbean.services.resources.claims import ClaimedResources
from jackbean.services.resources.providers import providers, waiting

__all__ = ["ClaimedResources", "providers", "waiting"]
