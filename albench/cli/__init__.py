"""The command line: thin wrappers over functions that Python users can call too."""
