"""SQLite behind the store ports, and content-addressed files."""
