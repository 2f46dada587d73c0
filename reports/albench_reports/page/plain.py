"""Text without characters that would act on the text around them, or that no file can hold."""

from __future__ import annotations

REPLACEMENT = "\ufffd"
_ACTING = [
    *range(0x09),  # control characters but tab and line feed
    *range(0x0B, 0x20),
    *range(0x7F, 0xA0),
    *range(0x200E, 0x2010),  # marks and overrides of the writing direction
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),  # halves of pairs, which UTF-8 cannot encode
]
_TABLE = dict.fromkeys(_ACTING, REPLACEMENT)


def plain(text: str) -> str:
    """Return a text with every character that acts on its surroundings replaced."""
    return text.translate(_TABLE)
