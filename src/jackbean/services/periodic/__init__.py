"""Periodic tasks of worker environments: sent when they are due, and accounted for."""

from jackbean.services.periodic.desk import Described, Line, PeriodicDesk
from jackbean.services.periodic.scheduler import Scheduler
from jackbean.services.periodic.worker import QueueOf, Workers

__all__ = ["Described", "Line", "PeriodicDesk", "QueueOf", "Scheduler", "Workers"]
