"""Executors, each thin: they pass JSON specifications to workers and events back."""
