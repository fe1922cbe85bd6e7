"""`jackbean` (the operator's) and `jb` (the developer's)."""
