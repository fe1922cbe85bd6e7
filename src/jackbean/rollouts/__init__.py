"""One pure function per deployment policy, and `maintain` for the steady state."""
