"""Logs of instances: taken at once, followed, and kept in groups."""
