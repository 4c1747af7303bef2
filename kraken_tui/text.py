"""The one gate for untrusted text: from the exchange, from files, from arguments.

Everything that reaches a screen, a log line or a file name passes it. It runs in linear time without regular
expressions, so it cannot itself be attacked (RELIABILITY.md F98, X16).
"""

from __future__ import annotations

import unicodedata

from kraken_tui.secret import redact

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_AHEAD = 4096
"""Characters behind the limit that are looked at for secrets that reach across it."""

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_text(text: object, limit: int = 200) -> str:
    """Make untrusted text inert for a terminal, a log, an SVG or a message.

    Control characters (C0, C1, the ESC of escape sequences), bidirectional and zero-width marks, surrogates and
    unassigned characters become U+FFFD; line breaks and tabs become spaces; secrets are cut out (`kraken_tui.secret`);
    the rest is kept.

    Args:
        text: Anything; non-strings are converted, bytes are decoded with replacement.
        limit: Longest result in characters; a longer text is cut and ends in an ellipsis.
    """
    if isinstance(text, bytes | bytearray):
        # A character takes at most four bytes; one character too many shows that the text is longer.
        text = bytes(text[: 4 * (limit + _AHEAD)]).decode("utf-8", "replace")
    # Before the cut, which could leave a part of a secret that is not known as one.
    plain = redact(str(text)[: limit + _AHEAD])[: limit + 1]
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(_clean_character(character) for character in plain)
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE else character


def safe_file_stem(text: object, limit: int = 60) -> str:
    """Make part of a file name from untrusted text, different for every text (RELIABILITY.md P20).

    "BTC/USD" becomes "BTC-USD". Text in any other form keeps its ASCII letters, digits and `-`, and gets `_` and a
    digest of the whole text. So no two texts share a name, even on a disk that ignores case, and none becomes a device
    name such as CON.

    Args:
        text: Such as a symbol.
        limit: Longest result, at least 20.

    Returns:
        ASCII letters, digits, `-` and `_` only; never empty, never beginning with `-`.
    """
    plain = str(text)
    shown = redact(plain[: limit + _AHEAD])
    base, _, quote = shown.partition("/")
    if all(part and set(part) <= _PLAIN for part in (base, quote)) and len(plain) <= limit:
        return f"{base}-{quote}"
    from hashlib import sha256

    digest = sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in shown[: limit - 17]).strip("-")
    return f"{kept or 'unnamed'}_{digest}"
