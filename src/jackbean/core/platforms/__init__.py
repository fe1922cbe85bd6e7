"""Platforms: what environments can be asked to run on, and which of it runs here."""
