"""The sections of `python benchmarks/gpu.py`: each is a process that leaves rows."""
