"""Frozen features: what a network that stays as it is makes of a scenario's images, written into one file."""
