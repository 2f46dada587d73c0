"""Real photographs in class folders: images of CIFAR-100's classes are not at hand everywhere, scikit-learn's are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

CLASSES = ("china", "flower")


def cut(which: int, seed: int) -> Image.Image:
    """Return a piece of one of the two photographs, of sides between 40 and 120 pixels."""
    photo = load_sample_images().images[which]
    draws = np.random.default_rng(seed)
    height, width = (int(side) for side in draws.integers(40, 121, size=2))
    top, left = int(draws.integers(photo.shape[0] - height)), int(draws.integers(photo.shape[1] - width))
    return Image.fromarray(photo[top : top + height, left : left + width])


def photos(root: Path, per_class: int = 8) -> Path:
    """Write a folder for each class, of files in several formats and modes."""
    suffixes = (".png", ".jpg", ".webp", ".bmp", ".gif", ".TIF")
    for which, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for number in range(per_class):
            picture = cut(which, 100 * which + number)
            if number == 1:
                picture = picture.convert("L")
            picture.save(root / name / f"{number}{suffixes[number % len(suffixes)]}")
    return root
