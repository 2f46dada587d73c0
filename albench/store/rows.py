"""The columns of results: what a row holds, its types, and which of it varies from run to run. Their one home.

And how rows are stored: a sealed line each (see `sealed`), which names its cell and the attempt that wrote the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from albench.errors import DamageError, RequestError, shown
from albench.store.sealed import seal, unseal

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a row, and of the frame that `albench.load` returns."""

    name: str
    dtype: str  # as pandas names it
    varies: bool = False  # from run to run of the same cell


NAMES = (  # of the cell: a frame has them, a stored row does not repeat them all
    Column("setting", "str"),
    Column("scenario", "str"),
    Column("protocol", "str"),
    Column("learner", "str"),
    Column("network", "str"),
    Column("strategy", "str"),
    Column("seed", "int64"),
)
STATE = (  # of every round
    Column("round", "int64"),
    Column("n_labeled", "int64"),
    Column("n_rejected", "Int64"),  # null in rows of before there were rejected classes
    Column("accuracy", "float64"),
    Column("accuracy_known", "float64"),
    Column("accuracy_novel", "float64"),
    Column("n_classes", "int64"),
    Column("n_novel_found", "int64"),
)
QUERY = (  # null where a protocol has none, and in round 0
    Column("query_class", "object"),
    Column("query_is_novel", "boolean"),
    Column("query_label", "Int64"),
)
COST = (
    Column("query_seconds", "float64", varies=True),
    Column("train_seconds", "float64", varies=True),
    Column("eval_seconds", "float64", varies=True),
    Column("peak_memory_bytes", "Int64", varies=True),
)
LISTS = (
    Column("query_indices", "object"),
    Column("query_files", "object", varies=True),  # null where a scenario names none; files may be renamed
    Column("notes", "object", varies=True),  # strategies may note times
)
STORED = (  # of a line on disk: a frame has neither
    Column("cell", "str"),  # the beginning of its key
    Column("attempt", "str", varies=True),  # the lease under which the whole file was written
)
COLUMNS = (*NAMES, *STATE, *QUERY, *COST, *LISTS)
_LABELS = tuple(column for column in NAMES if column.name != "seed")
_ALWAYS = [  # in every row, whatever version wrote it
    column.name for column in (*STATE, *QUERY, *COST, *LISTS) if column.name not in ("n_rejected", "query_files")
]
_AT_ONCE = 20_000  # rows that are turned into columns together
VARYING = frozenset(column.name for column in (*COLUMNS, *STORED) if column.varies)
KEY = 16  # characters of a cell's key that a line repeats
OF_PROTOCOLS = ("Int64", "float64", "boolean", "object")  # types that a protocol's columns may have

NO_QUERY: Row = {column.name: None for column in (*QUERY, *COST[:1], *COST[3:], *LISTS)} | {"notes": {}}


def check_columns(columns: Mapping[str, str], others: Mapping[str, str] | None = None) -> None:
    """Raise RequestError for columns of a protocol that have another's name, or a type that no frame can hold.

    `others` are columns of protocols that results stand beside: of one name they must have one type.
    """
    own = {**{column.name: column.dtype for column in QUERY}, **(others or {})}
    taken = {column.name for column in (*COLUMNS, *STORED)} | set(others or {})
    for name, dtype in columns.items():
        if own.get(name) != dtype and (name in taken or dtype not in OF_PROTOCOLS):
            raise RequestError(
                f"a protocol's column {shown(name)} of type {shown(dtype)} has the name of another, or a type that is "
                f"none of {', '.join(OF_PROTOCOLS)}; change it in the protocol's class"
            )


def write_rows(rows: Iterable[Mapping[str, Any]], key: str, attempt: str) -> bytes:
    """Return the rows of a cell as they are stored, all of one attempt."""
    return b"".join(seal({**row, "cell": key[:KEY], "attempt": attempt}) for row in rows)


def read_rows(data: bytes, key: str) -> list[Row]:
    """Return the rows that `write_rows` was given; DamageError where they are not those of this cell, whole.

    Their numbers run from 0, each once, and all are of one attempt.
    """
    rows: list[Row] = []
    attempts = set()
    for number, line in enumerate(data.splitlines(keepends=True)):
        try:
            row = unseal(line)
        except DamageError as error:
            raise DamageError(f"line {number + 1}: {error}") from None
        if row.pop("cell", None) != key[:KEY]:
            raise DamageError(f"line {number + 1} is another cell's")
        attempts.add(str(row.pop("attempt", None)))
        if row.get("round") != number or len(attempts) > 1:
            raise DamageError(f"line {number + 1} is not round {number} of one attempt")
        rows.append(row)
    return rows


def wrong_value(rows: Sequence[Mapping[str, Any]], of_protocol: Mapping[str, str]) -> str:
    """Return in words which value is none that its column can hold, "" where there is none."""
    types = {**of_protocol, **{column.name: column.dtype for column in COLUMNS}}
    known = {name: _OWN.get(name) or _FITS.get(dtype, _is_nothing) for name, dtype in types.items()}
    for number, row in enumerate(rows):
        for name, value in row.items():
            fits = known.get(name)  # else it is a column of nobody here
            if fits is not None and not fits(value):
                return f"line {number + 1}: {name} is {shown(value)}"
    return ""


def missing_value(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return in words which value is absent that every row has, "" where none is."""
    for number, row in enumerate(rows):
        if absent := [name for name in _ALWAYS if name not in row]:
            return f"line {number + 1}: there is no {absent[0]}"
    return ""


def _is_finite(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _is_integer(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _are_integers(value: Any) -> bool:
    if type(value) is not list or not set(map(type, value)) <= {int}:
        return False
    return not value or (min(value) >= -(2**63) and max(value) < 2**63)


def _is_nothing(_: Any) -> bool:
    return False


_FITS: Mapping[str, Callable[[Any], bool]] = {  # what a column of a type may hold
    "str": lambda value: isinstance(value, str),
    "int64": _is_integer,
    "Int64": lambda value: value is None or _is_integer(value),
    "float64": lambda value: value is None or _is_finite(value),
    "boolean": lambda value: value is None or type(value) is bool,
    "object": lambda _: True,  # of protocols
}
_OWN: Mapping[str, Callable[[Any], bool]] = {
    "query_class": lambda value: value is None or isinstance(value, str),
    "query_indices": lambda value: value is None or _are_integers(value),
    "query_files": lambda value: value is None or (isinstance(value, list) and all(type(one) is str for one in value)),
    "notes": lambda value: value is None or isinstance(value, dict),
}


def lasting(row: Mapping[str, Any]) -> Row:
    """Return of a row what does not vary from run to run."""
    return {name: value for name, value in row.items() if name not in VARYING}


def as_frame(
    cells: Iterable[tuple[Mapping[str, Any], Sequence[Row]]], of_protocols: Sequence[Mapping[str, str]] = ()
) -> pd.DataFrame:
    """Return recorded rounds as a frame of the known columns and of those that protocols add, null where there is none.

    Each cell comes with its name, which wins over what its rows say. Cells are turned into columns some at a time, so
    that never all rows are held. `query_indices` are int64 arrays.
    """
    import numpy as np
    import pandas as pd

    types = {column.name: column.dtype for column in COLUMNS[len(NAMES) :]}
    added = {name: dtype for columns in of_protocols for name, dtype in columns.items() if name not in types}
    state = list(types)[: -len((*COST, *LISTS))]
    order = [*state, *added, *(name for name in types if name not in state)]
    types = {name: (types | added)[name] for name in order}
    labels: dict[tuple[str, ...], int] = {}  # what names a cell but its seed -> its place among these
    places, seeds, counts = list[int](), list[int](), list[int]()
    pieces, waiting = list[pd.DataFrame](), list[Row]()
    for name, rows in cells:
        places.append(labels.setdefault(tuple(name[one.name] for one in _LABELS), len(labels)))
        seeds.append(name["seed"])
        counts.append(len(rows))
        waiting += rows
        if len(waiting) >= _AT_ONCE:
            pieces.append(_piece(waiting, types))
            waiting = []
    pieces += [_piece(waiting, types)] if waiting or not pieces else []
    named = np.repeat(np.array(places, dtype=np.int64), counts)
    texts = ([label[place] for label in labels] for place in range(len(_LABELS)))
    columns = {
        column.name: pd.Series(values, dtype="str").take(named).reset_index(drop=True)
        for column, values in zip(_LABELS, texts, strict=True)
    }
    names = pd.DataFrame(columns).assign(seed=np.repeat(np.array(seeds, dtype=np.int64), counts))
    return pd.concat([names, pd.concat(pieces, ignore_index=True)], axis=1)


def _piece(rows: Sequence[Row], types: Mapping[str, str]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=list(types)).astype(types)
    shared: dict[Any, Any] = {}  # one text for all rows that name a class
    classes = [shared.setdefault(value, value) if isinstance(value, str) else value for value in frame["query_class"]]
    indices = [None if value is None else np.asarray(value, dtype=np.int64) for value in frame["query_indices"]]
    files = [value if isinstance(value, list) else None for value in frame["query_files"]]  # older rows have none
    objects = {"query_class": classes, "query_indices": indices, "query_files": files}
    return frame.assign(**{name: pd.Series(own, index=frame.index, dtype="object") for name, own in objects.items()})
