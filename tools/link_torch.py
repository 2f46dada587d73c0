"""Links PyTorch of this environment into another one of the same Python, instead of gigabytes downloaded once more.

python tools/link_torch.py ENVIRONMENT
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

NAMES = ("torch", "torchvision", "triton")
STARTS = ("cuda-", "nvidia-")


def main() -> None:
    """Link the top folders and files of what PyTorch is made of, and say how many."""
    (target,) = Path(sys.argv[1]).glob("lib/python3.*/site-packages")
    links: dict[Path, Path] = {}
    for one in distributions():
        name = one.name.lower().replace("_", "-")
        if name in NAMES or name.startswith(STARTS):
            tops = {file.parts[0] for file in one.files or () if file.parts[0] not in ("..", "__pycache__")}
            links |= {target / top: Path(str(one.locate_file(top))).resolve() for top in tops}
    for link, source in links.items():
        if not link.exists():
            link.symlink_to(source)
    sys.stdout.write(f"{len(links)} folders and files of PyTorch are linked\n")


if __name__ == "__main__":
    main()
