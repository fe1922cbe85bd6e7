"""Configuration options: what may be set, what was set, and what holds in the end."""
