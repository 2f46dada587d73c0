"""Learners: index plans, and the engine that executes them."""
