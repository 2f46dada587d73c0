"""Reading study.json, cell.json and outcome.json: what holds, and is what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from albench.errors import DamageError, RequestError, StoreError, shown
from albench.store.rows import KEY, check_columns
from albench.store.sealed import parsed, unseal
from albench.store.shapes import ChoiceShape, OutcomeShape, RecordShape, SettingShape, StudyShape, check_shape
from albench.study.spec import PARTS, SCHEMA, CellSpec


def read_study(data: bytes, where: str) -> dict[str, Any]:
    """Return a ``study.json``; DamageError where it does not hold, StoreError where it has another schema."""
    study = _unsealed(data, where)
    check_shape(StudyShape, study)
    for shape, kind in ((SettingShape, "settings"), (ChoiceShape, "strategies")):
        for one in study[kind].values():  # one by one: the first that is wrong ends it
            check_shape(shape, one)
    for cell in study["cells"]:
        if cell["setting"] not in study["settings"] or cell["strategy"] not in study["strategies"]:
            raise DamageError("it names a cell of a setting or a strategy that it has not")
    if len({cell["key"] for cell in study["cells"]}) < len(study["cells"]):
        raise DamageError("it names two cells of one key")
    _check_columns(setting["columns"] for setting in study["settings"].values())
    return study


def read_record(data: bytes, key: str | None, where: str) -> dict[str, Any]:
    """Return a ``cell.json`` of the cell of a key (None: any); DamageError where it does not hold, or is another's."""
    record = _unsealed(data, where)
    check_shape(RecordShape, record)
    _check_columns([record["request"]["columns"]])
    if key not in (None, record["key"]):
        raise DamageError(f"it is of the cell {record['key'][:KEY]}")
    if CellSpec.from_json(record["spec"]).key_under(record["harness"]) != record["key"]:
        raise DamageError("its key is not that of what it describes")
    return record


def read_outcome(data: bytes, key: str) -> dict[str, Any]:
    """Return an ``outcome.json`` of the cell of a key; DamageError as above."""
    outcome = unseal(data)
    if outcome.pop("cell", None) != key[:KEY]:
        raise DamageError("it is another cell's")
    check_shape(OutcomeShape, outcome)
    return outcome


def name_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names the cell of a record in a study: setting, strategy, seed."""
    spec = CellSpec.from_json(record["spec"])
    return {"setting": spec.setting.label, "strategy": spec.strategy.label, "seed": spec.seed}


def rebuilt_study(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the study that cells were asked for by, as far as they tell; of cells by other code the latest counts."""
    study: dict[str, Any] = {"schema": SCHEMA, "name": "", "preset": "", "settings": {}, "strategies": {}}
    cells: dict[tuple[str, str, int], dict[str, Any]] = {}
    kept, commands = [], []
    for record in sorted(records, key=lambda record: str(record.get("provenance", {}).get("start", ""))):
        label, request = name_of(record), record["request"]
        parts = {part: record["spec"][part] for part in PARTS}
        study["settings"][label["setting"]] = {**parts, "rounds": request["rounds"], "columns": request["columns"]}
        study["strategies"][label["strategy"]] = record["spec"]["strategy"]
        study |= {"name": study["name"] or request["name"], "preset": request["preset"]}
        before = cells.get((*label.values(),))
        kept += [before] if before else []
        cells[(*label.values(),)] = {**label, "key": record["key"]}
        commands += [command for command in _commands(record) if command not in commands]
    return {**study, "commands": commands, "cells": list(cells.values()), "kept": kept}


def _commands(record: Mapping[str, Any]) -> list[list[str]]:
    sessions = [*record.get("earlier_sessions", []), record.get("provenance", {})]
    found = [session.get("command") for session in sessions]
    return [words for words in found if isinstance(words, list) and all(isinstance(word, str) for word in words)]


def _unsealed(data: bytes, where: str) -> dict[str, Any]:
    """Return an object of this version's schema; the oldest had no checksum, and is told by its number."""
    try:
        value = unseal(data)
    except DamageError:
        value = _of_schema_1(data)
        if not value:
            raise
    if value.get("schema") != SCHEMA:
        raise StoreError(
            f"{where} has schema {shown(value.get('schema'))} and this version of albench reads {SCHEMA}; "
            "use the version that wrote it, or another folder"
        )
    return value


def _of_schema_1(data: bytes) -> dict[str, Any]:
    try:
        value = parsed(data)
    except DamageError:
        return {}
    return value if value.get("schema") == 1 and "check" not in value else {}


def _check_columns(of_protocols: Iterable[Mapping[str, str]]) -> None:
    known: dict[str, str] = {}
    for columns in of_protocols:
        try:
            check_columns(columns, known)
        except RequestError as error:
            raise DamageError(str(error)) from None
        known |= columns
