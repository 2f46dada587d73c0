"""Frames in, frames out: curves, areas, paired differences, label savings. It draws nothing.

Every function takes the columns that `albench.load` returns. Differences are always joined on the seed.
"""
