"""Scoring cost as a feature: pytest-benchmark over installed strategies, by way of the plugin host."""

from albench.bench.measuring import bench
from albench.bench.size import Size

__all__ = ["Size", "bench"]
