"""What people are told: every event of an environment, from what it was and what it is."""
