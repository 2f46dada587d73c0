"""MedMNIST: biomedical images in the files of its package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from albench import Count, DataError, DiscoveryScenario, LabeledImages, data_directory
from albench_datasets.sources.arrays import Arrays
from albench_datasets.sources.decoded import decoded

_ORGANS = (
    "bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right", "liver", "lung-left", "lung-right",
    "pancreas", "spleen",
)  # fmt: skip
CLASSES = {  # of MedMNIST v2's image sets with one label an image, after `medmnist.INFO`
    "pathmnist": (
        "adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle", "normal colon mucosa",
        "cancer-associated stroma", "colorectal adenocarcinoma epithelium",
    ),
    "dermamnist": (
        "actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma", "benign keratosis-like lesions",
        "dermatofibroma", "melanoma", "melanocytic nevi", "vascular lesions",
    ),
    "octmnist": ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    "pneumoniamnist": ("normal", "pneumonia"),
    "retinamnist": ("0", "1", "2", "3", "4"),
    "breastmnist": ("malignant", "normal, benign"),
    "bloodmnist": (
        "basophil", "eosinophil", "erythroblast", "immature granulocytes", "lymphocyte", "monocyte", "neutrophil",
        "platelet",
    ),
    "tissuemnist": (
        "collecting duct, connecting tubule", "distal convoluted tubule", "glomerular endothelial cells",
        "interstitial endothelial cells", "leukocytes", "podocytes", "proximal tubule segments",
        "thick ascending limb",
    ),
    "organamnist": _ORGANS,
    "organcmnist": _ORGANS,
    "organsmnist": _ORGANS,
}  # fmt: skip
Flag = Literal[
    "pathmnist", "dermamnist", "octmnist", "pneumoniamnist", "retinamnist", "breastmnist", "bloodmnist", "tissuemnist",
    "organamnist", "organcmnist", "organsmnist",
]  # fmt: skip
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class MedMnist(DiscoveryScenario):
    """Eleven sets of biomedical images, `medmnist[flag=pathmnist]` (Yang et al. 2023; CC BY 4.0, dermamnist CC BY-NC).

    Images of 28 x 28 pixels (or of 64, 128, 224: `side`), grey or coloured, with one label each: pathmnist 107,180 of
    9 classes; dermamnist 10,015 of 7; octmnist 109,309 of 4; pneumoniamnist 5,856 of 2; retinamnist 1,600 of 5 grades;
    breastmnist 780 of 2; bloodmnist 17,092 of 8; tissuemnist 236,386 of 8; organamnist 58,830, organcmnist 23,583 and
    organsmnist 25,211 of 11. Their validation part counts as training images. Looked for in --data / $ALBENCH_DATA,
    there or in a folder `medmnist`: the files of the package `medmnist`, such as `pathmnist.npz` or `pathmnist_64.npz`,
    which `python -m medmnist download` or zenodo.org/records/10519652 offer.
    """

    results_version: ClassVar[int] = 1

    known: Count = "all"
    novel: Annotated[int, Ge(0)] = 0
    initial_per_class: Annotated[int, Ge(1)] = 10
    pool_per_class: Count = 50
    test_per_class: Count = 20
    flag: Flag = "pathmnist"
    side: Annotated[int, Ge(28), Le(224)] = 28  # pixels; there are files of 28, 64, 128 and 224

    def data(self) -> LabeledImages:
        """Return all images; DataError when they are absent or damaged."""
        path = self._path()
        if path is None:
            raise DataError(
                f"{self._name} is not in {data_directory()}; put the file of the package medmnist there, or give its "
                "folder with --data (zenodo.org/records/10519652 offers it)"
            )
        return _medmnist(path, self.flag)

    def data_found(self) -> str | None:
        """Return where the file is."""
        return None if (path := self._path()) is None else str(path)

    @property
    def _name(self) -> str:
        return f"{self.flag}.npz" if self.side == 28 else f"{self.flag}_{self.side}.npz"

    def _path(self) -> Path | None:
        places = [data_directory() / self._name, data_directory() / "medmnist" / self._name]
        return next((path for path in places if path.is_file()), None)


@cache
def _medmnist(path: Path, flag: str) -> LabeledImages:
    return decoded([path], lambda: _read(Arrays(path), CLASSES[flag]), flag)


def _read(arrays: Arrays, names: tuple[str, ...]) -> LabeledImages:
    parts: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
        part: (arrays.get(f"{part}_images"), arrays.get(f"{part}_labels").reshape(-1)) for part in PARTS
    }
    images, labels = (np.concatenate([pair[which] for pair in parts.values()]) for which in (0, 1))
    is_grey = images.ndim == 3
    if images.dtype != np.uint8 or not (is_grey or (images.ndim == 4 and images.shape[3] == 3)):
        raise DataError(f"{arrays.path}: images are {images.dtype} of shape {images.shape}; replace the file")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= len(names) or len(labels) != len(images):
        raise DataError(f"{arrays.path}: labels are not one of {len(names)} classes for each image; replace the file")
    channels_first = images[:, None] if is_grey else np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    is_test = np.repeat([False, False, True], [len(own) for _, own in parts.values()])
    return LabeledImages.in_canonical_order(channels_first, labels, names, is_test)
