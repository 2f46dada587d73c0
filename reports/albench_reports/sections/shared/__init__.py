"""What sections have in common."""
