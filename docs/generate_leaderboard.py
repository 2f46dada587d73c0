"""Writes docs/leaderboard.md from all references, and beside it what each of their cells comes to, as CSV.

python docs/generate_leaderboard.py            write them
python docs/generate_leaderboard.py --check    exit 1 when one is not current
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from albench.analysis import areas, comparable, differences, leaderboard
from albench.contracts.report import Results
from albench.references.shelf import shelf
from albench.store.results import collect

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from docs import leaderboard_page  # noqa: E402 - the checkout need not be installed

PAGE = ROOT / "docs" / "leaderboard.md"
DOWNLOADS = ROOT / "docs" / "leaderboard"


@dataclass(frozen=True)
class Study:
    """A reference: what it holds, and what its seeds can tell."""

    name: str
    archive: Path
    results: Results

    @cached_property
    def board(self) -> pd.DataFrame:
        """One row a (setting, strategy), best first; see `albench.analysis.leaderboard`."""
        lines, cells = self.results.lines, self.results.cells
        competing = cells if lines is None else cells[~cells["strategy"].isin(lines["strategy"])]
        return leaderboard(self.results.rounds, self.results.reference, competing)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row a cell, over the rounds that all cells of its setting have; accuracies are shares."""
        rounds = comparable(self.results.rounds)
        last = rounds.groupby(["setting", "strategy", "seed"])[["round", "n_labeled"]].max().reset_index()
        frame = areas(rounds).merge(last.rename(columns={"round": "rounds"}), on=["setting", "strategy", "seed"])
        apart = differences(frame, "accuracy_area", self.results.reference).drop(columns="scale")
        frame = frame.merge(apart, on=["setting", "strategy", "seed"], how="left")
        column = f"accuracy_area_minus_{self.results.reference}"
        labels = {short: one["label"] for short, one in self.results.study["settings"].items()}
        frame = frame.rename(columns={"difference": column}).assign(setting=frame["setting"].map(labels))
        order = ["setting", "strategy", "seed", "rounds", "n_labeled", "accuracy_area", column, "accuracy_final"]
        return frame[[*order, "classes_area", "query_seconds"]]


def studies(archives: Mapping[str, Path]) -> list[Study]:
    """Return the references in archives, or in stores, by name."""
    return [Study(name, path, collect(path)) for name, path in sorted(archives.items())]


def due(archives: Mapping[str, Path] | None = None) -> dict[Path, str]:
    """Return what the page and the files beside it should hold; of the references that are installed by default."""
    found = studies(shelf() if archives is None else archives)
    files = {DOWNLOADS / f"{one.name}.csv": one.cells.to_csv(index=False, float_format="%.6f") for one in found}
    return {PAGE: leaderboard_page.page(found), **files}


def stale(archives: Mapping[str, Path] | None = None) -> list[str]:
    """Return the names of the files that are not current, or of no reference."""
    asked = due(archives)
    wrong = [path for path, text in asked.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    return sorted(path.name for path in [*wrong, *(set(DOWNLOADS.glob("*")) - set(asked))])


def main() -> None:
    """Write the files, or check them."""
    if sys.argv[1:] == ["--check"]:
        wrong = stale()
        sys.exit(f"not current: {', '.join(wrong)}; run python docs/generate_leaderboard.py" if wrong else 0)
    DOWNLOADS.mkdir(exist_ok=True)
    for path in DOWNLOADS.glob("*"):
        path.unlink()
    for path, text in due().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
