"""Small Protocols, one per noun or capability.

Each has one in-memory implementation in `jackbean.simulator` and at least one real adapter; one
contract suite in `tests/contract` runs on all of them. What a port is asked to ensure may be asked
again: twice is once. A port that cannot do what is asked raises `PortError`; the next tick retries.
"""
