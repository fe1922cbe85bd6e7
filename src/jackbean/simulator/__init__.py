"""In-memory ports on virtual time, faults and seeds."""
