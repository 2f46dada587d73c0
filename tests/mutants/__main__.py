"""Small random changes of the code, each shown to the near tests: which does no test notice?

    python -m tests.mutants --count 300 --seed 0 --rooms store,training

Works in a temporary copy; the checkout is only read. Each mutant is one line of JSON in the output, written as it is
tried, and one that stands there is not tried again: a run that was stopped is continued by the same command, and
`--again` tries the survivors once more after tests were added. Outcomes: ``noticed`` (with the test), ``endless`` (by its
limit of processor time, or it waits for ever), ``known`` (in ``equivalent.toml``, with the reason why it cannot matter) and
``SURVIVED``.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import signal
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from tests.mutants.copied import Copy, copied
from tests.mutants.near import ROOMS, Near, recorded
from tests.mutants.places import Mutant, choose
from tests.mutants.plugin import ORDER
from tests.soak.common import print_table

CHECKOUT = Path(__file__).parents[2]
OUTCOMES = ("noticed", "endless", "known", "SURVIVED")
SPARE_SECONDS = 60.0  # of processor time, for imports and a mutant that is only slow


def known_reason(mutant: Mutant, known: list[dict[str, Any]]) -> str | None:
    """Return why a mutant cannot matter, where that is known; blanks do not count."""

    def lines(sign: str, text: str) -> str:
        return "".join("".join(line[1:].split()) for line in text.splitlines() if line.startswith(sign))

    for entry in known:
        same = entry["file"] == mutant.file and "".join(entry["line"].split()) == lines("-", mutant.diff)
        if same and (
            "changed" not in entry or lines("+", mutant.diff) in ["".join(one.split()) for one in entry["changed"]]
        ):
            return str(entry["why"])
    return None


def outcome(mutant: Mutant, near: Near, copy: Copy, spend: float) -> tuple[str, str]:
    """Show a mutant to the tests and return its outcome and the test that noticed it."""
    tests = near.tests(mutant, spend)
    order = copy.beside("order.json")
    order.write_text(json.dumps(tests))
    limit = SPARE_SECONDS + 3 * sum(near.seconds[test] for test in tests)
    changed = copy.root / mutant.file
    changed.write_text(mutant.changed, encoding="utf-8")
    try:
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        code, out = copy.pytest(["-x", *files], environment={ORDER: str(order)}, seconds=limit)
    finally:
        changed.write_text(mutant.source, encoding="utf-8")
    if code < 0:
        return "endless", ""
    if code == 0:
        return "SURVIVED", f"{len(tests)} of {len(near.tests(mutant, math.inf))} tests"
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", out, re.MULTILINE)
    return "noticed", found[1] if found else out.strip().splitlines()[-1]


def mutate(mutants: list[Mutant], copy: Copy, out: Path, spend: float, done: dict[str, dict[str, Any]]) -> None:
    """Try the mutants that are not done yet; write and print each as it ends."""
    known = tomllib.loads((CHECKOUT / "tests/mutants/equivalent.toml").read_text(encoding="utf-8"))["mutant"]
    for entry in known:
        if entry["line"] not in (CHECKOUT / entry["file"]).read_text(encoding="utf-8"):
            print(f"equivalent.toml: {entry['file']} has no line {entry['line']!r} any more", flush=True)
    records: dict[str, Near] = {}
    for number, mutant in enumerate(mutants, 1):
        why = known_reason(mutant, known)
        if name(mutant) in done and not why:
            continue
        start = time.monotonic()
        if why:
            verdict = "known", why
        else:
            room = mutant.room
            if room not in records:
                records[room] = recorded(room, copy, out.with_name(f"{room}.near.json"))
            verdict = outcome(mutant, records[room], copy, spend)
        row = {
            "room": mutant.room,
            "file": mutant.file,
            "line": mutant.line,
            "kind": mutant.kind,
            "outcome": verdict[0],
        }
        row |= {"by": verdict[1], "seconds": round(time.monotonic() - start), "diff": mutant.diff}
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        done[name(mutant)] = row
        print(f"{number}: {mutant.file}:{mutant.line} {verdict[0]} {verdict[1]} ({row['seconds']} s)", flush=True)
        if verdict[0] == "SURVIVED":
            print(mutant.diff, flush=True)


def name(mutant: Mutant) -> str:
    """Return what tells a mutant from others as long as its line and its file's length stay."""
    return f"{mutant.file}:{mutant.line}\n{mutant.diff}"


def summarise(rows: list[dict[str, Any]]) -> int:
    """Print the survivors and the outcomes by room and by kind; return the number of survivors."""
    for row in rows:
        if row["outcome"] == "SURVIVED":
            print(f"\n{row['file']}:{row['line']} ({row['kind']})\n{row['diff']}")
    print()
    for by in ("room", "kind"):
        counts = Counter((row[by], row["outcome"]) for row in rows)
        names = sorted({row[by] for row in rows})
        print_table([by, *OUTCOMES], [[one, *(counts[one, outcome] for outcome in OUTCOMES)] for one in names])
        print()
    return sum(row["outcome"] == "SURVIVED" for row in rows)


def main() -> None:
    """Choose, try, and tell; exit with 1 if a mutant survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rooms", default=",".join(ROOMS), help="of " + ", ".join(ROOMS))
    parser.add_argument("--out", type=Path, default=CHECKOUT / "runs" / "mutants" / "mutants.jsonl")
    parser.add_argument("--spend", type=float, default=math.inf, help="processor seconds of tests for one mutant")
    parser.add_argument("--again", action="store_true", help="try the survivors of the output once more")
    given = parser.parse_args()
    rooms = given.rooms.split(",")
    if unknown := set(rooms) - set(ROOMS):
        parser.error(f"no room is called {', '.join(unknown)}; there are {', '.join(ROOMS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the copy and what runs in it go as after Ctrl+C
    given.out.parent.mkdir(parents=True, exist_ok=True)
    lines = given.out.read_text(encoding="utf-8").splitlines() if given.out.exists() else []
    done = {f"{row['file']}:{row['line']}\n{row['diff']}": row for row in map(json.loads, lines)}
    if given.again:
        done = {key: row for key, row in done.items() if row["outcome"] != "SURVIVED"}
    with copied(CHECKOUT) as copy:
        mutants = choose(copy.root, {room: ROOMS[room].folder for room in rooms}, given.count, given.seed)
        print(f"{len(mutants)} mutants, {sum(name(one) in done for one in mutants)} of them done", flush=True)
        mutate(mutants, copy, given.out, given.spend, done)
    sys.exit(bool(summarise([done[name(one)] for one in mutants])))


if __name__ == "__main__":
    main()
