"""The page of the leaderboard: settings as columns, then each reference with what its seeds can tell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from albench.analysis import line_summary, null_checks, words
from docs.pages import cell

if TYPE_CHECKING:
    from docs.generate_leaderboard import Study

DOCS = Path(__file__).parent
ADAPTED = ("skal-", "baal-")
DIGITS = 12  # of a commit
UNBROKEN = "\N{NO-BREAK SPACE}"

INTRODUCTION = """\
# Leaderboard

What every [reference](references.md) that comes with albench says of its strategies. A column is one setting of one
reference: numbers of different studies are never mixed. This page and the files to download are written by
`python docs/generate_leaderboard.py` from the archives, and a test fails when they are not current.
"""
NOTHING = "\nNo reference is there yet.\n"
LEGEND = """
In each cell:

- **the area** under the curve of accuracy over labelled images, in %: the mean accuracy on the way, mean over seeds;
- the points by which it is above or below {reference} at the same seeds, with an interval that holds for all
  comparisons of the column together with 95 %, and whether that is a lead;
- the group, and the ranks between which a strategy lies. Strategies without a common letter are told apart, all pairs
  tested together by Holm's method; the others are ties.

A column of one seed has neither intervals nor groups, since one seed can tell nothing of chance. How the numbers are
made is in [the report's page](report.md#how-the-numbers-are-made).

Rows stand in the order of the mean place in their columns, which itself claims nothing.
"""


def page(studies: Sequence[Study]) -> str:
    """Return the page of some references."""
    if not studies:
        return INTRODUCTION + NOTHING
    reference = words(list(dict.fromkeys(f"`{study.results.reference}`" for study in studies)))
    parts = [INTRODUCTION, _matrix(studies), LEGEND.format(reference=reference), *map(_section, studies)]
    return "\n".join(parts)


def _matrix(studies: Sequence[Study]) -> str:
    """Return the table of all: a row a strategy, a column a setting of a reference."""
    columns = [(study, setting) for study in studies for setting in study.results.settings]
    boards = [study.board[study.board["setting"] == setting].set_index("strategy") for study, setting in columns]
    heads = [
        f"[{study.name}](#{study.name})<br>{_code(setting)}<br>{_seeds(board)}"
        for (study, setting), board in zip(columns, boards, strict=True)
    ]
    finished = [board[board["n_seeds"] > 0] for board in boards]
    places = pd.concat([board["accuracy_area"].rank(ascending=False, pct=True) for board in finished], axis=1)
    rows = [
        [_strategy(name), *("" if name not in board.index else _cell(board.loc[name]) for board in boards)]
        for name in [*places.mean(axis=1).sort_values(kind="stable").index, *_without_results(boards)]
    ]
    return _table(["strategy", *heads], rows)


def _without_results(boards: Sequence[pd.DataFrame]) -> list[str]:
    """Return the strategies that no column has a finished cell of."""
    finished = {name for board in boards for name in board.index[board["n_seeds"] > 0]}
    return list(dict.fromkeys(name for board in boards for name in board.index if name not in finished))


def _cell(row: pd.Series[Any]) -> str:
    if not row["n_seeds"]:
        return cell(row["reason"])
    lines = [f"**{_percent(row['accuracy_area'])}**", _difference(row), _group(row)]
    return "<br>".join(line for line in lines if line)


def _section(study: Study) -> str:
    """Return what one reference says, setting by setting."""
    results = study.results
    parts = [f"## {study.name}\n", " ".join(_facts(study)) + "\n", "\n".join(_downloads(study)) + "\n"]
    for setting in results.settings:
        board = study.board[study.board["setting"] == setting]
        title = f"### {study.name}: {_code(setting)}\n"
        parts += [title, " ".join(_told(study, setting, board)) + "\n", _details(board, results.reference)]
    return "\n".join(parts)


def _facts(study: Study) -> Iterator[str]:
    """Yield what was computed, where and with what, in sentences."""
    cells, made = study.results.cells, study.results.provenance
    is_done = cells["status"] == "done"
    seeds = sorted(int(seed) for seed in cells.loc[is_done, "seed"].unique())
    yield f"{is_done.sum()} of {len(cells)} cells are done, of {_numbered(len(seeds), 'seed')} ({words(seeds)})."
    days = sorted(str(one["end"])[:10] for one in made if one.get("end"))
    on = sorted(
        {str(one["cpu"]) for one in made if one.get("cpu")} | {str(one["gpu"]) for one in made if one.get("gpu")}
    )
    versions = [
        f"{name} {words(sorted(found))}"
        for name in ("torch", "numpy", "albench")
        if (found := {str(one["versions"][name]) for one in made if name in one.get("versions", {})})
    ]
    commits = sorted({str(one["git"]["commit"])[:DIGITS] for one in made if one.get("git")})
    said = [f"until {days[-1]}"] if days else []
    said += [f"on {words(on)}"] if on else []
    said += [f"with {words(versions)}"] if versions else []
    said += [f"at commit {words(commits)}"] if commits else []
    if said:
        yield f"Computed {' '.join(said)}."


def _downloads(study: Study) -> Iterator[str]:
    """Yield what there is to download, and how to have the whole report."""
    name = study.name
    inside = DOCS.parent / "references" / "albench_references" / name / f"{name}.zip"
    if study.archive.resolve() == inside.resolve():
        link = f"../references/albench_references/{name}/{name}.zip"
        yield f"- [{name}.zip]({link}): the archive, every round of every cell;"
        yield f"  `albench report {name}.zip -o {name}.html` makes the report of it, with the curves"
    yield f"- [{name}.csv](leaderboard/{name}.csv): what each seed of each strategy comes to, a row a cell"


def _told(study: Study, setting: str, board: pd.DataFrame) -> Iterator[str]:
    """Yield what the seeds of a setting can tell, and what is missing."""
    results = study.results
    rounds = study.results.rounds
    own = rounds[rounds["setting"] == setting]
    last = own.groupby(["strategy", "seed"])["round"].max().min()
    budget = own.loc[own["round"].isin([0, last]), "n_labeled"]
    label = results.study["settings"][setting]
    parts = " / ".join(_code(label[part]["label"]) for part in ("scenario", "protocol", "learner", "network"))
    yield f"{parts}: {_numbered(int(last), 'round')}, from {budget.min():,} to {budget.max():,} labels."
    others = board[(board["strategy"] != results.reference) & (board["n_pairs"].fillna(0) > 0)]
    if len(others) and others["n_pairs"].max() == 1:
        yield "**One seed tells nothing of chance: no difference in this table is a claim.**"
    elif (others["claimable"] > 0).any():
        least, most = others.loc[others["claimable"] > 0, "claimable"].clip(upper=1).agg(["min", "max"])
        yield (
            f"With {_pairs(others)} a true difference of {_span(least, most)} points, by strategy, "
            "is called a lead with a power of about .8; smaller ones are mostly missed."
        )
    for row in others[others["missing_pairs"] > 0].to_dict("records"):
        yield f"{_code(row['strategy'])} has no pair with {_code(results.reference)} at seed {row['missing_seeds']}."
    areas = results.areas[results.areas["setting"] == setting]
    for row in null_checks(areas, "accuracy_area", results.study["strategies"]).to_dict("records"):
        if row["n_pairs"]:
            yield (
                f"{_code(row['other'])} is {_code(row['strategy'])} with other draws, and came out "
                f"{100 * abs(row['difference']):.1f} points from it."
            )
    lines = results.lines
    if lines is not None:
        for row in line_summary(lines[lines["setting"] == setting]).to_dict("records"):
            yield (
                f"{_code(row['strategy'])} may see {row['permission']} and is not ranked: "
                f"{_percent(row['accuracy_final'])} % at its end."
            )


def _details(board: pd.DataFrame, reference: str) -> str:
    """Return the table of one setting, a row a strategy."""
    heads = ["strategy", "seeds", "area, %", f"against {_code(reference)}, points", "wins, ties, losses"]
    heads += ["group", "ranks", "last accuracy, %", "classes", "seconds a query"]
    return _table(heads, [_detail(row) for _, row in board.iterrows()])


def _detail(row: pd.Series[Any]) -> list[str]:
    start = [_strategy(row["strategy"]), str(row["n_seeds"])]
    if not row["n_seeds"]:
        return [*start, cell(row["reason"]), *[""] * 7]
    paired = not pd.isna(row["wins"])
    return [
        *start,
        _unbroken(_percent(row["accuracy_area"]) + _interval(row, "accuracy_area", "")),
        _difference(row),
        f"{row['wins']}, {row['ties']}, {row['losses']}" if paired else "",
        row["group"] if _tells(row) else "",
        _ranks(row) if _tells(row) else "",
        _percent(row["accuracy_final"]),
        f"{row['classes_area']:.1f}",
        f"{row['query_seconds']:.3g}",
    ]


def _difference(row: Mapping[Any, Any] | pd.Series[Any]) -> str:
    if math.isnan(row["accuracy_difference"]):
        return ""
    text = f"{100 * row['accuracy_difference']:+.1f}{_interval(row, 'accuracy_difference', '+')}"
    return _unbroken(f"{text} **{row['verdict']}**" if row["verdict"] else text)


def _interval(row: Mapping[Any, Any] | pd.Series[Any], column: str, sign: str) -> str:
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    return "" if math.isnan(low) else f" [{100 * low:{sign}.1f}, {100 * high:{sign}.1f}]"


def _unbroken(text: str) -> str:
    """Return a text that stays in one line."""
    return text.replace(" ", UNBROKEN)


def _group(row: pd.Series[Any]) -> str:
    return _unbroken(f"{row['group']}, {_ranks(row)}") if _tells(row) else ""


def _tells(row: pd.Series[Any]) -> bool:
    """Return whether groups and ranks mean something: one seed tells no two strategies apart."""
    return bool(row["n_seeds"] > 1)


def _ranks(row: pd.Series[Any]) -> str:
    low, high = row["rank_low"], row["rank_high"]
    return str(low) if low == high else f"{low} to {high}"


def _seeds(board: pd.DataFrame) -> str:
    counts = board.loc[board["n_seeds"] > 0, "n_seeds"]
    least, most = int(counts.min()), int(counts.max())
    if most == 1:
        return "1 seed: no claims"
    return _numbered(most, "seed") if least == most else f"{least} to {most} seeds"


def _pairs(others: pd.DataFrame) -> str:
    least, most = int(others["n_pairs"].min()), int(others["n_pairs"].max())
    return _numbered(most, "pair") if least == most else f"{least} to {most} pairs"


def _span(least: float, most: float) -> str:
    low, high = f"{100 * least:.1f}", f"{100 * most:.1f}"
    return low if low == high else f"{low} to {high}"


def _numbered(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _strategy(label: str) -> str:
    """Return a strategy's label, with a link to its page where it has one."""
    name = label.partition("[")[0]
    page = "adapters" if name.startswith(ADAPTED) else name
    return f"[{_code(label)}](strategies/{page}.md)" if (DOCS / "strategies" / f"{page}.md").exists() else _code(label)


def _code(label: str) -> str:
    return f"`{cell(label)}`"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruled = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled) + "\n"
