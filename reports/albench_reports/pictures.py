"""Images as small pictures inside the page."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from albench import Picture

if TYPE_CHECKING:
    from PIL import Image

SIDE = 32  # pixels of an image on the page; smaller ones are enlarged by a whole factor
GAP = 2
QUALITY = 72


def strip(
    images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], alt: str, label: str, frame: str, side: int = SIDE
) -> Picture:
    """Return images (n, C, H, W), of 1 or 3 channels, side by side as one WebP picture on a white ground."""
    from PIL import Image

    tiles = [_tile(image, side) for image in images]
    height = max(tile.height for tile in tiles)
    width = sum(tile.width for tile in tiles) + GAP * (len(tiles) - 1)
    sheet = Image.new("RGB", (width, height), "white")
    left = 0
    for tile in tiles:
        sheet.paste(tile, (left, 0))
        left += tile.width + GAP
    file = BytesIO()
    sheet.save(file, "WEBP", quality=QUALITY, method=4)
    return Picture(file.getvalue(), "image/webp", width, height, alt, label, frame)


def _tile(image: NDArray[np.uint8], most: int) -> Image.Image:
    from PIL import Image

    pixels = np.ascontiguousarray(image.transpose(1, 2, 0))
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels[:, :, :3]).convert("RGB")
    side = max(picture.size)
    if side * 2 <= most:
        return picture.resize(
            (picture.width * (most // side), picture.height * (most // side)), Image.Resampling.NEAREST
        )
    picture.thumbnail((most, most), Image.Resampling.LANCZOS)
    return picture
