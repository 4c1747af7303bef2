"""The one gate for text that came from outside: the exchange, files, arguments.

Everything that reaches a screen, a log line or a file name passes it. It takes linear time and knows no regular
expressions, so it cannot itself be attacked (RELIABILITY.md J1 to J6).
"""

from __future__ import annotations

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_text(text: object, limit: int = 200) -> str:
    """Make outside text inert for a terminal, a log, an SVG or a message.

    Control characters (C0, C1, escape sequences' ESC), bidirectional and zero-width marks, surrogates and
    unassigned characters become U+FFFD; line breaks and tabs become spaces; the rest stays.

    Args:
        text: Anything; non-strings are converted, bytes are decoded with replacement.
        limit: Longest result in characters; a longer text ends in an ellipsis.
    """
    if isinstance(text, bytes | bytearray):
        text = bytes(text[: 4 * limit]).decode("utf-8", "replace")
    plain = str(text)[: limit + 1]
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(_clean_character(character) for character in plain)
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE else character


def safe_file_stem(text: object, limit: int = 60) -> str:
    """Make a name part for a file from outside text: letters, digits, `-`, `_` only, never empty."""
    stem = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in str(text)[:limit])
    return stem.strip("-") or "unnamed"
