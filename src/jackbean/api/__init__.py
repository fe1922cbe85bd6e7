"""One thin module per AWS service, and the agent's API."""
