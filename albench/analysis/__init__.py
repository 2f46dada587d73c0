"""Frames in, frames out: curves, areas, paired differences, label savings. It draws nothing.

Every function takes the columns that `albench.load` returns. Differences are always joined on the seed.
"""

from albench.analysis.bands import difference_curves, difference_curves_to, simultaneous_factor
from albench.analysis.blocks import FEWEST, BlockTest, block_table, block_test
from albench.analysis.cost import costs
from albench.analysis.curves import area, areas, comparable, mean_curves
from albench.analysis.discovery import discoveries, discovery_summary, queries_to_class
from albench.analysis.intervals import MeanInterval, words
from albench.analysis.leaderboard import leaderboard, leaderboards, mean_ranks
from albench.analysis.lines import line_curves, line_summary, reference_lines, without_lines
from albench.analysis.pairs import compare, differences, groups, round_differences
from albench.analysis.ranks import rank_groups
from albench.analysis.savings import (
    best_target,
    default_target,
    labels_to_target,
    median_labels,
    savings,
    target_labels,
    targets,
)
from albench.analysis.significance import LEVEL, holm, null_checks, penalties, signed_rank_p, signed_rank_tests
from albench.analysis.stopping import STABLE, STOP_SET, WINDOW, Stability, kappa, stability

__all__ = [
    "FEWEST",
    "LEVEL",
    "STABLE",
    "STOP_SET",
    "WINDOW",
    "BlockTest",
    "MeanInterval",
    "Stability",
    "area",
    "areas",
    "best_target",
    "block_table",
    "block_test",
    "comparable",
    "compare",
    "costs",
    "default_target",
    "difference_curves",
    "difference_curves_to",
    "differences",
    "discoveries",
    "discovery_summary",
    "groups",
    "holm",
    "kappa",
    "labels_to_target",
    "leaderboard",
    "leaderboards",
    "line_curves",
    "line_summary",
    "mean_curves",
    "mean_ranks",
    "median_labels",
    "null_checks",
    "penalties",
    "queries_to_class",
    "rank_groups",
    "reference_lines",
    "round_differences",
    "savings",
    "signed_rank_p",
    "signed_rank_tests",
    "simultaneous_factor",
    "stability",
    "target_labels",
    "targets",
    "without_lines",
    "words",
]
