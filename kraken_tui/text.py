"""The one gate for text that came from outside: the exchange, files, arguments.

Everything that reaches a screen, a log line or a file name passes it. It takes linear time and knows no regular
expressions, so it cannot itself be attacked (RELIABILITY.md F98, X16).
"""

from __future__ import annotations

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
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
        # A character takes four bytes at most; one more than wanted tells that the text is longer.
        text = bytes(text[: 4 * (limit + 1)]).decode("utf-8", "replace")
    plain = str(text)[: limit + 1]
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(_clean_character(character) for character in plain)
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE else character


def safe_file_stem(text: object, limit: int = 60) -> str:
    """Make a name part for a file from outside text, one of its own for every text (RELIABILITY.md P20).

    "BTC/USD" becomes "BTC-USD". Whatever does not have that plain form keeps its ASCII letters, digits and `-`, and
    gets `_` and a digest of the whole text, so that no two texts share a name, not even where a disk ignores case,
    and none is a device name such as CON.

    Args:
        text: Such as a symbol.
        limit: Longest result, at least 20.

    Returns:
        ASCII letters, digits, `-` and `_` only; never empty, never beginning with `-`.
    """
    plain = str(text)
    base, _, quote = plain.partition("/")
    if all(part and set(part) <= _PLAIN for part in (base, quote)) and len(plain) <= limit:
        return f"{base}-{quote}"
    from hashlib import sha256

    digest = sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in plain[: limit - 17]).strip("-")
    return f"{kept or 'unnamed'}_{digest}"
