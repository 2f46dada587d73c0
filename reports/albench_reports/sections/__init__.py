"""First-party sections of the report."""
