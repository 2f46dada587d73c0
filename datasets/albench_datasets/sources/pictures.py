"""One picture as pixels: of any format, mode and size that people have, and bounded before it is decoded."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # Pillow knows more, some of which start programs
MOST_PIXELS = 100_000_000  # of a picture that is decoded; what says it has more is refused by its header

Fit = Literal["crop", "pad", "stretch"]


class UnusableError(Exception):
    """A picture cannot be used, and why."""


@dataclass(frozen=True)
class Look:
    """What pictures are made into: uint8 arrays (channels, size, size), or of their own size where that is 0."""

    size: int = 0
    fit: Fit = "crop"
    channels: int = 3
    smallest: int = 1  # pixels that a side must have


def pixels(source: Path | bytes, look: Look) -> NDArray[np.uint8]:
    """Return a picture's pixels as they should look, (channels, height, width); UnusableError.

    Of an animation the first picture counts. What is transparent is laid on white, a camera's orientation is applied,
    16-bit grey is brought to 8 bits.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata, and of sizes that are looked at here
            with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as picture:
                _check_size(picture.size, look)
                if look.size and look.fit != "pad":
                    picture.draft(None, (2 * look.size, 2 * look.size))  # a JPEG is decoded no larger than it is needed
                plain = _plain(ImageOps.exif_transpose(picture), look.channels)
                array = np.asarray(_fitted(plain, look) if look.size else plain, dtype=np.uint8)
    except UnusableError:
        raise
    except Image.DecompressionBombError:
        raise UnusableError(f"it says it has more than {MOST_PIXELS:,} pixels") from None
    except Exception as error:  # noqa: BLE001 - a damaged picture raises whatever its decoder likes
        raise UnusableError(_in_words(error)) from None
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def _check_size(size: tuple[int, int], look: Look) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise UnusableError(f"it says it has {width} x {height} pixels, more than {MOST_PIXELS:,}")
    if min(size) < look.smallest:
        raise UnusableError(f"it has {width} x {height} pixels, and a side needs {look.smallest}")


def _plain(picture: Image.Image, channels: int) -> Image.Image:
    """Return a picture of 8-bit grey or RGB."""
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    if picture.mode == "F":
        raise UnusableError("its pixels are floating-point numbers, whose range is not told")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("L" if channels == 1 else "RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8-bit grey."""
    numbers = np.asarray(picture).astype(np.int64)
    if numbers.size and (numbers.min() < 0 or numbers.max() > 0xFFFF):
        raise UnusableError("its pixels are 32-bit numbers, whose range is not told")
    return Image.fromarray((numbers >> 8).astype(np.uint8))


def _fitted(picture: Image.Image, look: Look) -> Image.Image:
    """Return a picture of the size that is wanted: cut to its middle, on a ground of zeros, or stretched."""
    square = (look.size, look.size)
    if look.fit == "stretch":
        return picture.resize(square, Image.Resampling.BICUBIC, reducing_gap=3.0)
    if look.fit == "pad":
        return ImageOps.pad(picture, square, Image.Resampling.BICUBIC)
    return ImageOps.fit(picture, square, Image.Resampling.BICUBIC)


def _in_words(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no picture, or damaged from its beginning"
    return f"it cannot be decoded ({' '.join(str(error).split()) or type(error).__name__})"
