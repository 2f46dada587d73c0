"""Long trials of what users rely on, for a maintainer to run: real stores, real processes, random damage and kills.

Each module is a small command line that prints a table and exits with 1 on any fault; pytest collects none of them.
"""
