"""Use cases that write intent, and the loop that realises it."""
