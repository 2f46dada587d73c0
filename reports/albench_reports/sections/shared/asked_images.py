"""The queried images themselves, in the order of the queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from albench import Gallery, Note, Part, Picture, Results, load_split, reason
from albench_reports.pictures import strip
from albench_reports.wording import count

if TYPE_CHECKING:
    from albench import Split

MOST_ROUNDS = 8
MOST_IMAGES = 8


def galleries(results: Results, setting: str, seed: int) -> list[Part]:
    """Return the queried images of a seed, a row a strategy; a note where the data are not there any more."""
    when = {"setting": setting, "seed": str(seed)}
    here = results.rounds[(results.rounds["setting"] == setting) & (results.rounds["seed"] == seed)]
    queries = here[here["round"] > 0]
    if queries.empty:
        return []
    try:
        split = load_split(results, setting, seed)
        if split.images.ndim != 4:
            return [Note(f"The inputs of {setting} are features, which cannot be shown.", when)]
        rows = {
            name: _pictures(queries[queries["strategy"] == name], split, name, seed)
            for name in results.strategies
            if (queries["strategy"] == name).any()
        }
    except Exception as error:  # noqa: BLE001 - without its data the report is still a report
        return [Note(f"The queried images of {setting}, seed {seed}, cannot be shown: {reason(error)}.", when)]
    return [Gallery(rows, f"{setting}, seed {seed}: images in the order in which they were asked for", when)]


def shown_rounds(last: int) -> list[int]:
    """Return the rounds whose images are shown: all of a few, else denser at the beginning."""
    if last <= MOST_ROUNDS:
        return list(range(1, last + 1))
    return sorted({int(number) for number in np.rint(np.geomspace(1, last, MOST_ROUNDS))})


def _pictures(queries: pd.DataFrame, split: Split, strategy: str, seed: int) -> list[Picture]:
    by_round = {int(row["round"]): row for row in queries.to_dict("records")}
    return [_picture(by_round[number], split, strategy, seed) for number in shown_rounds(max(by_round))]


def _picture(query: Mapping[Any, Any], split: Split, strategy: str, seed: int) -> Picture:
    rows = query["query_indices"]
    what, frame = _what(query, split)
    some = rows[:MOST_IMAGES]
    alt = (
        f"{len(some)} of {len(rows)} images that {strategy} asked for in round {query['round']}, seed {seed}: "
        f"{what}{f', a {frame} class' if frame else ''}"
    )
    return strip(split.images[some], alt, f"round {query['round']}: {what}", frame)


def _what(query: Mapping[Any, Any], split: Split) -> tuple[str, str]:
    """Return the class of a query and whether it is known or novel; of several classes, how many of them."""
    if not pd.isna(query["query_class"]):
        rejected = [split.class_names[label] for label in split.rejected]
        if query["query_class"] in rejected:
            return f"{query['query_class']}, which was rejected", ""
        return str(query["query_class"]), "novel" if query["query_is_novel"] else "known"
    n_classes = len(set(split.labels[query["query_indices"]].tolist()))
    n_novel = query.get("n_novel_queried", pd.NA)
    return count(n_classes, "class", "classes") + ("" if pd.isna(n_novel) else f", {n_novel} images of novel ones"), ""
