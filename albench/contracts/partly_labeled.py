"""Data of which somebody has labelled a part: what `albench query` asks about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from albench.contracts.discovery_scenario import LabeledImages
from albench.contracts.scenario import Images, Inputs
from albench.errors import DataError


@dataclass(frozen=True)
class PartlyLabeled:
    """Labelled examples, those that have no label yet, and what each of them is called."""

    labeled: LabeledImages  # all of whose rows are trained on; `files` names them
    unlabeled: Inputs  # uint8 images (M, C, H, W), or float32 features (M, d)
    files: Sequence[str]  # (M,), what a person finds each unlabelled example by
    notes: Sequence[str] = ()  # what a reader should know of the unlabelled ones, a sentence each
    picture: Callable[[int], Images] | None = None  # an unlabelled row as a person should see it, uint8 (C, H, W)

    def check(self) -> PartlyLabeled:
        """Return it, or raise DataError with what is wrong in it."""
        own, others = self.labeled.images, self.unlabeled
        if (own.dtype, own.shape[1:]) != (others.dtype, others.shape[1:]):
            raise DataError(
                f"labelled examples are {own.dtype} of shape {own.shape[1:]}, and unlabelled ones {others.dtype} of "
                f"shape {others.shape[1:]}; both must be alike"
            )
        names = self.labeled.class_names
        if len(names) < 2:
            raise DataError(f"all labels are {names[0]!r}; label examples of two classes at least")
        for files, inputs, what in ((self.labeled.files, own, "labelled"), (self.files, others, "unlabelled")):
            if files is None or len(files) != len(inputs):
                n_files = "no" if files is None else len(files)
                raise DataError(f"there are {len(inputs)} {what} examples and {n_files} names of files")
        return self
