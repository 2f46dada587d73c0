"""`albench export`: what a store holds as one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.errors import RequestError, StoreError, reason
from albench.store.files import replacing
from albench.store.joining import write_store
from albench.store.reader import StoreReader
from albench.store.results import rounds_of

if TYPE_CHECKING:
    import pandas as pd


def export(store: StoreReader, path: Path, weights: bool) -> None:
    """Write a store as an archive or as a frame, as the suffix of the path says; RequestError for another."""
    if path.suffix == ".zip":
        write_store(store, path, weights)
        return
    if path.suffix not in FRAMES or weights:
        wrong = (
            "weights go into an archive alone" if weights else f"{path.suffix or 'no suffix'} says nothing of its form"
        )
        raise RequestError(f"{path}: {wrong}; write to a name that ends in .zip, {' or '.join(FRAMES)}")
    frame = _flat(rounds_of(store))
    try:
        with replacing(path) as temporary:
            FRAMES[path.suffix](frame, temporary)
    except (ValueError, TypeError) as error:  # of pyarrow, for columns of protocols that mix kinds of values
        raise StoreError(f"{store.source.path} has a column that {path} cannot hold ({reason(error)})") from None


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rounds with lists and mappings as JSON, which every reader of tables takes."""
    import pandas as pd

    indices = [None if value is None else json.dumps(value.tolist()) for value in frame["query_indices"]]
    files = [None if value is None else json.dumps(value) for value in frame["query_files"]]
    flat = {"query_indices": indices, "query_files": files, "notes": [json.dumps(value) for value in frame["notes"]]}
    return frame.assign(**{name: pd.Series(values, index=frame.index, dtype="object") for name, values in flat.items()})


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


FRAMES: Mapping[str, Callable[[Any, Path], None]] = {".parquet": _parquet, ".csv": _csv}
