"""References: finished studies that others compare with instead of running the baselines again."""
