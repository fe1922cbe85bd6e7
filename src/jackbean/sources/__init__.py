"""Reading a source bundle safely."""
