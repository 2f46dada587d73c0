"""The query that a benchmark asks every strategy."""

from __future__ import annotations

from dataclasses import dataclass

from albench.errors import RequestError

FORWARD = "forward pass"


@dataclass(frozen=True)
class Size:
    """The query that every strategy is asked: its images, candidate sets, and where and on how many threads."""

    pool: int = 2000
    labeled: int = 1000
    classes: int = 20
    sets: int = 1000
    set_size: int = 25
    device: str = "cpu"
    threads: int = 1
    rounds: int = 3

    def check(self) -> Size:
        """Return the size itself, or raise RequestError naming what is out of range."""
        for name in ("pool", "labeled", "classes", "sets", "set_size", "threads", "rounds"):
            if getattr(self, name) < 1:
                raise RequestError(f"{name}={getattr(self, name)}; give 1 or more")
        if self.set_size > self.pool:
            raise RequestError(f"set_size={self.set_size} is more than pool={self.pool}; lower it")
        return self
