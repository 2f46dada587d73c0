"""What scenarios of anybody's own data have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from albench import Count, DiscoveryScenario, InputPath
from albench_datasets.sources.pictures import Fit, Look


@dataclass(frozen=True)
class OwnData(DiscoveryScenario):
    """Data that their path names: all classes are known, and the pool holds all that no other part takes."""

    reads_data: ClassVar[bool] = False

    known: Count = "all"
    novel: Annotated[int, Ge(0)] = 0
    initial_per_class: Annotated[int, Ge(1)] = 10
    pool_per_class: Count = "all"
    test_per_class: Count = 20
    path: InputPath = field(kw_only=True)
    name: str = ""  # tells two data sets apart in one study: it is part of the label


@dataclass(frozen=True)
class OwnImages(OwnData):
    """Images of any sizes, brought to one."""

    size: Annotated[int, Ge(8), Le(1024)] = 64
    fit: Fit = "crop"
    grey: bool = False
    smallest: Annotated[int, Ge(1)] = 8

    @property
    def look(self) -> Look:
        """What each image is brought to."""
        return Look(self.size, self.fit, 1 if self.grey else 3, self.smallest)
