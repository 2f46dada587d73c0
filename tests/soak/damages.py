"""Ways to damage a file, and the kinds of file that a store and its cache hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

CELL = "store/cells/*/*/*/"
KINDS = {
    "study.json": "store/study.json",
    "cell.json": f"{CELL}cell.json",
    "rounds.jsonl": f"{CELL}rounds.jsonl",
    "outcome.json": f"{CELL}outcome.json",
    "checkpoint": f"{CELL}checkpoint.safetensors",
    "initial network": "store/initial/*/*.safetensors",
    "decoded arrays": "cache/albench/decoded/*/*.npy",
    "decoded meta": "cache/albench/decoded/*/meta.json",
}
TEXT = {".json", ".jsonl"}


def flip_bit(content: bytearray, draws: random.Random) -> bytearray:
    """Return the content with one bit changed."""
    content[draws.randrange(len(content))] ^= 1 << draws.randrange(8)
    return content


def zero_run(content: bytearray, draws: random.Random) -> bytearray:
    """Return the content with up to 4096 bytes zeroed, as a lost block leaves them."""
    start = draws.randrange(len(content))
    end = min(len(content), start + draws.randint(1, 4096))
    content[start:end] = bytes(end - start)
    return content


def truncate(content: bytearray, draws: random.Random) -> bytearray:
    """Return a beginning of the content; one time in five nothing."""
    return content[: 0 if draws.random() < 0.2 else draws.randrange(len(content))]


def change_digit(content: bytearray, draws: random.Random) -> bytearray:
    """Return a text with one digit changed to another."""
    places = [place for place, byte in enumerate(content) if 48 <= byte <= 57]
    place = draws.choice(places)
    content[place] = draws.choice([digit for digit in range(48, 58) if digit != content[place]])
    return content


def double_line(content: bytearray, draws: random.Random) -> bytearray:
    """Return lines of which one stands twice."""
    lines = content.splitlines(keepends=True)
    place = draws.randrange(len(lines))
    return bytearray(b"".join([*lines[: place + 1], *lines[place:]]))


CHANGES: dict[str, Callable[[bytearray, random.Random], bytearray]] = {
    "flip": flip_bit,
    "zero": zero_run,
    "truncate": truncate,
    "digit": change_digit,
    "double": double_line,
}
EXCHANGE = "exchange"


def files(root: Path, kind: str) -> list[Path]:
    """Return the files of a kind; RuntimeError where there are none, which would test nothing."""
    found = sorted(root.glob(KINDS[kind]))
    if not found:
        raise RuntimeError(f"there is no {KINDS[kind]} in {root}; the layout of stores has changed")
    return found


def _applying(path: Path, others: Sequence[Path]) -> list[str]:
    names = ["flip", "zero", "truncate"]
    if path.suffix in TEXT:
        names.append("digit")
    if path.suffix == ".jsonl":
        names.append("double")
    return [*names, EXCHANGE] if others else names


def damage(root: Path, kind: str, draws: random.Random) -> tuple[str, list[Path]]:
    """Damage a random file of a kind; return how, and the files that are not what they were."""
    found = files(root, kind)
    path = draws.choice(found)
    before = path.read_bytes()
    alike = [other for other in found if other != path and (kind == "initial network" or other.name == path.name)]
    others = [other for other in alike if other.read_bytes() != before]
    how = draws.choice(_applying(path, others))
    if how == EXCHANGE:
        other = draws.choice(others)
        path.write_bytes(other.read_bytes())
        other.write_bytes(before)
        return how, [path, other]
    change(path, how, draws)
    return how, [path]


def damage_one(path: Path, draws: random.Random) -> str:
    """Damage a file that is not empty; return how."""
    how = draws.choice(_applying(path, []))
    change(path, how, draws)
    return how


def change(path: Path, how: str, draws: random.Random) -> None:
    """Write a file with one of CHANGES in it."""
    changed = before = path.read_bytes()
    while changed == before:  # a run that was zero already is no damage
        changed = bytes(CHANGES[how](bytearray(before), draws))
    path.write_bytes(changed)
