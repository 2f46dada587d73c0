"""The columns of the leaderboard, and how each number is made."""

from __future__ import annotations

from albench import Column

COLUMNS = (
    Column("strategy"),
    Column(
        "accuracy_area",
        "Accuracy, %",
        ".1f",
        100,
        low="accuracy_area_low",
        high="accuracy_area_high",
        method="Area under the accuracy curve over labelled images, divided by the budget: its mean height. Mean "
        "over seeds with its 95 % t interval. All test images count, those of undiscovered classes as errors.",
    ),
    Column(
        "accuracy_difference",
        "Difference, points",
        "+.2f",
        100,
        low="accuracy_difference_low",
        high="accuracy_difference_high",
        method="The same area minus the reference's at the same seed, in percentage points: mean over the pairs "
        "and 95 % paired t interval, mean ± t(.975, N−1) s/√N. It is much narrower than the two accuracies' "
        "intervals, since strategies of one seed share classes, images and initial network.",
    ),
    Column("wins", "Wins", method="Pairs in which the strategy's area is larger than the reference's."),
    Column("ties", "Ties", method="Pairs with equal areas."),
    Column("losses", "Losses", method="Pairs in which the strategy's area is smaller than the reference's."),
    Column(
        "mean_rank",
        "Rank",
        ".2f",
        method="Rank by area among all strategies of a seed, 1 is best, averaged over the seeds that all have.",
    ),
    Column("accuracy_final", "Final, %", ".1f", 100, method="Accuracy after the last round, mean over seeds."),
    Column(
        "classes_area",
        "Classes",
        ".1f",
        method="Area under the curve of classes that the network knows, divided by the budget: their mean number.",
    ),
    Column(
        "saved",
        "Labels saved",
        method="1 − n/n_reference at the same seed, n the queried labels until the accuracy is first reached: "
        "mean over pairs. A seed that does not get there is censored; then this is what remains known of the "
        "median. The target is the highest round accuracy that every seed of the study's reference reaches, else "
        "half of them.",
    ),
    Column("query_seconds", "Query, s", ".2g", method="Mean time of one query, training not included."),
    Column("n_seeds", "Seeds", method="Finished cells."),
    Column("n_pairs", "Pairs", method="Seeds that both the strategy and the reference have finished."),
)
