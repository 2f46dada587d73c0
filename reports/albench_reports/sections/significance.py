"""Is it real: tests against the reference, pairwise penalties, blocks of settings, the null check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from albench import Column, Content, Note, Part, ReportSection, Results, Table
from albench.analysis import (
    FEWEST,
    LEVEL,
    block_table,
    block_test,
    null_checks,
    penalties,
    signed_rank_tests,
    words,
)
from albench_reports.sections.shared.choices import references
from albench_reports.sections.shared.diagrams import critical_differences, penalty_matrix
from albench_reports.wording import count, p_value, points

_COLUMNS = (
    Column("strategy"),
    Column(
        "difference",
        "Difference, points",
        "+.2f",
        100,
        low="difference_low",
        high="difference_high",
        method="Area under the accuracy curve minus the reference's at the same seed. The 95 % interval holds for all "
        "comparisons with this reference together: mean ± t(1 − .05/2m, N−1) s/√N, m their number (Bonferroni), s the "
        "standard deviation of the strategy's own differences.",
    ),
    Column("verdict", "Claim", method="Leads or trails where that interval does not hold 0: what this report claims."),
    Column(
        "p_simultaneous",
        "p, together",
        "p",
        method="The p of the paired t test times the number of comparisons, at most 1. Below .05 exactly where the "
        "interval does not hold 0.",
    ),
    Column("p_t", "p, alone", "p", method="Two-sided paired t test of that difference, not corrected."),
    Column(
        "p_wilcoxon",
        "p, signed rank",
        "p",
        method="Wilcoxon's signed-rank test, two-sided, exact: all sign flips are counted; zeros keep their ranks "
        "(Pratt). It assumes less than the t test, and with few seeds can find nothing: shown for comparison.",
    ),
    Column(
        "p_holm",
        "p, signed rank, Holm",
        "p",
        method="The signed-rank p corrected by Holm's method for the number of comparisons with this reference on this "
        "setting.",
    ),
    Column(
        "claimable",
        "Claimable, points",
        ".2f",
        100,
        method="The true difference that is called a lead, or a trail, with a power of about .8 given the observed "
        "spread: (t(1 − .05/2m, N−1) + t(.8, N−1)) s/√N.",
    ),
    Column(
        "detectable",
        "Detectable, points",
        ".2f",
        100,
        method="The smallest difference that a paired t test at .05 of this strategy alone finds with a power of about "
        ".8: (t(.975, N−1) + t(.8, N−1)) s/√N.",
    ),
    Column(
        "detectable_power",
        "Power",
        ".2f",
        method="The true power at the detectable difference, by the noncentral t distribution.",
    ),
    Column("n_pairs", "Pairs", method="Seeds that both have finished."),
)


@dataclass(frozen=True)
class Significance(ReportSection):
    """Paired tests against the reference with Holm's correction, penalties, and Friedman's test over settings."""

    title: ClassVar[str] = "Is it real?"
    order: ClassVar[int] = 300

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the tests against every reference, the penalty matrices, the blocks and the null checks."""
        cells = results.areas
        tests = {f"against {name}": signed_rank_tests(cells, "accuracy_area", name) for name in references(results)}
        return {
            **tests,
            "penalties": penalties(results.rounds),
            "blocks": block_table(cells, "accuracy_area") if len(cells) else cells,
            "null": null_checks(cells, "accuracy_area", results.study["strategies"]),
        }

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return the tests as tables, the matrices and the diagram as figures."""
        if len(results.strategies) < 2:
            return Content("One strategy alone cannot be compared; run another one beside it.")
        parts: list[Part] = []
        for setting in results.settings:
            for reference in references(results):
                tests = frames[f"against {reference}"]
                here = tests[(tests["setting"] == setting) & (tests["n_pairs"] > 0)]
                if len(here):
                    when = {"setting": setting, "reference": reference}
                    parts.append(Table(here, f"{setting}: paired tests against {reference}", _COLUMNS, when=when))
        parts += _matrices(frames["penalties"], results)
        parts += _blocks(frames["blocks"])
        parts += [Note(_null_in_words(row)) for row in frames["null"].to_dict("records")]
        asked = [(name, reference) for name in results.settings for reference in references(results)]
        sentences = [
            Note(_in_words(frames[f"against {reference}"], name, reference), {"reference": reference})
            for name, reference in asked
        ]
        warnings: list[str | Note] = [*_failed_null_checks(frames["null"])]
        for name, reference in asked:
            doubts = as_large_as_leads(frames["null"], frames[f"against {reference}"], name, reference)
            warnings += [Note(text, {"reference": reference}) for text in doubts]
        return Content("", parts, warnings, sentences=sentences)


def _in_words(tests: pd.DataFrame, setting: str, reference: str) -> str:
    here = tests[(tests["setting"] == setting) & (tests["n_pairs"] > 0)]
    if here.empty:
        return f"{setting}: nothing is paired with {reference}."
    start = f"{setting}: of {count(len(here), 'comparison')} with {reference}, "
    claims = here[here["verdict"] != ""].sort_values("p_simultaneous", kind="stable")
    if claims.empty:
        return f"{start}none can be told from chance, all together at .05."
    named = [
        f"{row['strategy']} {row['verdict']} ({points(row['difference'])} points, {p_value(row['p_simultaneous'])})"
        for row in claims.to_dict("records")
    ]
    return f"{start}{len(claims)} can be told from chance, all together at .05: {words(named)}."


def _matrices(shares: pd.DataFrame, results: Results) -> list[Part]:
    known = shares.dropna(subset="share")
    figures: list[Part] = [
        penalty_matrix(known[known["setting"] == setting], results.strategies, [setting])
        for setting in results.settings
        if (known["setting"] == setting).any()
    ]
    both = sorted(set(known["setting"]), key=results.settings.index)
    return [*figures, penalty_matrix(known, results.strategies, both)] if len(both) > 1 else figures


def _blocks(table: pd.DataFrame) -> list[Part]:
    test = block_test(table) if len(table) else None
    if test is None:
        return [
            Note(
                f"Friedman's test and its diagram of critical differences need {FEWEST} settings or more that every "
                f"strategy has finished, and here {'is' if len(table) == 1 else 'are'} {len(table)}: settings are its "
                "blocks, seeds are not. The paired tests above are the evidence."
            )
        ]
    said = (
        f"Over {test.n_blocks} settings Friedman's χ² is {test.chi_square:.2f} ({p_value(test.p_friedman)}), Iman and "
        f"Davenport's F {test.f:.2f} ({p_value(test.p_iman_davenport)}); mean ranks closer than "
        f"{test.critical_difference:.2f} cannot be told apart (Nemenyi)."
    )
    return [Note(said), critical_differences(test)]


def _null_in_words(row: Mapping[Any, Any]) -> str:
    return (
        f"{row['setting']}: null check, {row['strategy']} against {row['other']} under other random numbers, where no "
        f"difference is: {p_value(row['p_t'])} from {row['n_pairs']} pairs."
    )


def _failed_null_checks(checks: pd.DataFrame) -> list[str]:
    failed = checks[checks["p_t"] < LEVEL]
    return [
        f"Failed null check: {_null_in_words(row)} One of twenty fails by chance; otherwise the pairing is broken."
        for row in failed.to_dict("records")
    ]


def as_large_as_leads(checks: pd.DataFrame, tests: pd.DataFrame, setting: str, reference: str) -> list[str]:
    """Return a sentence for each null check of a setting whose difference is as large as a claimed lead."""
    leads = tests[(tests["setting"] == setting) & (tests["verdict"] == "leads")]
    said = []
    for row in checks[checks["setting"] == setting].to_dict("records"):
        smaller = leads[leads["difference"] <= abs(row["difference"])]
        if len(smaller):
            named = [f"{one['strategy']} ({points(one['difference'])})" for one in smaller.to_dict("records")]
            said.append(
                f"{setting}: {row['other']} differs from {row['strategy']}, which is the same strategy under other "
                f"random numbers, by {points(row['difference'])} points, as much as what leads {reference}: "
                f"{words(named)}. A lead of that size is what luck alone does."
            )
    return said
