"""Where references are found: in the package of references that is installed, or in a file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from albench.errors import RequestError, did_you_mean, shown
from albench.store.reader import StoreReader
from albench.store.snapshot import Snapshot
from albench.store.store import open_store

PACKAGE = "albench_references"


def shelf() -> dict[str, Path]:
    """Return the archives of the references that are installed, by name."""
    spec = find_spec(PACKAGE)
    folders = [Path(place) for place in spec.submodule_search_locations or ()] if spec else []
    found = [archive for folder in folders for archive in folder.glob("*/*.zip") if archive.stem == archive.parent.name]
    return {archive.stem: archive for archive in sorted(found)}


def find(text: str) -> StoreReader:
    """Return the reference of a name, else the archive or the store at a path. RequestError, StoreError."""
    known = shelf()
    if text in known:
        return open_store(known[text])
    if not Path(text).exists():
        raise RequestError(
            f"there is no reference {shown(text)}{did_you_mean(text, known)}; installed are: "
            f"{', '.join(known) or 'none'}; or give an archive that 'albench export' wrote"
        )
    found = open_store(text)
    found.study  # noqa: B018 - which raises
    return found


def name_of(reference: StoreReader) -> str:
    """Return what a reference is called."""
    return reference.source.path.stem


def finished(reference: StoreReader) -> dict[str, tuple[Mapping[str, Any], Snapshot]]:
    """Return a reference's cells that are done, with what is stored of them, by their keys."""
    return {
        cell["key"]: (cell, snapshot) for cell, snapshot in reference.snapshots() if snapshot.is_done(cell["rounds"])
    }


def made(snapshot: Snapshot) -> Mapping[str, Any]:
    """Return where a cell was computed, nothing where it does not say: processor, versions, commit, command."""
    found: Mapping[str, Any] = snapshot.record.get("provenance", {})
    return found
