"""Where data come from, and their decoded copies."""
