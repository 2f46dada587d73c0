"""Files that are whole or absent: written under a temporary name and moved into place."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from albench.errors import StoreError, WriteError

_SUFFIX = ".part"


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{_SUFFIX}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there takes its place at the end, or vanishes.

    Raises WriteError when the disk does not take it.
    """
    temporary = _temporary(path)
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def appending(path: Path) -> Iterator[TextIO]:
    """Open a text file to append to it; WriteError when the disk does not take what is written."""
    with _writing(path), path.open("a", encoding="utf-8", errors="replace") as file:
        yield file


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left in a folder that the caller has claimed."""
    for path in folder.glob(f".*{_SUFFIX}"):
        path.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(f"{path} cannot be written ({error}); free space or permit writing, and run again") from error


def write_text(path: Path, text: str) -> None:
    """Replace a file's text at once; half a surrogate pair, as an undecodable file name has, becomes "?"."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file at once."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Return a JSON file's value, None when there is no such file; StoreError when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}); restore it, or move it away to run that part again"
        ) from None


def check_schema(value: Mapping[str, Any], path: Path, schema: int) -> None:
    """Raise StoreError when a file was written under another schema than this version's."""
    if value and value.get("schema") != schema:
        raise StoreError(
            f"{path} has schema {value.get('schema')} and this version of albench reads {schema}; "
            "use the version that wrote it, or another folder"
        )
