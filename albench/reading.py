"""What is done with results that are there: loaded, reported, exported, joined."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from albench.datadir import data_settings
from albench.errors import RequestError, WriteError
from albench.errors import reason as why
from albench.plugins.host import host
from albench.plugins.parameters import parse, write
from albench.references.shelf import find_all
from albench.store.store import open_store

if TYPE_CHECKING:
    import pandas as pd

PICTURES = (".pdf", ".svg", ".png")


def load(store: str | Path, unfinished: bool = False) -> pd.DataFrame:
    """Return the results of a store or an archive, one row a round; see `albench.store.results.load`."""
    from albench.store import results

    return results.load(store, unfinished)


def export(store: str | Path, path: str | Path, *, weights: bool = False) -> Path:
    """Write what a store or an archive holds as one file and return its path; its suffix says as what.

    ``.zip`` is an archive (`weights` adds checkpoints and initial networks), ``.parquet`` and ``.csv`` are the rounds
    that `load` returns, lists and mappings as JSON. Raises RequestError for another suffix, StoreError for no store.
    """
    from albench.store.exporting import export as write

    target = Path(path)
    try:
        write(open_store(store), target, weights)
    except (OSError, WriteError) as error:
        raise RequestError(f"{target} cannot be written ({why(error)}); give another with --output") from None
    return target


def merge(stores: str | Path | Sequence[str | Path], path: str | Path) -> Path:
    """Join stores and archives into a folder, or (``.zip``) an archive, and return its path.

    What is there already is one of them. The order of the stores means nothing. Raises StoreError, which names both,
    for stores that cannot be joined; see `albench.store.joining.merge`.
    """
    from albench.store.joining import merge as join

    several = [stores] if isinstance(stores, (str, Path)) else list(stores)
    target = Path(path)
    try:
        join(several, target)
    except (OSError, WriteError) as error:
        raise RequestError(f"{target} cannot be written ({why(error)}); give another with --output") from None
    return target


def report(
    stores: str | Path | Sequence[str | Path],
    path: str | Path | None = None,
    *,
    format: str = "html",  # noqa: A002 - the option's word
    reference: str | None = None,
    benchmarks: str | Path | None = None,
    data: str | Path | None = None,
    with_reference: str | Path | Sequence[str | Path] = (),
) -> Path:
    """Write the report of one or several stores and return its path; without one it goes into the store.

    What references hold (`with_reference`: names, archives or stores) stands beside it.

    `reference` is the strategy that others are compared with, `data` the folder of data sets for the queried images.
    Raises RequestError for an unknown format, StoreError for stores that cannot be merged.
    """
    host().entry("report-formats", format.partition("[")[0])
    with data_settings(data, offline=True):  # a report never downloads
        beside = [one.path for one in find_all(with_reference)]
        written = write_report(stores, path, format, reference, benchmarks, beside)
    assert written is not None
    return written


def figures(
    stores: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    format: str | Sequence[str] = "pdf",  # noqa: A002 - the option's word
    figures: str | Sequence[str] | None = None,
    width: str = "one",
    strategies: str | Sequence[str] | None = None,
    target: float | None = None,
    reference: str | None = None,
) -> Path:
    """Write figures for a paper from one or several stores into a folder and return it.

    `format` is pdf, svg, png or several, `figures` which ones (None: all), `width` "one" or "two" columns, `strategies`
    which of them beside the reference (None: all), `target` the accuracy that labels are counted to. They are drawn by
    the report format "figures". Raises RequestError, as for a figure that there is not or without matplotlib.
    """
    chosen = {"format": format, "figures": figures, "width": width, "strategies": strategies, "target": target}
    given = {
        name: value if isinstance(value, (str, float, int)) else ",".join(value)
        for name, value in chosen.items()
        if value is not None
    }
    host().entry("report-formats", "figures")
    written = write_report(stores, folder, write("figures", given), reference)
    assert written is not None
    return written


def write_report(
    stores: str | Path | Sequence[str | Path],
    path: str | Path | None = None,
    format_name: str = "html",
    reference: str | None = None,
    benchmarks: str | Path | None = None,
    beside: Sequence[Path] = (),
) -> Path | None:
    """Write the report of one or several stores; None when no plugin offers it, which a warning of the host explains.

    `reference` is the strategy that others are compared with, `benchmarks` a JSON file of pytest-benchmark to show,
    `beside` further stores to show. Without a path the report goes into the store. Raises StoreError for stores that
    cannot be merged.
    """
    from albench.store.results import collect

    if format_name == "html" and "html" not in host().names("report-formats"):
        return None
    several = [stores] if isinstance(stores, (str, Path)) else list(stores)
    if path is None and len(several) > 1:
        raise RequestError("several stores have no common folder; say where the report goes with --output")
    writer = host().configure("report-formats", format_name)
    if path is not None:
        _refuse_suffix(Path(path), parse(format_name)[0], writer.suffix)
    results = collect(*several, *beside, reference=reference, benchmarks=benchmarks)
    target = Path(path) if path is not None else _beside(Path(several[0]), writer.suffix)
    try:
        written: Path = writer.write(results, target)
    except (OSError, WriteError) as error:
        raise RequestError(f"the report cannot be written to {target} ({error}); give another with --output") from None
    return written


def _beside(store: Path, suffix: str) -> Path:
    """Return where the report of a store goes: into its folder, or beside its archive."""
    return store.with_suffix(suffix) if store.is_file() else store / f"report{suffix}"


def _refuse_suffix(target: Path, name: str, own: str) -> None:
    """Raise RequestError for a path with the suffix of another format than the one `name`, whose suffix is `own`."""
    suffix = target.suffix.lower()
    if suffix == own:
        return
    instead = dict.fromkeys(PICTURES, "draw with albench figures")
    for other in host().names("report-formats"):
        with suppress(RequestError):  # a format that is broken is nobody's choice
            found = host().component_class("report-formats", other)
            instead.setdefault(getattr(found, "suffix", ""), f"ask for --format {other}")
    if suffix and suffix in instead:
        takes = f"writes {own} files" if own else "writes a folder"
        raise RequestError(
            f"{target} ends in {suffix}, and the format {name} {takes}; name one with --output, or {instead[suffix]}"
        )
