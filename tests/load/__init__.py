"""Visitors of every kind, one load generator for tests and benches, and their site."""
