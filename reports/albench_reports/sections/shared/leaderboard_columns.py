"""The columns of the leaderboard, and how each number is made."""

from __future__ import annotations

from albench import Column

COLUMNS = (
    Column("strategy"),
    Column(
        "group",
        method="Strategies without a common letter are told apart; a holds the best. Every two strategies are compared "
        "by a paired t test, with the variance of their own differences and Holm's correction for the number of pairs, "
        "so that with 95 % confidence no two are wrongly told apart. Groups are runs of neighbours in the order of the "
        "means; a pair that is told apart within one shows in the ranks.",
    ),
    Column(
        "ranks",
        "Ranks",
        method="The ranks that a strategy may have: 1 + the strategies that are better by those tests, to the number "
        "of strategies - those that are worse.",
    ),
    Column(
        "accuracy_area",
        "Mean accuracy, %",
        ".1f",
        100,
        low="accuracy_area_low",
        high="accuracy_area_high",
        method="Area under the accuracy curve over labelled images, divided by the budget: its mean height. Mean "
        "over seeds with its 95 % t interval, cut to what is possible. All test images count, those of undiscovered "
        "classes as errors.",
    ),
    Column(
        "accuracy_difference",
        "Difference, points",
        "+.2f",
        100,
        low="accuracy_difference_low",
        high="accuracy_difference_high",
        method="The same area minus the reference's at the same seed, in percentage points: mean over the pairs "
        "and an interval, mean ± t(1 − .05/2m, N−1) s/√N, that holds for all m comparisons with the reference together "
        "with 95 % confidence. It is narrower than the two accuracies would let expect, since strategies of one seed "
        "share classes, images and initial network.",
    ),
    Column(
        "claim",
        "Against the reference",
        method="Leads or trails where the interval of the difference does not hold 0; else these seeds cannot tell. Of "
        "a strategy without a finished cell, the state of its first cell and the reason.",
    ),
    Column("wins", "Wins", method="Pairs in which the strategy's area is larger than the reference's."),
    Column("ties", "Ties", method="Pairs with equal areas."),
    Column("losses", "Losses", method="Pairs in which the strategy's area is smaller than the reference's."),
    Column(
        "mean_rank",
        "Mean rank",
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
        "median over pairs. A seed that does not get there is censored, and where that touches the median this is what "
        "remains known of it. The target is the highest round accuracy that every seed of the study's reference "
        "reaches, else half of them.",
    ),
    Column("query_seconds", "Query", "duration", method="Mean time of one query, training not included."),
    Column("n_seeds", "Seeds", method="Finished cells."),
    Column("n_pairs", "Pairs", method="Seeds that both the strategy and the reference have finished."),
)

REASON = (
    Column("strategy"),
    Column("reason", "Why there are no numbers", method="The state of the strategy's first cell, and what it says."),
)

LINES = (
    Column("strategy", "Reference line"),
    Column("setting"),
    Column("permission", "It may have", method="What no strategy may; each of its rounds notes it."),
    Column("accuracy_final", "Final, %", ".1f", 100, method="Accuracy after its last round, mean over seeds."),
    Column(
        "accuracy_area",
        "Mean accuracy, %",
        ".1f",
        100,
        method="Area under its accuracy curve divided by its own budget, mean over seeds. It is not compared with the "
        "strategies': a line that labels everything at once has another budget.",
    ),
    Column("n_classes_final", "Classes", ".1f", method="Classes that the network knows at the end, mean over seeds."),
    Column("n_seeds", "Seeds"),
)
