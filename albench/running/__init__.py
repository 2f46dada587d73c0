"""Performing one cell: the loop of its rounds, and what holds a strategy to its contract."""
