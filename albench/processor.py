"""What is known of this machine's processor: its name, and which instructions it has."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
LADDER = ("amx_bf16", "avx512_bf16", "avx512f", "avx2", "sve", "asimd")  # what products are made of, the best first
BF16 = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"}


@dataclass(frozen=True)
class Processor:
    """A processor as /proc/cpuinfo describes it; where there is no such file little is known, and nothing assumed."""

    name: str
    vendor: str
    family: str
    model: str
    flags: frozenset[str]

    @property
    def kind(self) -> str:
        """Vendor and the best instruction set for matrix products: what decides how fast each product is."""
        best = next((flag for flag in LADDER if flag in self.flags), "baseline")
        return f"{self.vendor} {best}"

    @property
    def generation(self) -> str:
        """Its kind with family and model: names such as "Intel(R) Xeon(R) Processor" are those of many."""
        return f"{self.kind}, family {self.family} model {self.model}"

    @property
    def has_bf16(self) -> bool:
        """Whether it multiplies bf16 numbers in hardware: without it they are ten times slower than fp32."""
        return bool(BF16 & self.flags)


@cache
def processor() -> Processor:
    """Return this machine's processor."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    pairs = (line.partition(":") for line in lines)
    found: dict[str, str] = {}
    for name, _, value in pairs:
        found.setdefault(name.strip().lower(), value.strip())
    return Processor(
        name=found.get("model name") or platform.processor() or platform.machine(),
        vendor=found.get("vendor_id") or found.get("cpu implementer") or platform.machine(),
        family=found.get("cpu family") or found.get("cpu architecture") or "",
        model=found.get("model") or found.get("cpu part") or "",
        flags=frozenset((found.get("flags") or found.get("features") or "").split()),
    )
