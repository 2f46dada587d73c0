"""The HTML page: from sections to one file that needs nothing else."""
