"""Writes docs/paper.md, "The paper, reproduced", and its figures from the reference `paper`.

python docs/generate_paper.py            write the page and docs/paper
python docs/generate_paper.py --check    exit 1 when the page is not current
"""

from __future__ import annotations

import hashlib
import math
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import albench  # noqa: E402 - the checkout need not be installed
from albench.analysis import leaderboard  # noqa: E402
from docs.paper_claims import CONTROL, STRATEGIES, Claim, claims, common_seeds  # noqa: E402

REFERENCE = ROOT / "references" / "albench_references" / "paper" / "paper.zip"
PAGE, FIGURES = ROOT / "docs" / "paper.md", ROOT / "docs" / "paper"
ROUNDS = 10
FEWEST = 5  # seeds of a result

INTRODUCTION = """\
# The paper, reproduced

Kaeding, Rodner, Freytag and Denzler (2016, "Active and Continuous Exploration with Deep Neural Networks and Expected
Model Output Changes") show their result as one figure of curves, means over 9 initializations, without a table or
intervals. Here is that experiment again on real CIFAR-100, the first {rounds} updates of it, with paired seeds.
[protocol.md](protocol.md) pins down what the paper leaves open. Numbers, verdicts and figures are made from the
[reference](references.md) `paper` by `python docs/generate_paper.py`; a test fails when this page is not current.

"""
SENTENCES = """\
## What the paper says, sentence by sentence

Differences are of the area under a curve, which is its mean height over labelled images, paired by seed, with 95 %
intervals; those against `random` and those of `emoc` hold together (Bonferroni over four). A sentence *holds* where
all its intervals lie on the side that it says, *fails* where one lies wholly on the other, and else these seeds *cannot
tell*. The limits of "almost equal" (1 point) and of "almost all" (nine updates in ten) are ours, and were set when one
seed was finished.

| what the paper says | what our seeds say | verdict |
|---|---|---|
"""


def page(reference: Path = REFERENCE) -> str:
    """Return the page."""
    rounds = albench.load(reference)
    ours = rounds[rounds["strategy"].isin([*STRATEGIES, CONTROL])]
    seeds = common_seeds(ours)
    found = claims(ours[ours["seed"].isin(seeds)])
    return "".join(
        [
            INTRODUCTION.format(rounds=ROUNDS),
            _what_there_is(ours, seeds),
            _figure(reference),
            _board(ours[ours["seed"].isin(seeds)]),
            SENTENCES,
            *(_row(one) for one in found),
            _exact(rounds),
            _cost(ours),
        ]
    )


def _what_there_is(rounds: pd.DataFrame, seeds: list[int]) -> str:
    few = ""
    if len(seeds) < FEWEST:
        few = (
            f" **{len(seeds)} of 9 seeds {'is' if len(seeds) == 1 else 'are'} finished so far: what follows is what "
            "they say, and not yet the result.**"
        )
    named = ", ".join(map(str, seeds))
    return (
        f"Compared are `{'`, `'.join(STRATEGIES)}`, and `{CONTROL}`, a second random draw, as a control: six "
        f"strategies, at the seed{'s' if len(seeds) != 1 else ''} that all of them have finished ({named}), "
        f"{len(rounds)} rows in all.{few}\n\n"
    )


def _figure(reference: Path) -> str:
    digest = hashlib.sha256(reference.read_bytes()).hexdigest()
    return (
        "## Figure 1\n\n"
        "![Accuracy and known classes over labelled images](paper/curves-cifar100.svg)\n\n"
        f"Drawn from the archive with SHA-256 `{digest[:16]}`; `albench figures` draws it for print.\n\n"
    )


def _board(rounds: pd.DataFrame) -> str:
    frame = leaderboard(rounds, "random")
    head = "| strategy | group | mean accuracy, % | against random, points | mean known classes | at the end, % |\n"
    lines = [
        f"| `{row.strategy}` | {row.group} | {100 * row.accuracy_area:.1f} | "
        f"{_points(row.accuracy_difference, row.accuracy_difference_low, row.accuracy_difference_high)} | "
        f"{row.classes_area:.1f} | {100 * row.accuracy_final:.1f} |\n"
        for row in frame.itertuples()
    ]
    return (
        f"{head}|---|---|---|---|---|---|\n{''.join(lines)}\n"
        "Strategies without a common letter are told apart by their paired differences.\n\n"
    )


def _points(mean: float, low: float, high: float) -> str:
    if math.isnan(mean):
        return "-"
    return f"{100 * mean:+.2f}" + ("" if math.isnan(low) else f" ({100 * low:+.2f} to {100 * high:+.2f})")


def _row(claim: Claim) -> str:
    return f"| {claim.says} | {claim.found} | **{claim.verdict}** |\n"


def _exact(rounds: pd.DataFrame) -> str:
    head = "\n## Exact scores beside the tolerance\n\n"
    exact = rounds[rounds["strategy"] == "emoc[tolerance=0]"]
    if exact.empty:
        return f"{head}EMOC with `tolerance=0` on one seed is not finished yet.\n"
    both = exact.merge(rounds[rounds["strategy"] == "emoc"], on=["seed", "round"])
    asked = both[both["round"] > 0]
    same = [sorted(a) == sorted(b) for a, b in zip(asked["query_indices_x"], asked["query_indices_y"], strict=True)]
    until = same.index(False) if False in same else len(same)
    return (
        f"{head}On seed {both['seed'].iloc[0]}, exact scores ask for the same set in {sum(same)} of {len(same)} "
        f"rounds, the first {until} among them; from the first other set on, the two runs have other pools.\n"
    )


def _cost(rounds: pd.DataFrame) -> str:
    lines = [
        f"| `{name}` | {own['query_seconds'].sum() / cells:,.0f} | {own['train_seconds'].sum() / cells:,.0f} | "
        f"{own['peak_memory_bytes'].max() / 1e9:.1f} |\n"
        for name, own in rounds.groupby("strategy", sort=False)
        if (cells := own["seed"].nunique())
    ]
    hours = (rounds["query_seconds"].sum() + rounds["train_seconds"].sum()) / 3600
    return (
        "\n## What it cost\n\n"
        "| strategy | queries, s a cell | training, s a cell | peak memory of a query, GB |\n|---|---|---|---|\n"
        f"{''.join(lines)}\n"
        f"{hours:.1f} hours in all by the clock, one thread a cell, on a processor that other work shared: what it "
        "costs on a quiet one is in [performance.md](performance.md). The commands, processors, versions and commits "
        "stand in `albench reference show paper`.\n"
    )


def stale() -> bool:
    """Return whether the page is missing or outdated."""
    return not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page()


def main() -> None:
    """Write the page with its figures, or check it."""
    if sys.argv[1:] == ["--check"]:
        if stale():
            sys.exit("docs/paper.md is not current; run python docs/generate_paper.py")
        return
    PAGE.write_text(page(), encoding="utf-8")
    albench.figures(REFERENCE, FIGURES, format="svg", figures="curves", width="two", strategies=",".join(STRATEGIES))


if __name__ == "__main__":
    main()
