"""Stacks of environments and free-standing ones: what is taken up, changed, told and compared."""
