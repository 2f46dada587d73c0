"""The folder that holds a study's cells: plain files, each whole or absent.

``study.json`` names the cells that were asked for; ``cells/<scenario>/<strategy>/seed-<n>-<key8>/`` holds one cell;
``initial/<scenario>/seed-<n>-<key8>.safetensors`` the network that the strategies of a seed start from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from albench.contracts.executor import CANCELLED
from albench.errors import HeldError, RequestError, StoreError, WriteError, shown
from albench.store.archive import Archive
from albench.store.cell import CellFolder
from albench.store.files import PERMIT, whose, write_bytes, writing
from albench.store.leases import leased, live_holder
from albench.store.reader import STATUS, CellStatus, StoreReader, cell_path, in_words
from albench.store.rows import check_columns
from albench.store.sealed import seal
from albench.store.snapshot import Snapshot
from albench.store.source import STUDY, Folder
from albench.study.spec import PARTS, SCHEMA, CellSpec, Setting, folder_name


class Store(StoreReader):
    """The folder of a study."""

    def __init__(self, root: Path) -> None:
        super().__init__(Folder(root))
        self.root = root

    def check_folder(self) -> None:
        """Raise RequestError where the folder is no store, and cannot become one."""
        try:
            if not self.root.exists():
                return
            there = list(self.root.iterdir())
        except NotADirectoryError:
            raise RequestError(
                f"{self.root} is a file; give a folder (an archive can be read, and no cell can be run in it)"
            ) from None
        except PermissionError:
            raise RequestError(f"{self.root} cannot be read: {whose(self.root)}; {PERMIT}") from None
        except (OSError, ValueError) as error:
            raise RequestError(f"{self.root} cannot be read ({error}); give another folder") from None
        names = {path.name for path in there}
        others = [path.name for path in there if path.is_file() and not path.name.startswith((".", "report."))]
        if others and not names & {STUDY, "cells", "study.claim"}:
            held = shown(min(others))
            raise RequestError(f"{self.root} is no store, and holds {held}; give a new folder, or an empty one")

    def cell(self, scenario: str, strategy: str, seed: int, key: str, **_: Any) -> CellFolder:
        """Return a cell's folder, which need not exist."""
        return CellFolder(self.root / cell_path(scenario, strategy, seed, key), key)

    def cell_of(self, spec: CellSpec) -> CellFolder:
        """Return the folder of a specified cell."""
        return self.cell(**spec.name, key=spec.key)

    def initial_path(self, spec: CellSpec) -> Path:
        """Return where the initial network of a cell is kept."""
        folder = self.root / "initial" / folder_name(spec.setting.scenario.label)
        return folder / f"seed-{spec.seed}-{spec.initial_key[:8]}.safetensors"

    def check_columns(self, settings: Sequence[Setting]) -> None:
        """Raise RequestError when protocols of these settings, and of those that it has, add columns that do not fit.

        Raises StoreError for a store of another schema.
        """
        old = self.found_study["settings"].values() if self.found_study else ()
        known: dict[str, str] = {}
        for columns in [setting["columns"] for setting in old] + [columns_of(setting) for setting in settings]:
            check_columns(columns, known)
            known |= columns

    def check_data(self, cells: Sequence[CellSpec]) -> None:
        """Raise RequestError where further cells of a setting and seed were computed from other data than these.

        Those would stand beside these in one report, and make pairs that are none.
        """
        if not self.found_study:
            return
        due = {(spec.setting.label, spec.seed): spec.fingerprint for spec in cells}
        asked = {(spec.setting.label, spec.strategy.label, spec.seed) for spec in cells}
        settings = _settings(cells)
        for cell in self.cells():
            pair = cell["setting"], cell["seed"]
            if pair not in due or _identity(cell) in asked or _is_aside(cell, self.study, settings, {}):
                continue
            found = self.record(cell)
            if found and found["spec"]["fingerprint"] != due.pop(pair):
                raise RequestError(
                    f"{self.root} holds {in_words(cell)}, computed from other data than those of "
                    f"{cell['scenario']} that are here; give another folder with --store, or run its strategies too"
                )

    def other_code(self, cells: Sequence[CellSpec]) -> list[Mapping[str, Any]]:
        """Return the cells of these names by other code that have rounds, those that were set aside before included."""
        if not self.found_study:
            return []
        keys = {spec.key for spec in cells}
        settings, strategies = _settings(cells), _strategies(cells)
        aside = [cell for cell in self.cells() if _is_aside(cell, self.study, settings, strategies)]
        found = [*self.kept(), *self.with_rounds(aside)]
        return [cell for cell, _ in found if cell["key"] not in keys]

    def register(
        self, name: str, preset: str, cells: Sequence[CellSpec], rounds: int | None, command: Sequence[str]
    ) -> None:
        """Add cells to those that were asked for, and set how many rounds are wanted of their settings.

        Cells by other code of a component are asked for no more; their folders stay, and they are found again. A study
        that was cancelled is so no more.
        """
        with leased(self.root / "study.claim", str(self.root / STUDY), wait=True) as lease:
            empty: dict[str, Any] = {"settings": {}, "strategies": {}, "cells": [], "kept": [], "commands": []}
            self.__dict__.pop("found_study", None)  # read before the lease was this process's
            old = self.found_study or empty
            settings = {label: {**setting, "rounds": rounds} for label, setting in _settings(cells).items()}
            strategies = _strategies(cells)
            aside = [cell for cell in old["cells"] if _is_aside(cell, old, settings, strategies)]
            known = {_identity(cell): cell for cell in old["cells"]}
            for cell in aside:
                known.pop(_identity(cell), None)
            for spec in cells:
                label = {"setting": spec.setting.label, "strategy": spec.strategy.label, "seed": spec.seed}
                before = known.get(_identity(label))
                aside += [before] if before and before["key"] != spec.key else []
                known[_identity(label)] = {**label, "key": spec.key}
            keys = {cell["key"] for cell in known.values()}
            commands = [*old["commands"], list(command)]
            study = {
                "schema": SCHEMA,
                "name": old.get("name", name),
                "preset": preset,
                "settings": {**old["settings"], **settings},
                "strategies": {**old["strategies"], **strategies},
                "commands": [command for place, command in enumerate(commands) if command not in commands[:place]],
                "cells": list(known.values()),
                "kept": [cell for cell in [*old["kept"], *aside] if cell["key"] not in keys],
            }
            write_bytes(self.root / STUDY, seal(study, indent=1), lease.check)
            with writing(self.root / CANCELLED):
                (self.root / CANCELLED).unlink(missing_ok=True)
            self.__dict__["found_study"] = study

    def cancel(self) -> None:
        """Let all who work in the store know that they shall end."""
        write_bytes(self.root / CANCELLED, b"")

    def is_cancelled(self) -> bool:
        """Return whether the study was cancelled, and nobody asked for it since."""
        return (self.root / CANCELLED).exists()

    def held(self, cell: Mapping[str, Any]) -> str:
        """Return in words who works on a cell, "" where nobody does."""
        claim = self.cell(**cell).claim
        if not os.access(claim.parent, os.X_OK):  # absent, or nobody says
            return ""
        live = live_holder(claim)
        return f"held by {live} (if it is gone, delete {claim})" if live else ""

    def statuses_of(self, cells: Sequence[CellSpec], rounds: int | None) -> list[CellStatus]:
        """Return where each specified cell stands when that many rounds are wanted."""
        begun, untouched = self._begun(), dict(zip(STATUS, Snapshot().status(rounds), strict=True))
        found = []
        for spec in cells:
            name = spec.name
            cell = {**name, "key": spec.key}
            is_there = begun is None or cell_path(**cell) in begun
            found.append(CellStatus(**name, **(self.status(cell, rounds) if is_there else untouched)))
        return found

    def clear(self, cells: Sequence[CellSpec]) -> None:
        """Remove what processes that died left in the folders of cells on which nobody works."""
        for spec in cells:
            folder = self.cell_of(spec)
            names = _listed(folder.path)
            if folder.claim.name in names or any(name.startswith(".") for name in names):
                with suppress(HeldError, WriteError), folder.owned(spec):
                    pass  # whoever takes a lease removes what former holders left

    def _begun(self) -> set[str] | None:
        """Return the folders of cells that are there; None where they cannot be listed."""
        found = {"cells"}
        try:
            for _ in range(3):  # scenario, strategy, cell
                found = {f"{above}/{name}" for above in found for name in _listed(self.root / above)}
        except OSError:
            return None
        return found


def _listed(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def columns_of(setting: Setting) -> dict[str, str]:
    """Return the columns that a setting's protocol adds to a row."""
    return dict(setting.protocol.build().columns)


def _identity(cell: Mapping[str, Any]) -> tuple[str, str, int]:
    return cell["setting"], cell["strategy"], cell["seed"]


def _is_aside(
    cell: Mapping[str, Any], study: Mapping[str, Any], settings: Mapping[str, Any], strategies: Mapping[str, Any]
) -> bool:
    """Return whether a component that is asked for now has a label of this cell of a study, and another identity."""
    setting, strategy = cell["setting"], cell["strategy"]
    before, now = study["settings"][setting], settings.get(setting, study["settings"][setting])
    pairs = [(before[part], now[part]) for part in PARTS]
    pairs.append((study["strategies"][strategy], strategies.get(strategy, study["strategies"][strategy])))
    return any(one[name] != other[name] for one, other in pairs for name in ("name", "changed", "version"))


def _settings(cells: Sequence[CellSpec]) -> dict[str, dict[str, Any]]:
    """Return the settings of cells as the store keeps them, by label; each is looked at once, of however many cells."""
    return {label: _stored(setting) for label, setting in {spec.setting.label: spec.setting for spec in cells}.items()}


def _strategies(cells: Sequence[CellSpec]) -> dict[str, dict[str, Any]]:
    chosen = {spec.strategy.label: spec.strategy for spec in cells}
    return {label: strategy.stored() for label, strategy in chosen.items()}


def _stored(setting: Setting) -> dict[str, Any]:
    """Return a setting as the store keeps it: its parts, and the columns that its protocol adds to a row."""
    return {**{part: choice.stored() for part, choice in setting.parts().items()}, "columns": columns_of(setting)}


def open_store(path: str | Path) -> StoreReader:
    """Return the store of a folder or an archive; StoreError for what is neither."""
    where = Path(path)
    try:
        is_file = where.is_file()
        if not is_file and not where.exists():
            raise StoreError(f"there is no {where}; give the folder that 'albench run' wrote, or an archive of one")
    except (OSError, ValueError) as error:  # a name that no file system takes
        what = getattr(error, "strerror", None) or error
        raise StoreError(f"there is no {shown(str(where))} ({what}); give a folder or an archive") from None
    return StoreReader(Archive(where)) if is_file else Store(where)
