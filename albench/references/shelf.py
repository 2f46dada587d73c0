"""Where references are found: in the package of references that is installed, or in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from albench.errors import RequestError, did_you_mean, shown
from albench.store.reader import StoreReader
from albench.store.snapshot import Snapshot
from albench.store.store import open_store

PACKAGE = "albench_references"


@dataclass(frozen=True)
class Finished:
    """A cell of a reference that is done, and what is stored of it."""

    cell: Mapping[str, Any]  # setting and its parts, strategy, seed, key
    snapshot: Snapshot

    @property
    def made(self) -> Mapping[str, Any]:
        """Where it was computed, nothing where it does not say: processor, versions, commit, command."""
        found: Mapping[str, Any] = self.snapshot.record.get("provenance", {})
        return found


@dataclass(frozen=True)
class Reference:
    """A finished study to compare with; what it holds is read once."""

    store: StoreReader

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.store.source.path

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.stem

    @cached_property
    def done(self) -> dict[str, Finished]:
        """Its cells that are done, by their keys."""
        return {
            cell["key"]: Finished(cell, snapshot)
            for cell, snapshot in self.store.snapshots()
            if snapshot.is_done(cell["rounds"])
        }


def shelf() -> dict[str, Path]:
    """Return the archives of the references that are installed, by name."""
    spec = find_spec(PACKAGE)
    folders = [Path(place) for place in spec.submodule_search_locations or ()] if spec else []
    found = [archive for folder in folders for archive in folder.glob("*/*.zip") if archive.stem == archive.parent.name]
    return {archive.stem: archive for archive in sorted(found)}


def find(text: str | Path) -> Reference:
    """Return the reference of a name, else the archive or the store at a path. RequestError, StoreError."""
    known = shelf()
    if str(text) in known:
        return Reference(open_store(known[str(text)]))
    if not Path(text).exists():
        raise RequestError(
            f"there is no reference {shown(str(text))}{did_you_mean(str(text), known)}; installed are: "
            f"{', '.join(known) or 'none'}; or give an archive that 'albench export' wrote"
        )
    found = open_store(text)
    found.study  # noqa: B018 - which raises
    return Reference(found)


def find_all(given: str | Path | Sequence[str | Path]) -> list[Reference]:
    """Return the references of a name or path, or of several. RequestError, StoreError."""
    return [find(one) for one in ([given] if isinstance(given, (str, Path)) else given)]
