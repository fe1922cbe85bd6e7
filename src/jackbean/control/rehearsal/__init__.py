"""Rehearsing an update: the code that would do it, over made-up instances and made-up time."""
