"""Writes docs/datasets: a page for each scenario from its class, and a table of all.

python docs/generate_datasets.py            write the pages
python docs/generate_datasets.py --check    exit 1 when one is not current
"""

from __future__ import annotations

import sys
from pathlib import Path

from albench.plugins import parameters
from albench.plugins.entries import Entry
from albench.plugins.host import host

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from docs import pages as written  # noqa: E402 - the checkout need not be installed

FOLDER = ROOT / "docs" / "datasets"

INTRODUCTION = """\
# Data sets

Each is a scenario, a class under `datasets/albench_datasets/`; `albench show NAME` prints what these pages say, and
`albench doctor` which of them the folder of data holds. They are written by `python docs/generate_datasets.py` from the
classes, and a test fails when they are not current.

A data set is decoded once, into the cache. What counts is what it holds: its rows are put in an order that depends on
their content alone, and neither its layout nor its folder enters a result. Name classes and counts in brackets, as in
`--scenarios "cifar10[known=10,novel=0,initial_per_class=5,pool_per_class=all,test_per_class=all]"`; the variants
`imbalance`, `label_noise`, `duplicates` and `rejected` are described in [protocol.md](../protocol.md#data).

| name | what | read from |
|---|---|---|
"""


def entries() -> list[Entry]:
    """Return the first-party scenarios in the order in which their package lists them."""
    found = {e.name: e for e in host().all_entries(["scenarios"]) if e.plugin.name == "albench_datasets"}
    from albench_datasets import albench_scenarios

    return [found[name] for name in albench_scenarios()]


def index() -> str:
    """Return the page that lists all data sets."""
    lines = []
    for entry in entries():
        cls = host().component_class("scenarios", entry.name)
        fields = parameters.fields(cls)
        where = "`path`" if "path" in fields else "`--data`" if getattr(cls, "reads_data", True) else "scikit-learn"
        lines.append(
            f"| [`{entry.name}`]({entry.name}.md) | {written.cell(parameters.one_line_summary(cls))} | {where} |"
        )
    return INTRODUCTION + "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Return what every page should hold."""
    return {
        FOLDER / "README.md": index(),
        **{FOLDER / f"{entry.name}.md": written.component_page(entry) for entry in entries()},
    }


def stale() -> list[str]:
    """Return the names of the pages that are not current."""
    return written.stale(pages(), FOLDER)


def main() -> None:
    """Write the pages, or check them."""
    written.write_or_check(pages(), FOLDER)


if __name__ == "__main__":
    main()
