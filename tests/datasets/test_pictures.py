"""One picture as pixels, whatever people have; nothing large is decoded."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from albench_datasets.sources import pictures
from albench_datasets.sources.pictures import MOST_PIXELS, Look, UnusableError, pixels
from tests.datasets.photos import cut


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG file that says its size and holds no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\1\0IDAT"
    )


def test_a_picture_without_a_wanted_size_keeps_its_pixels() -> None:
    picture = cut(0, 3)
    assert np.array_equal(pixels(saved(picture, "PNG"), Look()), np.asarray(picture).transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["BMP", "PNG", "PPM", "TIFF"])
def test_formats_without_loss_give_the_same_pixels(kind: str) -> None:
    look = Look(size=32)
    assert np.array_equal(pixels(saved(cut(1, 5), kind), look), pixels(saved(cut(1, 5), "PNG"), look))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_formats_with_loss_come_close(kind: str) -> None:
    look = Look(size=32)
    close = pixels(saved(cut(1, 5), kind), look).astype(int) - pixels(saved(cut(1, 5), "PNG"), look)
    assert np.abs(close).mean() < 12


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_fit_gives_the_size_that_is_wanted(fit: pictures.Fit, channels: int) -> None:
    assert pixels(saved(cut(0, 1), "PNG"), Look(24, fit, channels)).shape == (channels, 24, 24)


def test_a_crop_takes_the_middle_a_pad_adds_zeros_and_a_stretch_keeps_all() -> None:
    wide = np.zeros((10, 30, 3), dtype=np.uint8)
    wide[:, :10] = (200, 0, 0)
    wide[:, 10:20] = (0, 200, 0)
    wide[:, 20:] = (0, 0, 200)
    file = saved(Image.fromarray(wide), "PNG")
    crop, pad, stretch = (pixels(file, Look(30, fit)) for fit in ("crop", "pad", "stretch"))
    assert (crop[1, :, 3:-3] > 150).all()
    assert pad[:, :9].max() == 0
    assert pad[:, 11:19].max() >= 200
    assert [stretch[channel, 15, 5 + 10 * channel] > 150 for channel in range(3)] == [True] * 3


def test_sixteen_bits_of_grey_keep_their_order_of_brightness() -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (16, 1))
    for kind in ("TIFF", "PNG"):
        found = pixels(saved(Image.fromarray(ramp), kind), Look())
        assert found.shape == (3, 16, 64)
        assert np.array_equal(found[0], (ramp >> 8).astype(np.uint8))


def test_a_cmyk_jpeg_has_the_colours_of_its_rgb() -> None:
    red = Image.new("RGB", (40, 40), (220, 30, 30))
    found = pixels(saved(red.convert("CMYK"), "JPEG"), Look(16))
    assert np.abs(found.mean(axis=(1, 2)) - (220, 30, 30)).max() < 12


def test_the_first_picture_of_an_animation_counts() -> None:
    frames = [Image.new("P", (20, 20), color) for color in (1, 2, 3)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    file = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixels(file, Look())[:, 5, 5].tolist() == [255, 0, 0]


def test_what_is_transparent_is_white_whatever_lies_below() -> None:
    hidden = Image.new("RGBA", (12, 12), (10, 200, 10, 0))
    assert pixels(saved(hidden, "PNG"), Look()).min() == 255


def test_a_camera_that_was_held_upright_gives_an_upright_picture() -> None:
    lying = np.zeros((20, 40, 3), dtype=np.uint8)
    lying[:, :20] = 250
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise to show it
    found = pixels(saved(Image.fromarray(lying), "JPEG", exif=exif, quality=95), Look())
    assert found.shape == (3, 40, 20)
    assert found[:, :15].min() > 200
    assert found[:, 25:].max() < 50


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "it is no picture"),
        (b"GIF89a", "it is no picture|cannot be decoded"),
        (b"<svg/>", "it is no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is no picture"),
        (saved(cut(0, 1), "PNG")[:300], "it cannot be decoded"),
        (saved(cut(0, 1), "JPEG")[:300], "it cannot be decoded"),
        (saved(Image.new("F", (9, 9)), "TIFF"), "floating-point"),
        (saved(Image.new("I", (9, 9), 70_000), "TIFF"), "32-bit"),
        (saved(Image.new("RGB", (40, 7)), "PNG"), "it has 40 x 7 pixels, and a side needs 8"),
    ],
)
def test_what_cannot_be_used_says_why(file: bytes, why: str) -> None:
    with pytest.raises(UnusableError, match=why):
        pixels(file, Look(size=16, smallest=8))


@pytest.mark.parametrize("side", [10_001, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> None:
        pytest.fail("it was decoded")

    assert side * side > MOST_PIXELS
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(UnusableError, match="100,000,000"):
        pixels(png_header(side, side), Look(size=16))


def test_a_picture_that_cannot_be_opened_is_no_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="cannot be decoded"):
        pixels(tmp_path / "gone.png", Look())
