"""Schemas: one folder per database, of numbered SQL files that are never changed once released."""
