"""What applications consume."""
