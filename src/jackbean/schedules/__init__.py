"""When periodic tasks are due, and what becomes of each time: pure decisions."""
