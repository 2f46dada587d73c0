"""Finished studies to compare with: a folder each, with the archive, its study file and the script that made it."""
