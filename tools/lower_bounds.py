"""Prints the oldest versions that pyproject.toml allows, as constraints for pip.

python tools/lower_bounds.py [EXTRA ...]

torch and torchvision are left out: they are as large as all else together, and each release asks for other versions of
what it needs. Requirements without a lower bound are an error, since nobody could say what was tested.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
LEFT_OUT = {"torch", "torchvision"}
REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)>=(?P<version>[0-9.]+)(,<[0-9.]+)?$")


def bounds(extras: list[str], text: str) -> Iterator[str]:
    """Yield `name==version` for each requirement of a pyproject.toml and of these extras, the highest bound of each."""
    project = tomllib.loads(text)["project"]
    asked = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    lowest: dict[str, str] = {}
    for requirement in asked:
        match = REQUIREMENT.match(requirement)
        if match is None:
            raise SystemExit(f"{requirement!r} has no lower bound; write it as name>=version")
        name, version = match["name"].lower(), match["version"]
        if name not in LEFT_OUT:
            lowest[name] = max(lowest.get(name, version), version, key=_numbers)
    yield from (f"{name}=={version}" for name, version in sorted(lowest.items()))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    sys.stdout.writelines(f"{one}\n" for one in bounds(sys.argv[1:], PYPROJECT.read_text(encoding="utf-8")))
